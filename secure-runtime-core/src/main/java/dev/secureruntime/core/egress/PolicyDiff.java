package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one policy would newly allow or deny compared with another.
 *
 * <p>Found by asking both: for each rule of either policy, its host (for a wildcard a name below it, for a category some
 * of its names, for a block of addresses its edges, as host and as the address of a host) is tried with every port, scheme, method
 * and path that a rule of the component speaks of, and with others. Every rule that came or went is told as it is written too, and
 * so is every other member that changed: no change of a policy is without a line. What is not listed is any
 * effect beyond those names, such as all the other hosts of a category. Pure.
 *
 * @param changes the answers that turned, in the order of the components and their rules
 * @param besides what else changed, in words, {@code +} for what the new policy says and {@code -} for what it says no more
 */
public record PolicyDiff(List<Change> changes, List<String> besides) {

    private static final int CHANGED_SAMPLES = 20;
    private static final ComponentPolicy NOTHING = ComponentPolicy.builder().build();

    public PolicyDiff {
        changes = List.copyOf(changes);
        besides = List.copyOf(besides);
    }

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
     * @param target scheme, host and port; behind an address {@code as the address of a host} when it is about hosts that have it
     * @param requests the methods and paths, as {@code METHOD path}; empty when all that were tried turned
     */
    public record Change(String component, Turn turn, String target, List<String> requests) {
        public Change {
            requests = List.copyOf(requests);
        }
    }

    /** Compares two policies. */
    public static PolicyDiff between(Policy before, Policy after) {
        EgressPolicy old = EgressPolicy.compileWithoutNearest(before);
        EgressPolicy young = EgressPolicy.compileWithoutNearest(after);
        Set<String> names = new LinkedHashSet<>(before.components().keySet());
        names.addAll(after.components().keySet());
        List<Categories> categories = List.of(Categories.of(before), Categories.of(after));
        List<Change> changes = new ArrayList<>();
        List<String> besides = new ArrayList<>();
        Set<String> changed = changedHosts(before, after, besides);
        for (String name : names) {
            ComponentPolicy former = before.components().getOrDefault(name, NOTHING);
            ComponentPolicy latter = after.components().getOrDefault(name, NOTHING);
            List<EgressRule> rules = new ArrayList<>();
            for (ComponentPolicy each : List.of(former, latter)) {
                rules.addAll(each.allow());
                rules.addAll(each.deny());
            }
            DiffProbes probes = new DiffProbes(rules, categories, changed);
            Comparison comparison = new Comparison(name, old, young, changes);
            comparison.ask(probes);
            rules(name + " allow ", former.allow(), latter.allow(), besides);
            rules(name + " deny ", former.deny(), latter.deny(), besides);
        }
        besides(before, after, besides);
        return new PolicyDiff(changes, besides);
    }

    /** The rules that only one policy has, as they are written: what was tried of them shows a part of what they do. */
    private static void rules(String of, List<EgressRule> before, List<EgressRule> after, List<String> besides) {
        Set<EgressRule> old = new HashSet<>(before);
        Set<EgressRule> young = new HashSet<>(after);
        after.stream().filter(rule -> !old.contains(rule)).forEach(rule -> besides.add("+ " + of + asWritten(rule)));
        before.stream().filter(rule -> !young.contains(rule)).forEach(rule -> besides.add("- " + of + asWritten(rule)));
    }

    private static String asWritten(EgressRule rule) {
        return rule.describe() + rule.scope().describe() + " (as written)";
    }

    /** Some of the hosts that only one of two lists of the same category has. */
    private static Set<String> changedHosts(Policy before, Policy after, List<String> besides) {
        Set<String> names = new LinkedHashSet<>(before.categories().keySet());
        names.addAll(after.categories().keySet());
        Set<String> hosts = new LinkedHashSet<>();
        for (String name : names) {
            Set<String> gone = listed(before.categories().get(name));
            Set<String> come = listed(after.categories().get(name));
            Set<String> both = new HashSet<>(gone);
            both.retainAll(come);
            gone.removeAll(both);
            come.removeAll(both);
            for (Set<String> some : List.of(gone, come)) {
                some.stream().limit(CHANGED_SAMPLES).map(DiffProbes::hostOf).forEach(hosts::add);
            }
            if (!come.isEmpty()) {
                besides.add("+ category " + name + ": " + hosts(come.size()));
            }
            if (!gone.isEmpty()) {
                besides.add("- category " + name + ": " + hosts(gone.size()));
            }
        }
        return hosts;
    }

    private static String hosts(int count) {
        return count + (count == 1 ? " host" : " hosts");
    }

    private static Set<String> listed(@Nullable CategoryPolicy category) {
        Set<String> hosts = new LinkedHashSet<>();
        if (category != null) {
            category.hosts().forEach(hosts::add);
        }
        return hosts;
    }

