package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.PolicyExport.Effect;
import dev.secureruntime.core.egress.PolicyExport.Gap;
import dev.secureruntime.core.egress.PolicyExport.Precision;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.net.IDN;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes egress policies as an access list of the Smokescreen proxy (version {@code v1}): one service per component, whose
 * {@code allowed_domains} are the names that the component may reach by https on port 443.
 *
 * <p>What holds, with {@link Precision#NARROWER}: a host that the list allows to a service is one to which the policy
 * allows every request by https on port 443. Rules that the list can't hold so are left out and named.
 *
 * <p>What does not: a Smokescreen access list judges hosts alone. Over a host that it allows, any port and scheme goes; that
 * no other port is reached has to be seen to in the network. It takes a trailing dot off a host and maps upper case and
 * full-width characters, where the policy refuses them. In this proxy {@code allowed_domains} beat {@code
 * global_deny_list}: denials are therefore taken out of what is allowed, and not written as denials. Which special addresses are
 * closed is its own configuration's business ({@code deny_ranges}, {@code allow_ranges}).
 */
public final class SmokescreenExport {

    private SmokescreenExport() {}

    /** What a service does with a host that is not in its list. */
    public enum Action {
        /** Refuses it. */
        ENFORCE,
        /** Lets it through and reports it: for finding out what a list would refuse. The policy's denials still hold. */
        REPORT
    }

    /**
     * How to write.
     *
     * @param precision what becomes of rules that would come out wider
     * @param action what a service does with a host that is not in its list
     * @param project the owner that is named to Smokescreen
     */
    public record Settings(Precision precision, Action action, String project) {
        /** Nothing wider than the policy. */
        public static final Settings DEFAULT = new Settings(Precision.NARROWER, Action.ENFORCE, "secure-runtime");
    }

    /**
     * The access list.
     *
     * @throws IllegalArgumentException when the policy has no such component
     */
    public static PolicyExport of(Policy policy, Collection<String> components, Settings settings) {
        EgressPolicy.compile(policy);
        Categories categories = Categories.of(policy);
        ExportText text = new ExportText();
        text.comment("", "Egress of policy " + policy.source() + ", for Smokescreen (access list v1).")
                .comment(
                        "",
                        "The list judges hosts alone: make sure that no port but 443 and no scheme but https is used"
                                + " through the proxy.")
                .comment(
                        "",
                        "What it can't hold stands in comments. Special addresses are closed by the proxy's own"
                                + " deny_ranges.");
        text.comment("", UnexportedMembers.SECRETS);
        text.line("---").line("version: v1").line("services:");
        Set<String> denied = new LinkedHashSet<>();
        for (String component : components) {
            ComponentPolicy rules = ComponentRules.of(policy, component);
            service(component, rules, UnexportedMembers.of(policy, component), categories, settings, text);
            if (settings.action() == Action.REPORT) {
                addDenied(rules, categories, denied);
            }
        }
        text.line("default:")
                .line("  project: " + ExportText.quoted(settings.project()))
                .line("  action: enforce")
                .line("  allowed_domains: []");
        list("", "global_deny_list", denied, text);
        text.line("global_allow_list: []");
        return text.done();
    }

    private static void service(
            String component,
            ComponentPolicy rules,
            List<Gap> besides,
            Categories categories,
            Settings settings,
            ExportText text) {
        NameOpenings openings = NameOpenings.of(component, rules, categories, settings.precision());
        text.line("  - name: " + ExportText.quoted(component))
                .line("    project: " + ExportText.quoted(settings.project()))
                .line("    action: " + (settings.action() == Action.REPORT ? "report" : "enforce"));
        if (settings.action() == Action.REPORT) {
            String why = "action report lets every host through that global_deny_list does not name";
            text.gap("    ", new Gap(component, "the policy", Effect.WIDER, why));
        }
        besides.forEach(gap -> text.gap("    ", gap));
        openings.gaps().forEach(gap -> text.gap("    ", gap));
        for (EgressRule rule : rules.deny()) {
            if (rule instanceof EgressRule.Cidr) {
                String why = "addresses are the business of deny_ranges in the proxy's configuration";
                text.gap("    ", new Gap(component, "deny " + rule.describe(), Effect.WIDER, why));
            }
        }
        Set<String> accepted = new LinkedHashSet<>();
        for (String pattern : openings.patterns()) {
            if (isAccepted(pattern)) {
                accepted.add(pattern);
            } else {
                String why = "the proxy would not load a list with this name in it";
                text.gap("    ", new Gap(component, "allow " + pattern, Effect.LEFT_OUT, why));
            }
        }
        list("    ", "allowed_domains", accepted, text);
    }

    private static void list(String indent, String name, Set<String> patterns, ExportText text) {
        text.line(indent + name + ":" + (patterns.isEmpty() ? " []" : ""));
        patterns.forEach(pattern -> text.line(indent + "  - " + ExportText.quoted(pattern)));
    }

    /** What is denied altogether. Only a service that reports looks at it, since its other hosts go through. */
    private static void addDenied(ComponentPolicy rules, Categories categories, Set<String> denied) {
        for (EgressRule rule : rules.deny()) {
            if (rule instanceof EgressRule.Host && rule.scope().equals(EgressRule.Scope.DEFAULT)) {
                denied.add(rule.describe());
            } else if (rule instanceof EgressRule.Category category) {
                categories.forEachPattern(category.name(), denied::add);
            }
        }
        // An IPv6 address would keep the list from being loaded; addresses are the business of deny_ranges.
        denied.removeIf(pattern -> !isAccepted(pattern) || pattern.indexOf(':') >= 0);
    }

    /** Whether the proxy takes the name: one that it refuses keeps it from loading the whole list. Errs to the side of no. */
    private static boolean isAccepted(String pattern) {
        String name = pattern.startsWith("*.") ? pattern.substring(2) : pattern;
        for (String label : name.split("\\.", -1)) {
            boolean reserved = label.length() > 3 && label.startsWith("--", 2);
            if (label.indexOf('_') >= 0 || (reserved && !isInternational(label))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isInternational(String label) {
        try {
            return label.startsWith("xn--")
                    && IDN.toASCII(IDN.toUnicode(label)).equals(label)
                    && !IDN.toUnicode(label).equals(label);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
