package dev.secureruntime.cli;

import dev.secureruntime.core.egress.NetworkPolicyExport;
import dev.secureruntime.core.egress.NetworkPolicyExport.Dns;
import dev.secureruntime.core.egress.PolicyExport;
import dev.secureruntime.core.egress.PolicyExport.Precision;
import dev.secureruntime.core.egress.SmokescreenExport;
import dev.secureruntime.core.egress.SquidExport;
import dev.secureruntime.core.policy.PolicyReader;
import dev.secureruntime.policy.Policy;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes egress policies in the language of a tool outside the process. */
@Command(
        name = "export",
        description = {"Writes egress policies for a proxy or a network outside the process.", ""},
        exitCodeOnInvalidInput = PolicyExportCommand.USAGE,
        exitCodeOnExecutionException = PolicyExportCommand.USAGE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:written to standard output",
            "1:written, but with --strict: the format could not hold some rule",
            "3:wrong usage, or a policy that can't be read"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  secure-runtime policy export policy.json --component chat --format squid > /etc/squid/chat.conf",
            "  secure-runtime policy export policy.json --format smokescreen > acl.yaml",
            "  secure-runtime policy export policy.json --format k8s-networkpolicy --dns cluster | kubectl apply -f -",
            "",
            "What a format can't hold is left out, and named in comments of the output and on standard error. What stays wider",
            "than the policy in every case (a proxy sees no methods within https, ...) stands at the top of the output."
        })
final class PolicyExportCommand implements Callable<Integer> {

    static final int USAGE = 3;
    private static final int GAPS = 1;

    /** The languages. */
    enum Format {
        /** Access rules for Squid 5 and later. */
        SQUID("squid"),
        /** An access list for Smokescreen. */
        SMOKESCREEN("smokescreen"),
        /** Network policies for Kubernetes. */
        K8S_NETWORKPOLICY("k8s-networkpolicy");

        private final String label;

        Format(String label) {
            this.label = label;
        }

        @Override
        public String toString() {
            return label;
        }
    }

    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The policy, JSON or YAML.")
    private Path file = Path.of("");

    @Option(
            names = "--component",
            paramLabel = "NAME",
            description =
                    "The component that is exported; may be repeated. All of them when left out; Squid takes one.")
    private List<String> components = List.of();

    @Option(
            names = "--format",
            required = true,
            paramLabel = "FORMAT",
            description = "One of: ${COMPLETION-CANDIDATES}.")
    private Format format = Format.SQUID;

    @Option(
            names = "--wider",
            description = "Also write rules that the format holds only wider than the policy, each under a comment."
                    + " For k8s-networkpolicy: all public addresses on the ports of rules about names.")
    private boolean wider;

    @Option(names = "--strict", description = "Exit with 1 when the format could not hold some rule.")
    private boolean strict;

    @Option(
            names = "--action",
            paramLabel = "ACTION",
            defaultValue = "enforce",
            description = "smokescreen: what becomes of hosts that are not listed, enforce or report.")
    private String action = "enforce";

    @Option(
            names = "--project",
            paramLabel = "NAME",
            defaultValue = "secure-runtime",
            description = "smokescreen: the owner of the services.")
    private String project = "secure-runtime";

    @Option(
            names = "--dns",
            paramLabel = "WHERE",
            description =
                    "k8s-networkpolicy: open DNS, to 'cluster' (kube-dns) or to a block of addresses. Closed when left"
                            + " out.")
    private @Nullable String dns;

    @Option(
            names = "--pod-label",
            paramLabel = "KEY",
            defaultValue = "secureruntime.dev/component",
            description = "k8s-networkpolicy: the label whose value is the component's name.")
    private String podLabel = "";

    @Override
    public Integer call() {
        Arguments arguments = new Arguments(spec);
        Policy policy = PolicyReader.read(file);
        for (String component : components) {
            if (!policy.components().containsKey(component)) {
                throw arguments.usage("the policy has no component \"" + component + "\"; it has "
                        + String.join(", ", policy.components().keySet()));
            }
        }
        PolicyExport export;
        try {
            export = export(policy, arguments);
        } catch (IllegalArgumentException e) {
            throw arguments.usage(String.valueOf(e.getMessage()));
        }
        arguments.out().print(export.text());
        arguments.out().flush();
        export.gaps().forEach(gap -> arguments.err().println("warning: " + VerdictText.printableLines(gap.toString())));
        return strict && !export.gaps().isEmpty() ? GAPS : 0;
    }

    private PolicyExport export(Policy policy, Arguments arguments) {
        Collection<String> chosen = components.isEmpty() ? policy.components().keySet() : components;
        Precision precision = wider ? Precision.WIDER : Precision.NARROWER;
        return switch (format) {
            case SQUID -> {
                if (chosen.size() != 1) {
                    throw arguments.usage("Squid's rules serve one component: give --component once");
                }
                yield SquidExport.of(policy, chosen.iterator().next());
            }
            case SMOKESCREEN ->
                SmokescreenExport.of(
                        policy, chosen, new SmokescreenExport.Settings(precision, action(arguments), project));
            case K8S_NETWORKPOLICY ->
                NetworkPolicyExport.of(policy, chosen, new NetworkPolicyExport.Settings(precision, dns(), podLabel));
        };
    }

    private SmokescreenExport.Action action(Arguments arguments) {
        return switch (action.toLowerCase(Locale.ROOT)) {
            case "enforce" -> SmokescreenExport.Action.ENFORCE;
            case "report" -> SmokescreenExport.Action.REPORT;
            default -> throw arguments.usage("--action: expected enforce or report");
        };
    }

    private Dns dns() {
        if (dns == null) {
            return new Dns.None();
        }
        return dns.equals("cluster") ? new Dns.Cluster() : new Dns.At(dns);
    }
}
