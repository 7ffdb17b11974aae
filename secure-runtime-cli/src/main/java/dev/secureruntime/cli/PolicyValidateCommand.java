package dev.secureruntime.cli;

import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.policy.PolicyReader;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.Policy;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Reads and compiles a policy, as the runtime would at start. */
@Command(
        name = "validate",
        description = {"Reads a policy as the runtime would, and says what is wrong with it and where.", ""},
        exitCodeOnInvalidInput = PolicyValidateCommand.USAGE,
        exitCodeOnExecutionException = PolicyValidateCommand.USAGE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the policy is valid",
            "1:it is not; the first error is on standard error",
            "3:wrong usage, or a file that can't be read"
        })
final class PolicyValidateCommand implements Callable<Integer> {

    static final int USAGE = 3;

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The policy, JSON or YAML.")
    private Path file = Path.of("");

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the specification");
        }
        PrintWriter out = spec.commandLine().getOut();
        try {
            Policy policy = PolicyReader.read(file);
            EgressPolicy compiled = EgressPolicy.compile(policy);
            int rules = policy.components().values().stream()
                    .mapToInt(component ->
                            component.allow().size() + component.deny().size())
                    .sum();
            out.println("VALID " + file + ": " + count(policy.components().size(), "component") + ", "
                    + count(rules, "egress rule") + ", "
                    + count(policy.secrets().size(), "secret"));
            for (BreakGlass grant : policy.breakGlass()) {
                out.println("warning: break-glass grant to component \"" + grant.component() + "\", " + grant.target()
                        + " until " + grant.until() + " for " + grant.person() + ": "
                        + PolicyExplainCommand.when(grant, Instant.now())
                        + (Instant.now().isBefore(grant.until()) ? "" : ", it opens nothing; take it out"));
            }
            compiled.warnings().forEach(warning -> out.println("warning: " + warning));
            return 0;
        } catch (SecureRuntimeException e) {
            spec.commandLine().getErr().println("error: " + e.getMessage());
            return e.code() == ErrorCode.POLICY_UNREADABLE ? USAGE : 1;
        }
    }

    private static String count(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }
}
