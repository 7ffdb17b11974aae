package dev.secureruntime.cli;

import dev.secureruntime.core.audit.AuditProofs;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Proves that a record is in a log. */
@Command(
        name = "prove",
        description = {
            "Proves that a record is under the log's newest checkpoint, for someone who has the log key but not the log.",
            "The proof is in the form of C2SP tlog-proof. The log is read as a whole, and refused when it was tampered with.",
            ""
        },
        exitCodeOnExecutionException = 2,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the proof was written",
            "1:the log was tampered with",
            "2:a file can't be read or written",
            "3:wrong usage, or no signed record has that index"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime audit prove ./audit 612 --out 612.tlog-proof",
            "  secure-runtime audit show ./audit 612 --json > 612.json",
            "  secure-runtime audit check-proof 612.tlog-proof --record 612.json --key audit.pin"
        })
final class AuditProveCommand implements Callable<Integer> {

    private static final int TAMPERED = 1;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Parameters(index = "1", paramLabel = "INDEX", description = "The record's index.")
    private long index;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Where to write the proof; otherwise to standard output.")
    private @Nullable Path file;

    @Override
    public Integer call() throws IOException {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        if (file != null) {
            arguments.requireOutput("--out", file, directory, List.of());
        }
        try {
            String proof = AuditProofs.inclusion(directory, index);
            if (file == null) {
                arguments.out().print(proof);
            } else {
                Files.writeString(file, proof);
            }
            return 0;
        } catch (IllegalArgumentException e) {
            throw arguments.usage(String.valueOf(e.getMessage()));
        } catch (SecureRuntimeException e) {
            arguments.err().println(e.getMessage());
            return TAMPERED;
        }
    }
}
