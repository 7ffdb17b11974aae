package dev.secureruntime.core.egress;

import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.Policy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Finds what a policy says in good form and probably does not mean. */
final class PolicyWarnings {

    private PolicyWarnings() {}

    static List<String> of(Policy policy, Categories categories, CategoryLists lists, long used) {
        List<String> warnings = new ArrayList<>();
        policy.components().forEach((name, component) -> {
            if (component.mode() == EnforcementMode.REPORT) {
                warnings.add("component \"" + name + "\" is in report mode: its egress rules refuse nothing, what they"
                        + " would refuse is recorded and let go");
            }
            String egress = "components." + name + ".egress.";
            component.allow().forEach(rule -> hopeless(egress + "allow", rule, path -> path, warnings));
            component.deny().forEach(rule -> hopeless(egress + "deny", rule, PathForm::resolved, warnings));
            for (EgressRule rule : component.allow()) {
                if (rule instanceof EgressRule.Host host && host.pattern().startsWith("*.")) {
                    wildcard(egress + "allow", host.pattern(), categories, lists, warnings);
                }
            }
        });
        for (String unused : categories.unused(used)) {
            warnings.add(
                    "category \"" + unused + "\" is listed under categories, and no rule and no wildcard needs it");
        }
        return List.copyOf(warnings);
    }

    /** Methods that no request has, and path patterns that match nothing. */
    private static void hopeless(String place, EgressRule rule, UnaryOperator<String> compiled, List<String> warnings) {
        String whose = "\" of " + rule.describe() + " under " + place;
        rule.scope().methods().stream().sorted().forEach(method -> {
            String fault = MethodForm.fault(method);
            if (fault != null) {
                warnings.add("the method \"" + method + whose + " is never sent: " + fault);
            }
        });
        rule.scope().paths().stream().sorted().forEach(path -> {
            if (PathForm.isAmbiguous(new PathPattern(compiled.apply(path)).example())) {
                warnings.add("the path pattern \"" + path + whose + " matches no path that servers read alike;"
                        + " write it without dot segments, empty segments, \";\", back-slashes and escapes"
                        + " of plain characters");
            }
        });
    }

    private static void wildcard(
            String place, String pattern, Categories known, CategoryLists lists, List<String> warnings) {
        String suffix = pattern.substring(2);
        long closed = known.deniedToWildcards();
        long categories = lists.of("_." + suffix) & closed;
        if (categories != 0) {
            warnings.add("\"" + pattern + "\" under " + place + " opens nothing: all of it is in category "
                    + String.join(", ", known.labels(categories)) + "; allow the hosts by their exact names");
            return;
        }
        String opens = "\"" + pattern + "\" under " + place + " opens every name that anybody registers below ";
        if (PublicSuffixes.list().isOpenBelow(suffix)) {
            warnings.add(opens + "a public suffix; allow a narrower name");
            return;
        }
        PublicSuffixes.list()
                .below(suffix)
                .filter(below -> (lists.of("_." + below) & closed) == 0)
                .findFirst()
                .ifPresent(below -> warnings.add(opens + "the public suffix " + below + "; allow a narrower name"));
    }
}
