package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.audit.AuditLogVerifier;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgressLineTest {

    private final StringWriter text = new StringWriter();
    private long now;
    private final ProgressLine line = new ProgressLine(new PrintWriter(text), () -> now);

    @Test
    void show_manyCallsInAMoment_printsOnce() {
        now = 100_000_000;
        for (int i = 0; i < 1_000; i++) {
            line.show(1 << 20, 2 << 20);
        }
        assertThat(text.toString()).isEqualTo("\r\u001b[K[" + "#".repeat(15) + "-".repeat(15) + "] 1 of 2 MiB");
    }

    @Test
    void during_fastVerification_saysRecordsPerSecondOnly(@TempDir Path empty) {
        now = 0;
        line.during(AuditLogVerifier.withoutKeys(), empty);
        assertThat(text.toString()).isEqualTo("0 records in 0.0 s, 0 records/s" + System.lineSeparator());
    }
}
