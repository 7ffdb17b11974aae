package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.PolicyExport.Effect;
import dev.secureruntime.core.egress.PolicyExport.Gap;
import dev.secureruntime.core.egress.PolicyExport.Precision;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * Writes egress policies as Kubernetes network policies ({@code networking.k8s.io/v1}), one per component: default deny for
 * outgoing traffic of the pods that carry the component's label, and what {@code cidr} rules allow.
 *
 * <p>What holds, with {@link Precision#NARROWER}: where a connection to an address and port is let through, the policy allows
 * every request to that address as host on that port, by https or by http. DNS is closed unless it is asked for.
 *
 * <p>What does not: a network policy knows addresses and ports, and no names. Rules for names are left out, which
 * closes them: send named hosts through a proxy outside the pod (see the other exports), or choose {@link Precision#WIDER},
 * which opens all public addresses on the ports of such rules. A network policy can't tell https from anything else on the
 * port. It is enforced by the cluster's network plug-in, and not at all where that has no support for it; traffic to the
 * pod's own node may pass.
 */
public final class NetworkPolicyExport {

    private final ExportText text = new ExportText();
    private final Settings settings;

    private NetworkPolicyExport(Settings settings) {
        this.settings = settings;
    }

    /** Who answers the pods' DNS queries. Whatever may be asked there can carry data out in the names asked for. */
    public sealed interface Dns {
        /** Nobody: no DNS. */
        record None() implements Dns {}

        /** The cluster's own servers: pods with the label {@code k8s-app: kube-dns} in the namespace {@code kube-system}. */
        record Cluster() implements Dns {}

        /** Servers in a block of addresses, in CIDR notation. */
        record At(String block) implements Dns {
            public At {
                block = dev.secureruntime.policy.CidrBlock.parse(block).toString();
            }
        }
    }

    /**
     * How to write.
     *
     * @param precision what becomes of rules that would come out wider
     * @param dns who answers the pods' DNS queries
     * @param labelKey the key of the label that pods carry, with the component's name as value
     */
    public record Settings(Precision precision, Dns dns, String labelKey) {
        /** Nothing wider than the policy, no DNS. */
        public static final Settings DEFAULT =
                new Settings(Precision.NARROWER, new Dns.None(), "secureruntime.dev/component");

        public Settings {
            if (!labelKey.matches(
                    "([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")) {
                throw new IllegalArgumentException("\"" + labelKey + "\" is no key of a Kubernetes label");
            }
        }
    }

    /**
     * The network policies, as one YAML file.
     *
     * @throws IllegalArgumentException when the policy has no such component, or one whose name can't be the value of a label
     */
    public static PolicyExport of(Policy policy, Collection<String> components, Settings settings) {
        EgressPolicy.compile(policy);
        NetworkPolicyExport export = new NetworkPolicyExport(settings);
        export.text
                .comment("", "Egress of policy " + policy.source() + ", as Kubernetes network policies.")
                .comment("", "They know addresses and ports: what they can't hold stands in comments.")
                .comment("", UnexportedMembers.SECRETS);
        for (String component : components) {
            export.write(component, ComponentRules.of(policy, component), UnexportedMembers.of(policy, component));
        }
        return export.text.done();
    }

    private void write(String component, ComponentPolicy rules, List<Gap> besides) {
        if (!component.matches("[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")) {
            throw new IllegalArgumentException("the name of component \"" + component
                    + "\" can't be the value of a Kubernetes label: at most 63 letters, digits and . _ -");
        }
        text.line("---")
                .line("apiVersion: networking.k8s.io/v1")
                .line("kind: NetworkPolicy")
                .line("metadata:")
                .line("  name: " + ExportText.quoted(objectName(component)))
                .line("spec:")
                .line("  podSelector:")
                .line("    matchLabels:")
                .line("      " + ExportText.quoted(settings.labelKey()) + ": " + ExportText.quoted(component))
                .line("  policyTypes:")
                .line("    - Egress");
        ConnectionOpenings openings = ConnectionOpenings.of(component, rules, settings.precision());
        besides.forEach(gap -> text.gap("  ", gap));
        openings.gaps().forEach(gap -> text.gap("  ", gap));
        boolean any = !openings.openings().isEmpty() || !(settings.dns() instanceof Dns.None);
        text.line("  egress:" + (any ? "" : " []"));
        dns(component);
        openings.openings().forEach(this::opening);
    }

    private void dns(String component) {
        if (settings.dns() instanceof Dns.None) {
            return;
        }
        String why = "was asked for; names that are looked up can carry data out";
        text.gap("    ", new Gap(component, "the policy", Effect.WIDER, "DNS " + why));
        if (settings.dns() instanceof Dns.At at) {
            text.line("    - to:")
                    .line("        - ipBlock:")
                    .line("            cidr: " + ExportText.quoted(at.block()));
        } else {
            text.line("    - to:")
                    .line("        - namespaceSelector:")
                    .line("            matchLabels:")
                    .line("              \"kubernetes.io/metadata.name\": \"kube-system\"")
                    .line("          podSelector:")
                    .line("            matchLabels:")
                    .line("              \"k8s-app\": \"kube-dns\"");
        }
        text.line("      ports:");
        for (String protocol : List.of("UDP", "TCP")) {
            text.line("        - protocol: " + protocol).line("          port: 53");
        }
    }

    private void opening(ConnectionOpenings.Opening opening) {
        text.comment("    ", opening.rule());
        text.line("    - to:");
        text.line("        - ipBlock:")
                .line("            cidr: " + ExportText.quoted(opening.block().toString()));
        if (!opening.except().isEmpty()) {
            text.line("            except:");
            opening.except().forEach(hole -> text.line("              - " + ExportText.quoted(hole.toString())));
        }
        text.line("      ports:");
        for (int port : opening.ports()) {
            text.line("        - protocol: TCP").line("          port: " + port);
        }
    }

    /** The name of the object: the component's, as far as it can be; where it can't, with a digest that tells two apart. */
    private static String objectName(String component) {
        String plain = component.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9-]", "-");
        if (plain.equals(component)) {
            return "egress-" + plain;
        }
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(component.getBytes(StandardCharsets.UTF_8));
            return "egress-" + plain + "-" + HexFormat.of().formatHex(digest, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
