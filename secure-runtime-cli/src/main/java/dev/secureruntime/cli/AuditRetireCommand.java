package dev.secureruntime.cli;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Removes the oldest records of a log. */
@Command(
        name = "retire",
        description = {
            "Removes the oldest segments of an audit log, and keeps what proves that they existed.",
            "What is left verifies from the same keys. Only whole segments are removed, never the newest, and only records",
            "that an anchor covers: a checkpoint of this log that is kept elsewhere. The log says in a signed record what was",
            "removed.",
            ""
        },
        exitCodeOnExecutionException = 2,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the records were removed, be it none; the last line says which is the first that is left",
            "1:the log was tampered with or doesn't have the anchored checkpoint; nothing was removed",
            "2:the log can't be opened, written, or continued with this signer; the message begins with a code",
            "3:wrong usage: no such log, an anchor that can't be read or that the log key didn't sign"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime audit retire ./audit --signer ./keys/audit.signer --before 2026-01-01T00:00:00Z --anchor ./kept",
            "  secure-runtime audit retire ./audit --signer ./keys/audit.signer --before 100000 --anchor ./kept",
            "",
            "No writer may have the log open. A command that was interrupted can be given again."
        })
final class AuditRetireCommand implements Callable<Integer> {

    private static final int TAMPERED = 1;
    private static final int UNWRITABLE = 2;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--signer",
            paramLabel = "FILE",
            required = true,
            description = "The file of the signing keys, outside DIR.")
    private Path signer = Path.of("");

    @Option(
            names = "--before",
            paramLabel = "INDEX|TIMESTAMP",
            required = true,
            description = "Keep this record and all later ones, or all from this time on (RFC 3339, UTC).")
    private String before = "";

    @Option(
            names = "--anchor",
            paramLabel = "FILE",
            required = true,
            description = "A checkpoint of this log that is kept elsewhere. May be repeated.")
    private List<Path> anchors = List.of();

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        if (!Files.exists(directory.resolve("log.json")) || !Files.exists(signer)) {
            // Opening would start a new log.
            throw arguments.usage("expected a log in " + directory + " and its signer in " + signer);
        }
        if (!arguments.within(directory, anchors).isEmpty()) {
            throw arguments.usage("--anchor: expected a checkpoint that is kept outside " + directory);
        }
        boolean index = before.matches("[0-9]{1,18}");
        Instant time = index ? Instant.MIN : time(arguments);
        AuditSettings settings = AuditSettings.in(directory).signer(signer);
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, Clock.systemUTC())) {
            long first = index ? log.retireBelow(Long.parseLong(before), anchors) : log.retireBefore(time, anchors);
            arguments.out().println("first record " + first + ", log size " + log.size());
            return 0;
        } catch (IllegalArgumentException e) {
            throw arguments.usage(String.valueOf(e.getMessage()));
        } catch (SecureRuntimeException e) {
            arguments.err().println(e.getMessage());
            return SecureRuntimeCommand.exitCode(
                    e, e.code() == ErrorCode.AUDIT_LOG_INCONSISTENT && isTampered() ? TAMPERED : UNWRITABLE);
        }
    }

    /** What is wrong may be the signer's trouble alone; 1 is left to what 'audit verify' says so of. */
    private boolean isTampered() {
        return AuditLogVerifier.withoutKeys().anchoredBy(anchors).verify(directory)
                instanceof VerificationResult.Tampered;
    }

    private Instant time(Arguments arguments) {
        try {
            return Instant.parse(before);
        } catch (DateTimeParseException e) {
            throw arguments.usage("--before: expected an index, or a time like 2026-01-01T00:00:00Z");
        }
    }
}