    private static void besides(Policy before, Policy after, List<String> changes) {
        Set<String> old = besides(before);
        Set<String> young = besides(after);
        after.secrets().forEach((name, secret) -> {
            SecretPolicy former = before.secrets().get(name);
            if (former != null
                    && former.describe().equals(secret.describe())
                    && !former.attachment().equals(secret.attachment())) {
                changes.add("+ secret " + name + " with another prefix");
                changes.add("- secret " + name + " with another prefix");
            }
        });
        young.stream().filter(line -> !old.contains(line)).forEach(line -> changes.add("+ " + line));
        old.stream().filter(line -> !young.contains(line)).forEach(line -> changes.add("- " + line));
    }

    private static Set<String> besides(Policy policy) {
        Set<String> lines = new LinkedHashSet<>();
        policy.components().forEach((name, component) -> {
            lines.add("component " + name);
            component.budgets().forEach(budget -> lines.add(name + " " + budget.describe()));
            if (component.mode() == EnforcementMode.REPORT) {
                lines.add(name + " report mode");
            }
            if (component.onManyNames() == OnManyNames.BLOCK) {
                lines.add(name + " many names below one domain are blocked");
            }
            component.secrets().forEach(secret -> lines.add(name + " is entitled to secret " + secret));
        });
        policy.secrets().forEach((name, secret) -> lines.add("secret " + name + " " + secret.describe()));
        policy.breakGlass()
                .forEach(grant -> lines.add(grant.component() + " break-glass to " + grant.target() + " from "
                        + grant.from().orElse(grant.until()) + " until " + grant.until() + ", " + grant.person() + ": "
                        + grant.reason()));
        return lines;
    }

    /** Asks both policies about one component. */
    private static final class Comparison {

        private final String component;
        private final EgressPolicy old;
        private final EgressPolicy young;
        private final List<Change> changes;

        Comparison(String component, EgressPolicy old, EgressPolicy young, List<Change> changes) {
            this.component = component;
            this.old = old;
            this.young = young;
            this.changes = changes;
        }

        void ask(DiffProbes probes) {
            for (String host : probes.hosts()) {
                for (String scheme : List.of("https", "http")) {
                    for (int port : probes.ports()) {
                        Set<Turn> told = askHost(probes, scheme, host, port);
                        if (probes.addresses().contains(host)) {
                            askAddress(scheme, host, port, told);
                        }
                    }
                }
            }
        }

        /** Which way every request turned that was tried; none where some did. */
        private Set<Turn> askHost(DiffProbes probes, String scheme, String host, int port) {
            List<String> opened = new ArrayList<>();
            List<String> closed = new ArrayList<>();
            for (String method : probes.methods()) {
                for (String path : probes.paths()) {
                    EgressRequest request = new EgressRequest(component, method, scheme, host, port, path, List.of());
                    boolean allowedBefore = old.decide(request) instanceof Allowed;
                    boolean allowedAfter = young.decide(request) instanceof Allowed;
                    if (allowedBefore != allowedAfter) {
                        (allowedAfter ? opened : closed).add(method + " " + path);
                    }
                }
            }
            Set<Turn> whole = new HashSet<>();
            String target = target(scheme, host, port);
            tell(Turn.NEWLY_ALLOWED, target, opened, probes, whole);
            tell(Turn.NEWLY_DENIED, target, closed, probes, whole);
            return whole;
        }

        private void tell(Turn turn, String target, List<String> turned, DiffProbes probes, Set<Turn> whole) {
            boolean all =
                    turned.size() == probes.methods().size() * probes.paths().size();
            if (all) {
                whole.add(turn);
            }
            if (!turned.isEmpty()) {
                add(turn, target, all ? List.of() : turned);
            }
        }

        /** Whether a host may have an address, whatever is sent to it; told where the address as a host does not say it already. */
        private void askAddress(String scheme, String address, int port, Set<Turn> told) {
            EgressRequest request =
                    new EgressRequest(component, "GET", scheme, "any-name.example", port, "/", List.of());
            List<InetAddress> resolved = List.of(literal(address));
            boolean allowedBefore = old.deniedConnection(request, resolved).isEmpty();
            boolean allowedAfter = young.deniedConnection(request, resolved).isEmpty();
            Turn turn = allowedAfter ? Turn.NEWLY_ALLOWED : Turn.NEWLY_DENIED;
            if (allowedBefore != allowedAfter && !told.contains(turn)) {
                add(turn, target(scheme, address, port) + " as the address of a host", List.of());
            }
        }

        private static InetAddress literal(String address) {
            try {
                return InetAddress.getByName(address);
            } catch (UnknownHostException e) {
                throw new IllegalStateException("an address was printed that is none", e);
            }
        }

        private String target(String scheme, String host, int port) {
            return new EgressRequest(component, "", scheme, host, port, "/", List.of())
                    .target()
                    .strip();
        }

        private void add(Turn turn, String target, List<String> requests) {
            changes.add(new Change(component, turn, target, requests));
        }
    }
}
