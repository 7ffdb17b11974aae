package dev.secureruntime.cli;

import dev.secureruntime.core.audit.AuditProofs;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks a proof without the log. */
@Command(
        name = "check-proof",
        description = {
            "Checks a proof that a record is in a log, without the log.",
            "The record file has the record's stored bytes, as 'audit show INDEX --json' prints them.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:proved: the log key signed a tree with this record at this index",
            "1:refuted: proof, record, or signature doesn't fit",
            "2:inconclusive: no key was given",
            "3:wrong usage, or a file can't be read"
        },
        footerHeading = "%nExample:%n",
        footer = "  secure-runtime audit check-proof 612.tlog-proof --record 612.json --key audit.pin")
final class AuditCheckProofCommand implements Callable<Integer> {

    private static final int REFUTED = 1;
    private static final int INCONCLUSIVE = 2;
    private static final int MAX_RECORD = 65_536;
    private static final int MAX_PROOF = 64 * 1024;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "PROOF", description = "The file of the proof, in C2SP tlog-proof form.")
    private Path proof = Path.of("");

    @Option(names = "--record", paramLabel = "FILE", required = true, description = "The file of the record's line.")
    private Path record = Path.of("");

    @Option(
            names = "--key",
            paramLabel = "VKEY|FILE",
            description = "The log's verifier key, or a file whose first line it is.")
    private @Nullable String key;

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        byte[] line = arguments.content(record, MAX_RECORD);
        byte[] text = arguments.content(proof, MAX_PROOF);
        if (key == null) {
            arguments.out().println("INCONCLUSIVE  no key was given");
            return INCONCLUSIVE;
        }
        List<String> keys = arguments.keys(key);
        if (keys.isEmpty()) {
            throw arguments.usage("--key: expected a verifier key");
        }
        boolean terminated = line.length > 0 && line[line.length - 1] == '\n';
        AuditProofs.Result result;
        try {
            result = AuditProofs.check(text, terminated ? Arrays.copyOf(line, line.length - 1) : line, keys.get(0));
        } catch (IllegalArgumentException e) {
            throw arguments.usage("--key: " + e.getMessage());
        }
        if (result instanceof AuditProofs.Result.Proved proved) {
            arguments
                    .out()
                    .println("INTACT  record " + Long.toUnsignedString(proved.index()) + " of the log at size "
                            + Long.toUnsignedString(proved.size())
                            + "; the epoch key's signature can only be checked with the log");
            return 0;
        }
        if (result instanceof AuditProofs.Result.Refuted refuted) {
            arguments.out().println("TAMPERED  " + VerdictText.printable(refuted.reason()));
        }
        return REFUTED;
    }
}
