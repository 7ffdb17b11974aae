package dev.secureruntime.cli;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.cli.report.ReportFacts;
import dev.secureruntime.cli.report.ReportPage;
import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.core.audit.ExcerptWindow;
import dev.secureruntime.core.audit.StoredLog;
import dev.secureruntime.core.report.ActivityCollector;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Verifies a log and writes a page about it. */
@Command(
        name = "report",
        description = {
            "Verifies an audit log and writes one HTML file about it.",
            "It shows the verdict, alarms, calls over time, tokens, denials, errors, keys and checkpoints, needs no network, and",
            "checks the records in it again in the reader's browser.",
            ""
        },
        exitCodeOnExecutionException = 2,
        exitCodeListHeading = "%nExit codes (the file is written for 0, 1 and 2):%n",
        exitCodeList = {
            "0:INTACT: every byte is accounted for, from the pinned keys",
            "1:TAMPERED: the first bad record is named on the page",
            "2:INCONCLUSIVE: nothing is wrong, but it can't be vouched for; or the file couldn't be written",
            "3:wrong usage: no such directory, no such key, or --out lies inside DIR"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime audit report /var/log/agent --key audit.pin --out report.html",
            "  secure-runtime audit report ./copy --key audit.pin --anchor /mnt/elsewhere/checkpoint --out report.html",
            "",
            "Figures are about the whole log. The newest records are put into the page, at most 20,000 and 16 MiB; the page",
            "says what the browser checked and what only this command did. Readers paste their own copy of the keys: whoever",
            "hands out a report could have changed the keys, and the script, in it."
        })
final class AuditReportCommand implements Callable<Integer> {

    private static final ExcerptWindow.Limits LIMITS = new ExcerptWindow.Limits(20_000, 4_000, 16L << 20);

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--key",
            required = true,
            paramLabel = "VKEY|FILE",
            description =
                    "The verifier key to trust, or a file of one to three lines, as 'audit append --pin' writes it.")
    private String key = "";

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description = "The file to write, outside DIR; replaced if it exists.")
    private Path out = Path.of("");

    @Option(
            names = "--anchor",
            paramLabel = "FILE",
            description =
                    "A checkpoint of this log that was kept elsewhere; the log must still have it. May be repeated.")
    private List<Path> anchors = List.of();

    @Override
    public Integer call() throws IOException {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        Path target = target(arguments);
        List<String> keys = arguments.keys(key);
        VerificationResult result =
                verifier(arguments, keys).anchoredBy(anchors).verify(directory);
        replace(target, page(keys, result));
        arguments.out().println(VerdictText.words(directory.toString(), result));
        if (result instanceof VerificationResult.Intact) {
            return 0;
        }
        return result instanceof VerificationResult.Tampered ? 1 : 2;
    }

    private static AuditLogVerifier verifier(Arguments arguments, List<String> keys) {
        try {
            return AuditLogVerifier.withKeys(keys);
        } catch (IllegalArgumentException e) {
            throw arguments.usage("--key: " + e.getMessage());
        }
    }

    private Path target(Arguments arguments) {
        List<String> read = new ArrayList<>(anchors.stream().map(Path::toString).toList());
        read.add(key);
        return arguments.requireOutput("--out", out, directory, read);
    }

    private ReportPage page(List<String> keys, VerificationResult result) throws IOException {
        ActivityCollector activity = new ActivityCollector();
        ExcerptWindow window = new ExcerptWindow(LIMITS);
        // A log may grow while it is read; what was verified ends at the size that the verifier saw.
        long end = result instanceof VerificationResult.Tampered ? Long.MAX_VALUE : result.size();
        StoredLog.read(directory, end, item -> {
            activity.add(item);
            window.add(item);
        });
        ReportFacts facts = new ReportFacts(
                directory.toString(),
                keys,
                anchors.stream().map(Path::toString).toList(),
                Instant.now().truncatedTo(ChronoUnit.SECONDS),
                result,
                activity.result());
        return new ReportPage(facts, window.finish());
    }

    private static void replace(Path target, ReportPage page) throws IOException {
        if (Files.exists(target) && !Files.isRegularFile(target)) {
            write(target, page); // a device or a pipe, which no file may take the place of
            return;
        }
        Path draft = Files.createTempFile(target.getParent(), ".report", ".tmp");
        try {
            write(draft, page);
            Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    private static void write(Path file, ReportPage page) throws IOException {
        try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
            page.write(stream);
        }
    }
}
