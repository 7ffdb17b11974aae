package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.Policy;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one policy would newly allow or deny compared with another.
 *
 * <p>Found by asking both: for each rule of either policy, its host (for a wildcard a name below it, for a category some
 * of its names, for a block of addresses its first one) is tried with every port, scheme, method and path that a rule of
 * the component speaks of. So every rule that came, went or changed shows with its effect; what is not listed is any
 * effect beyond those names, such as all the other hosts of a category. Pure.
 */
public final class PolicyDiff {

    private static final int CATEGORY_SAMPLES = 3;
    private static final int CHANGED_SAMPLES = 20;

    private PolicyDiff() {}

    /** Which way a decision turned. */
    public enum Turn {
        /** The old policy refuses it, the new one allows it. */
        NEWLY_ALLOWED,
        /** The old policy allows it, the new one refuses it. */
        NEWLY_DENIED
    }

    /**
     * A change for one target.
     *
     * @param component the component's name
     * @param turn which way
     * @param target scheme, host and port
     * @param requests the methods and paths, as {@code METHOD path}; empty when all that were tried turned
     */
    public record Change(String component, Turn turn, String target, List<String> requests) {
        public Change {
            requests = List.copyOf(requests);
        }
    }

    /** The changes, in the order of the components and their rules. */
    public static List<Change> between(Policy before, Policy after) {
        EgressPolicy old = EgressPolicy.compile(before);
        EgressPolicy young = EgressPolicy.compile(after);
        Set<String> names = new LinkedHashSet<>(before.components().keySet());
        names.addAll(after.components().keySet());
        Categories categories = Categories.of(after);
        Categories former = Categories.of(before);
        Set<String> changed = changedHosts(before, after);
        List<Change> changes = new ArrayList<>();
        for (String name : names) {
            List<EgressRule> rules = new ArrayList<>();
            addRules(before.components().get(name), rules);
            addRules(after.components().get(name), rules);
            compare(name, new Probes(rules, List.of(former, categories), changed), old, young, changes);
        }
        return changes;
    }

    /** Some of the hosts that only one of two lists of the same category has. */
    private static Set<String> changedHosts(Policy before, Policy after) {
        Set<String> hosts = new LinkedHashSet<>();
        after.categories().forEach((name, young) -> {
            CategoryPolicy old = before.categories().get(name);
            if (old != null && !old.hosts().sha256().equals(young.hosts().sha256())) {
                Set<String> only = new LinkedHashSet<>();
                old.hosts().forEach(only::add);
                young.hosts().forEach(pattern -> {
                    if (!only.remove(pattern)) {
                        only.add(pattern);
                    }
                });
                only.stream().limit(CHANGED_SAMPLES).map(PolicyDiff::hostOf).forEach(hosts::add);
            }
        });
        return hosts;
    }

    private static String hostOf(String pattern) {
        return pattern.startsWith("*.") ? "any-name" + pattern.substring(1) : pattern;
    }

    /**
     * What changed beside the rules, in words, {@code +} for what the new policy says and {@code -} for what it says no more: byte
     * budgets, modes, and break-glass grants.
     */
    public static List<String> besides(Policy before, Policy after) {
        Set<String> old = besides(before);
        Set<String> young = besides(after);
        List<String> changes = new ArrayList<>();
        young.stream().filter(line -> !old.contains(line)).forEach(line -> changes.add("+ " + line));
        old.stream().filter(line -> !young.contains(line)).forEach(line -> changes.add("- " + line));
        return changes;
    }

    private static Set<String> besides(Policy policy) {
        Set<String> lines = new LinkedHashSet<>();
        policy.components().forEach((name, component) -> {
            component.budgets().forEach(budget -> lines.add(name + " " + budget.describe()));
            if (component.mode() == EnforcementMode.REPORT) {
                lines.add(name + " report mode");
            }
        });
        policy.breakGlass()
                .forEach(grant -> lines.add(grant.component() + " break-glass to " + grant.target() + " from "
                        + grant.from().orElse(grant.until()) + " until " + grant.until() + ", " + grant.person() + ": "
                        + grant.reason()));
        return lines;
    }

    private static void addRules(@Nullable ComponentPolicy component, List<EgressRule> rules) {
        if (component != null) {
            rules.addAll(component.allow());
            rules.addAll(component.deny());
        }
    }

    private static void compare(
            String component, Probes probes, EgressPolicy old, EgressPolicy young, List<Change> changes) {
        for (String host : probes.hosts) {
            for (String scheme : List.of("https", "http")) {
                for (int port : probes.ports) {
                    List<String> opened = new ArrayList<>();
                    List<String> closed = new ArrayList<>();
                    String target = "";
                    for (String method : probes.methods) {
                        for (String path : probes.paths) {
                            EgressRequest request =
                                    new EgressRequest(component, method, scheme, host, port, path, List.of());
                            target = request.target().substring(method.length() + 1);
                            boolean allowedBefore = old.decide(request) instanceof Allowed;
                            boolean allowedAfter = young.decide(request) instanceof Allowed;
                            if (allowedBefore != allowedAfter) {
                                (allowedAfter ? opened : closed).add(method + " " + path);
                            }
                        }
                    }
                    int tried = probes.methods.size() * probes.paths.size();
                    add(component, Turn.NEWLY_ALLOWED, target, opened, tried, changes);
                    add(component, Turn.NEWLY_DENIED, target, closed, tried, changes);
                }
            }
        }
    }

    private static void add(
            String component, Turn turn, String target, List<String> turned, int tried, List<Change> changes) {
        if (!turned.isEmpty()) {
            changes.add(new Change(component, turn, target, turned.size() == tried ? List.of() : turned));
        }
    }

    /** What is tried for one component. */
    private static final class Probes {

        private final Set<String> hosts = new LinkedHashSet<>();
        private final Set<Integer> ports = new LinkedHashSet<>(List.of(443, 80));
        private final Set<String> methods = new LinkedHashSet<>(List.of("GET", "POST"));
        private final Set<String> paths = new LinkedHashSet<>(List.of("/"));

        Probes(List<EgressRule> rules, List<Categories> categories, Set<String> more) {
            hosts.addAll(more);
            for (EgressRule rule : rules) {
                addHosts(rule, categories);
                ports.addAll(rule.scope().ports());
                methods.addAll(rule.scope().methods());
                for (String pattern : rule.scope().paths()) {
                    paths.add(pattern.replace("**", "x").replace("*", "x"));
                }
            }
        }

        private void addHosts(EgressRule rule, List<Categories> categories) {
            if (rule instanceof EgressRule.Host host) {
                hosts.add(hostOf(host.pattern()));
            } else if (rule instanceof EgressRule.Category category) {
                for (Categories known : categories) {
                    known.find(category.name())
                            .ifPresent(named ->
                                    hosts.addAll(known.lists(named.bit()).sample(CATEGORY_SAMPLES)));
                }
            } else if (rule instanceof EgressRule.Cidr cidr) {
                int slash = cidr.block().indexOf('/');
                String text = slash < 0 ? cidr.block() : cidr.block().substring(0, slash);
                byte[] address = text.indexOf(':') >= 0 ? AddressText.parseIpv6(text) : AddressText.parseIpv4(text);
                if (address != null) {
                    hosts.add(AddressText.print(address));
                }
            }
        }
    }
}
