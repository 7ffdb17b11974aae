package dev.secureruntime.cli;

import dev.secureruntime.core.egress.SquidExport;
import dev.secureruntime.core.policy.PolicyReader;
import dev.secureruntime.policy.Policy;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a component's egress policy in the language of a proxy outside the process. */
@Command(
        name = "export",
        description = {"Writes a component's egress policy for a proxy outside the process.", ""},
        exitCodeOnInvalidInput = PolicyExportCommand.USAGE,
        exitCodeOnExecutionException = PolicyExportCommand.USAGE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:written to standard output", "3:wrong usage, or a policy that can't be read"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime policy export policy.json --component chat --format squid > /etc/squid/chat.conf",
            "",
            "Within https a proxy sees host and port only; what it can't enforce stands in comments of the output."
        })
final class PolicyExportCommand implements Callable<Integer> {

    static final int USAGE = 3;

    /** The languages. */
    enum Format {
        /** Access rules for Squid 5 and later. */
        squid
    }

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The policy, JSON or YAML.")
    private Path file = Path.of("");

    @Option(
            names = "--component",
            required = true,
            paramLabel = "NAME",
            description = "The component that the proxy serves.")
    private String component = "";

    @Option(
            names = "--format",
            required = true,
            paramLabel = "FORMAT",
            description = "One of: ${COMPLETION-CANDIDATES}.")
    private Format format = Format.squid;

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the specification");
        }
        Policy policy = PolicyReader.read(file);
        if (!policy.components().containsKey(component)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "the policy has no component \"" + component + "\"; it has "
                            + String.join(", ", policy.components().keySet()));
        }
        PrintWriter out = spec.commandLine().getOut();
        out.print(
                switch (format) {
                    case squid -> SquidExport.of(policy, component);
                });
        out.flush();
        return 0;
    }
}
