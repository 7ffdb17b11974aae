package dev.secureruntime.cli;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.AuditLogVerifier;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Verifies a log and says what it found, in words or as JSON. */
@Command(
        name = "verify",
        description = {
            "Checks every byte of an audit log: form, hash chain, Merkle tree, both signatures of every checkpoint.",
            "The directory may be a copy, or in use by a writer; no file in it is changed.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:INTACT: every byte is accounted for, from the pinned keys",
            "1:TAMPERED: the first bad record, its file and byte offset are named",
            "2:INCONCLUSIVE: nothing is wrong, but it can't be vouched for (no key given, interrupted writer,"
                    + " unreadable file)",
            "3:wrong usage: no such directory, no such key"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime audit verify /var/log/agent --key /etc/agent-audit.pin",
            "  secure-runtime audit verify ./copy --key 'agent/0f..+1a2b3c4d+AbCd...' --json",
            "  secure-runtime audit verify /var/log/agent --key audit.pin --anchor /mnt/elsewhere/checkpoint",
            "  secure-runtime audit verify /var/log/agent --key audit.pin --witness witness.vkey --tsa ca.pem",
            "",
            "The key file holds the lines that 'audit append --pin' wrote: log key, first epoch key, and the ML-DSA key",
            "where there is one; blank lines and lines that begin with '#' are skipped. With the log key alone, the",
            "verdict says that forward security was not checked. Records above the newest checkpoint are counted as not",
            "yet signed. A log that was cut back to an older checkpoint as a whole can't be told from an older log; keep",
            "copies of DIR/checkpoint elsewhere and give them with --anchor: completeness is then proved up to the",
            "newest. Evidence that was asked for and isn't there makes the verdict INCONCLUSIVE, evidence that isn't",
            "valid TAMPERED. To copy a log that is in use, copy checkpoint, then checkpoints, then log.json and segments:",
            "a copy whose segments are older than its checkpoints looks like a log that was cut back."
        })
final class AuditVerifyCommand implements Callable<Integer> {

    private static final int INTACT = 0;
    private static final int TAMPERED = 1;
    private static final int INCONCLUSIVE = 2;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--key",
            paramLabel = "VKEY|FILE",
            description =
                    "The verifier key to trust, or a file of one to three lines: log key, first epoch key, ML-DSA key.")
    private @Nullable String key;

    @Option(names = "--json", description = "Print the verdict as one line of JSON.")
    private boolean json;

    @Option(
            names = "--anchor",
            paramLabel = "FILE",
            description =
                    "A checkpoint of this log that was kept elsewhere; the log must still have it. May be repeated.")
    private List<Path> anchors = List.of();

    @Option(
            names = "--witness",
            paramLabel = "VKEY|FILE",
            description = "Require a cosignature by this witness in the log's records. May be repeated.")
    private List<String> witnesses = List.of();

    @Option(
            names = "--tsa",
            paramLabel = "CERT.pem",
            description =
                    "Require a time stamp in the log's records by an authority of this certificate, or under this CA."
                            + " May be repeated.")
    private List<Path> authorities = List.of();

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        AuditLogVerifier verifier = verifier(arguments)
                .anchoredBy(anchors)
                .witnessedBy(witnesses(arguments))
                .timeStampedBy(arguments.certificates("--tsa", authorities));
        AuditLogVerifier.Report report = json || System.console() == null
                ? verifier.report(directory)
                : new ProgressLine(arguments.err(), System::nanoTime).during(verifier, directory);
        VerificationResult result = report.result();
        arguments
                .out()
                .println(
                        json
                                ? VerdictText.json(result, report.vouched())
                                : VerdictText.words(directory.toString(), result, report.vouched()));
        if (result instanceof VerificationResult.Intact) {
            return INTACT;
        }
        return result instanceof VerificationResult.Tampered ? TAMPERED : INCONCLUSIVE;
    }

    private List<String> witnesses(Arguments arguments) {
        return witnesses.stream()
                .flatMap(witness -> arguments.witnesses("--witness", witness).stream())
                .toList();
    }

    private AuditLogVerifier verifier(Arguments arguments) {
        if (key == null) {
            return AuditLogVerifier.withoutKeys();
        }
        try {
            return AuditLogVerifier.withKeys(arguments.keys(key));
        } catch (IllegalArgumentException e) {
            throw arguments.usage("--key: " + e.getMessage());
        }
    }
}
