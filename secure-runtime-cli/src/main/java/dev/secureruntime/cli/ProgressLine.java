package dev.secureruntime.cli;

import dev.secureruntime.core.audit.AuditLogVerifier;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** One line on a terminal that says how far a verification came; it is gone when the verdict is printed. */
final class ProgressLine {

    private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int WIDTH = 30;
    private static final double MEBIBYTE = 1 << 20;
    /** Back to the start of the line, and all that stands on it away. */
    private static final String CLEAR = "\r\u001b[K";

    private final PrintWriter terminal;
    private final LongSupplier clock;
    private final long start;
    private long shown;

    ProgressLine(PrintWriter terminal, LongSupplier clock) {
        this.terminal = terminal;
        this.clock = clock;
        start = clock.getAsLong();
        shown = start;
    }

    /** Verifies, and says at the end how many records a second that was. */
    AuditLogVerifier.Report during(AuditLogVerifier verifier, Path directory) {
        AuditLogVerifier.Report report;
        try {
            report = verifier.reportingTo(this::show).report(directory);
        } finally {
            if (shown != start) {
                terminal.print(CLEAR);
                terminal.flush();
            }
        }
        long records = report.result().size();
        double seconds = Math.max(1, clock.getAsLong() - start) / 1e9;
        terminal.printf(Locale.ROOT, "%,d records in %.1f s, %,.0f records/s%n", records, seconds, records / seconds);
        terminal.flush();
        return report;
    }

    void show(long bytes, long total) {
        long now = clock.getAsLong();
        if (now - shown < INTERVAL || total <= 0) {
            return;
        }
        shown = now;
        int done = (int) (WIDTH * (double) bytes / total);
        terminal.printf(
                Locale.ROOT,
                "%s[%s%s] %.0f of %.0f MiB",
                CLEAR,
                "#".repeat(done),
                "-".repeat(WIDTH - done),
                bytes / MEBIBYTE,
                total / MEBIBYTE);
        terminal.flush();
    }
}
