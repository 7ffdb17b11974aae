package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.NameDenials.Extent;
import dev.secureruntime.core.egress.PolicyExport.Effect;
import dev.secureruntime.core.egress.PolicyExport.Gap;
import dev.secureruntime.core.egress.PolicyExport.Precision;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The names that a component may reach by https on port 443, for tools that know names and nothing else: no port, no
 * method, no exception below a wildcard. What is opened here is opened whole; a rule of which the policy refuses a part is
 * a gap.
 */
final class NameOpenings {

    private static final String REFUSED_IN_PART =
            "the policy refuses a part of it by a rule in deny or a category, and the tool knows no exception";

    private final String component;
    private final Precision precision;
    private final Categories categories;
    private final NameDenials denials;
    private final NameDenials closedToWildcards;
    private final Set<String> patterns = new LinkedHashSet<>();
    private final List<Gap> gaps = new ArrayList<>();

    private NameOpenings(String component, ComponentPolicy rules, Categories categories, Precision precision) {
        this.component = component;
        this.precision = precision;
        this.categories = categories;
        this.denials = NameDenials.of(rules.deny(), categories);
        this.closedToWildcards = NameDenials.closedToWildcards(categories);
        for (EgressRule rule : rules.allow()) {
            if (rule instanceof EgressRule.Cidr) {
                leftOut(rule, "it is about addresses, and the tool's rules are about names");
            } else if (isInScope(rule)) {
                open(rule);
            }
        }
    }

    static NameOpenings of(String component, ComponentPolicy rules, Categories categories, Precision precision) {
        return new NameOpenings(component, rules, categories, precision);
    }

    /** Exact names, and {@code *.suffix} for all names below a suffix. */
    Set<String> patterns() {
        return patterns;
    }

    List<Gap> gaps() {
        return gaps;
    }

    private boolean isInScope(EgressRule rule) {
        ExportScope scope = ExportScope.ofAllow(rule.scope());
        if (!scope.coversHttps443()) {
            return isWorthIt(
                    rule, "it does not open https on port 443, and the tool can't hold another port or scheme");
        }
        return !scope.inside() || isWorthIt(rule, "it is limited to methods or paths, which the tool does not see");
    }

    private void open(EgressRule rule) {
        if (rule instanceof EgressRule.Category category) {
            open(category);
        } else if (rule instanceof EgressRule.Host host && host.pattern().startsWith("*.")) {
            String suffix = host.pattern().substring(2);
            Extent denied = denials.below(suffix).and(closedToWildcards.below(suffix));
            if (denied == Extent.NOTHING || (denied == Extent.A_PART && isWorthIt(rule, REFUSED_IN_PART))) {
                patterns.add(host.pattern());
            }
        } else {
            Extent denied = denials.exact(rule.describe());
            if (denied == Extent.NOTHING || (denied == Extent.A_PART && isWorthIt(rule, REFUSED_IN_PART))) {
                patterns.add(rule.describe());
            }
        }
    }

    private void open(EgressRule.Category rule) {
        List<String> inPart = new ArrayList<>();
        categories.forEachPattern(rule.name(), pattern -> {
            if (pattern.startsWith("*.")) {
                open(pattern, denials.below(pattern.substring(2)), inPart);
            } else if (AddressText.parseCanonical(pattern) == null) {
                open(pattern, denials.exact(pattern), inPart);
            }
        });
        String first = inPart.isEmpty() ? "" : inPart.get(0);
        if (!inPart.isEmpty()
                && isWorthIt(rule, REFUSED_IN_PART + " (" + inPart.size() + " names, one is " + first + ")")) {
            patterns.addAll(inPart);
        }
    }

    private void open(String pattern, Extent denied, List<String> inPart) {
        if (denied == Extent.NOTHING) {
            patterns.add(pattern);
        } else if (denied == Extent.A_PART) {
            inPart.add(pattern);
        }
    }

    /** Whether a rule that would come out wider goes in; a gap either way. */
    private boolean isWorthIt(EgressRule rule, String why) {
        if (precision == Precision.WIDER) {
            gaps.add(new Gap(component, "allow " + rule.describe(), Effect.WIDER, why));
            return true;
        }
        leftOut(rule, why);
        return false;
    }

    private void leftOut(EgressRule rule, String why) {
        gaps.add(new Gap(component, "allow " + rule.describe(), Effect.LEFT_OUT, why));
    }
}
