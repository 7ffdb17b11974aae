package dev.secureruntime.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.secureruntime.core.egress.PolicyDiff;
import dev.secureruntime.core.policy.PolicyReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what one policy would newly allow or deny compared with another. */
@Command(
        name = "diff",
        description = {
            "Says what a new policy would newly allow (+) or deny (-).",
            "Both are asked about every target that a rule of either speaks of; of a wildcard, a category or a block of",
            "addresses, samples stand for the rest. Rules and all other members (budgets, modes, secrets, categories' lists,",
            "break-glass grants) are compared as they are written, too.",
            ""
        },
        exitCodeOnInvalidInput = PolicyDiffCommand.USAGE,
        exitCodeOnExecutionException = PolicyDiffCommand.USAGE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:no difference was found",
            "1:differences, one a line",
            "3:wrong usage, or a policy that can't be read"
        })
final class PolicyDiffCommand implements Callable<Integer> {

    static final int USAGE = 3;
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "OLD", description = "The policy as it was.")
    private Path before = Path.of("");

    @Parameters(index = "1", paramLabel = "NEW", description = "The policy as it would be.")
    private Path after = Path.of("");

    @Option(names = "--json", description = "Print one JSON object per difference.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the specification");
        }
        PrintWriter out = spec.commandLine().getOut();
        PolicyDiff diff = PolicyDiff.between(PolicyReader.read(before), PolicyReader.read(after));
        for (PolicyDiff.Change change : diff.changes()) {
            if (json) {
                ObjectNode line = JSON.createObjectNode()
                        .put("component", change.component())
                        .put("change", change.turn().name())
                        .put("target", change.target());
                change.requests().forEach(line.putArray("requests")::add);
                out.println(JSON.writeValueAsString(line));
            } else {
                String sign = change.turn() == PolicyDiff.Turn.NEWLY_ALLOWED ? "+ " : "- ";
                String requests = change.requests().isEmpty() ? "" : " " + change.requests();
                out.println(sign + change.component() + " " + change.target() + requests);
            }
        }
        for (String line : diff.besides()) {
            out.println(
                    json
                            ? JSON.writeValueAsString(JSON.createObjectNode().put("besides", line))
                            : VerdictText.printable(line));
        }
        return diff.changes().isEmpty() && diff.besides().isEmpty() ? 0 : 1;
    }
}
