package dev.secureruntime.cli;

import dev.secureruntime.core.audit.AuditProofs;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Proves that a log at one size continues the log at a smaller size. */
@Command(
        name = "consistency",
        description = {
            "Prints the hashes that prove that the log at NEW records continues the log at OLD records.",
            "They are those of RFC 6962, section 2.1.2, in base64, one a line; none where the sizes are equal. Witnesses and",
            "monitors ask for them.",
            ""
        },
        exitCodeOnExecutionException = 2,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the proof was printed",
            "1:the log was tampered with",
            "2:a file can't be read",
            "3:wrong usage"
        },
        footerHeading = "%nExample:%n",
        footer = "  secure-runtime audit consistency ./audit 4096 8192")
final class AuditConsistencyCommand implements Callable<Integer> {

    private static final int TAMPERED = 1;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIR", description = "The log's directory.")
    private Path directory = Path.of("");

    @Parameters(index = "1", paramLabel = "OLD", description = "The smaller size, at least 1.")
    private long older;

    @Parameters(index = "2", paramLabel = "NEW", description = "The larger size, at most the number of records.")
    private long newer;

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        arguments.requireDirectory(directory);
        try {
            AuditProofs.consistency(directory, older, newer).forEach(arguments.out()::println);
            return 0;
        } catch (IllegalArgumentException e) {
            throw arguments.usage(String.valueOf(e.getMessage()));
        } catch (SecureRuntimeException e) {
            arguments.err().println(e.getMessage());
            return TAMPERED;
        }
    }
}
