package dev.secureruntime.cli;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes the keys of a log that will be started later, so that its verifiers can be told before. */
@Command(
        name = "keygen",
        description = {
            "Makes the signer of a new log and prints the verifier keys to pin: log key, first epoch key, ML-DSA key.",
            "The log that is then started with this signer is the one that they verify.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:the signer was made", "2:the signer exists already or can't be written", "3:wrong usage"},
        footerHeading = "%nExample:%n",
        footer = "  secure-runtime audit keygen --signer ./keys/audit.signer --name agent > audit.pin")
final class AuditKeygenCommand implements Callable<Integer> {

    private static final int UNWRITABLE = 2;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--signer", paramLabel = "FILE", required = true, description = "The file to make, with mode 0600.")
    private Path signer = Path.of("");

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "What the log's origin starts with (default: ${DEFAULT-VALUE}).",
            defaultValue = "secure-runtime")
    private String name = "";

    @Option(
            names = "--post-quantum",
            description = "Give a new log an ML-DSA-44 signature too; its key is the third line to pin.")
    private boolean postQuantum;

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        arguments.requireOutsideLogs("--signer", signer, null);
        try {
            // Nothing of the log's directory is in the signer; the log is started with its own.
            AuditSettings settings = AuditSettings.in(signer.resolveSibling("log"))
                    .signer(signer)
                    .name(name);
            List<String> keys = HashChainedAuditLog.createSigner(postQuantum ? settings.postQuantum() : settings);
            keys.forEach(arguments.out()::println);
            return 0;
        } catch (SecureRuntimeException e) {
            arguments.err().println(e.getMessage());
            return SecureRuntimeCommand.exitCode(e, UNWRITABLE);
        }
    }
}
