package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditReportCommandTest {

    @TempDir
    private Path home;

    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return SecureRuntimeCommand.run(new PrintWriter(new StringWriter()), new PrintWriter(err), arguments);
    }

    private int report(Path out) {
        return run(
                "audit",
                "report",
                home.resolve("log").toString(),
                "--key",
                home.resolve("pin").toString(),
                "--out",
                out.toString());
    }

    private Path page() {
        return home.resolve("report.html");
    }

    @BeforeEach
    void writeLog() {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(
                "{\"type\":\"tool.call\",\"component\":\"chat\"}\n".repeat(5).getBytes(StandardCharsets.UTF_8)));
        try {
            assertThat(run(
                            "audit",
                            "append",
                            home.resolve("log").toString(),
                            "--signer",
                            home.resolve("signer").toString(),
                            "--pin",
                            home.resolve("pin").toString()))
                    .isZero();
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void report_ofAnIntactLog_isOneFileWithAPolicy() throws Exception {
        Files.writeString(page(), "an older report");
        assertThat(report(page())).isZero();
        assertThat(Files.readString(page()))
                .startsWith("<!DOCTYPE html>")
                .contains("default-src 'none'; script-src 'sha256-")
                .doesNotContain("http://127", "unsafe-inline", "connect-src")
                .contains("\"word\":\"INTACT\"");
        try (Stream<Path> files = Files.list(home)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("log", "signer", "signer.lock", "pin", "report.html");
        }
    }

    @Test
    void report_ofATamperedLog_isWrittenWithExitCode1() throws Exception {
        Path segment = home.resolve("log/segments/00000000000000000000.jsonl");
        Files.writeString(segment, Files.readString(segment).replaceFirst("chat", "chap"));
        assertThat(report(page())).isEqualTo(1);
        assertThat(Files.readString(page())).contains("\"word\":\"TAMPERED\"", "\"badRecord\":\"1\"");
        Files.writeString(segment, "no record\n\u0000\n" + "x".repeat(70_000));
        assertThat(report(page())).isEqualTo(1);
        Files.delete(home.resolve("log/checkpoints"));
        Files.delete(segment);
        assertThat(report(page())).isEqualTo(1);
        assertThat(Files.readString(page())).contains("there is no such file");
    }

    @Test
    void report_ofAnInterruptedLog_isWrittenWithExitCode2() throws Exception {
        Path segment = home.resolve("log/segments/00000000000000000000.jsonl");
        Files.writeString(segment, Files.readString(segment) + "{\"seq\":");
        assertThat(report(page())).isEqualTo(2);
        assertThat(Files.readString(page())).contains("\"word\":\"INCONCLUSIVE\"");
    }

    @Test
    void report_intoTheLogOrWithoutKeys_isWrongUsage() throws Exception {
        assertThat(report(home.resolve("log/report.html"))).isEqualTo(3);
        Path link = Files.createSymbolicLink(home.resolve("link"), home.resolve("log/segments"));
        assertThat(report(link.resolve("report.html"))).isEqualTo(3);
        assertThat(err.toString()).contains("lies inside the log's directory");
        assertThat(report(home.resolve("missing/report.html"))).isEqualTo(3);
        assertThat(run("audit", "report", home.resolve("log").toString(), "--out", page().toString()))
                .isEqualTo(3);
        Files.write(home.resolve("pin"), List.of("no key"));
        assertThat(report(page())).isEqualTo(3);
        assertThat(page()).doesNotExist();
    }
}
