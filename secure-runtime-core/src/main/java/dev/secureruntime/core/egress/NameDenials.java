package dev.secureruntime.core.egress;

import dev.secureruntime.policy.EgressRule;
import java.util.List;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * How much of a name, or of all names below one, a set of denials takes away for https on port 443. Errs to the side of
 * denial: what is denied for some methods or paths counts as denied in part.
 */
final class NameDenials {

    /** How much is denied. */
    enum Extent {
        NOTHING,
        A_PART,
        ALL;

        Extent and(Extent other) {
            return compareTo(other) >= 0 ? this : other;
        }
    }

    /** Names that are denied by themselves, and names below which all is denied; backwards, so that what lies below is near. */
    private final NavigableSet<String> exact = new TreeSet<>();

    private final NavigableSet<String> below = new TreeSet<>();
    /** The same where only some methods or paths are denied. */
    private final NavigableSet<String> exactInPart = new TreeSet<>();

    private final NavigableSet<String> belowInPart = new TreeSet<>();

    private NameDenials() {}

    static NameDenials of(List<EgressRule> deny, Categories categories) {
        NameDenials denials = new NameDenials();
        for (EgressRule rule : deny) {
            ExportScope scope = ExportScope.ofDeny(rule.scope());
            if (scope.coversHttps443()) {
                if (rule instanceof EgressRule.Host host) {
                    denials.add(host.pattern(), scope.inside());
                } else if (rule instanceof EgressRule.Category category) {
                    categories.forEachPattern(category.name(), pattern -> denials.add(pattern, scope.inside()));
                }
            }
        }
        return denials;
    }

    /** What a wildcard in {@code allow} does not open. */
    static NameDenials closedToWildcards(Categories categories) {
        NameDenials denials = new NameDenials();
        for (String label : categories.labels(categories.deniedToWildcards())) {
            categories.forEachPattern(label, pattern -> denials.add(pattern, false));
        }
        return denials;
    }

    private void add(String pattern, boolean inPart) {
        if (pattern.startsWith("*.")) {
            (inPart ? belowInPart : below).add(backwards(pattern.substring(2)) + ".");
        } else {
            (inPart ? exactInPart : exact).add(backwards(pattern));
        }
    }

    /** How much of what is sent to a name is denied. */
    Extent exact(String name) {
        String key = backwards(name);
        if (exact.contains(key) || isCovered(key, below)) {
            return Extent.ALL;
        }
        return exactInPart.contains(key) || isCovered(key, belowInPart) ? Extent.A_PART : Extent.NOTHING;
    }

    /** How much of what is sent to all the names below one is denied. */
    Extent below(String name) {
        String key = backwards(name) + ".";
        if (isCovered(key, below)) {
            return Extent.ALL;
        }
        return isCovered(key, belowInPart)
                        || hasBelow(key, exact)
                        || hasBelow(key, below)
                        || hasBelow(key, exactInPart)
                        || hasBelow(key, belowInPart)
                ? Extent.A_PART
                : Extent.NOTHING;
    }

    private static boolean isCovered(String key, Set<String> suffixes) {
        for (int dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
            if (suffixes.contains(key.substring(0, dot + 1))) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasBelow(String key, NavigableSet<String> names) {
        String next = names.ceiling(key);
        return next != null && next.startsWith(key);
    }

    private static String backwards(String name) {
        return new StringBuilder(name).reverse().toString();
    }
}
