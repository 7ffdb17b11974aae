package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Proposes an allow-list from calls that were seen: for each component, host, scheme and port one rule with the methods seen.
 *
 * <p>What holds: the proposal allows what was seen and is not left out, and nothing else. It never holds a wildcard, an
 * address, {@code localhost}, a host in a form that parsers disagree on, one that the current policy denies by a rule, or one
 * in a category that wildcards do not open (unless the current policy allows it by name), nor a call that only a break-glass
 * grant let go or in which a secret was found, nor a method that guarded HTTP never sends. What is left out is named with
 * its reason.
 *
 * <p>What does not: what was seen is not what is right. Whoever made a component call a host put that host before the one who
 * reads the proposal; calls that were refused are told apart by their count, and each rule needs a person's yes. Paths are
 * not in the audit log and not proposed.
 *
 * <p>Pure. Bounded: at most {@value #MAX_TARGETS} targets are kept apart, and {@value #MAX_METHODS} methods of each; later ones
 * are counted as left out. Not thread-safe.
 */
public final class PolicyLearner {

    static final int MAX_TARGETS = 100_000;

    /** The methods that are kept of one target. */
    static final int MAX_METHODS = 64;

    private final Optional<Policy> current;
    private final Optional<EgressPolicy> decisions;
    private final Categories categories;
    private final CategoryLists lists;
    private final Map<Target, Counts> targets = new TreeMap<>();
    private final Map<LeftOut, Long> leftOut = new LinkedHashMap<>();

    private PolicyLearner(Optional<Policy> current) {
        this.current = current;
        this.decisions = current.map(EgressPolicy::compile);
        this.categories = Categories.of(current.orElseGet(() -> Policy.builder().build()));
        this.lists = categories.lists(categories.deniedToWildcards());
    }

    /** Learns without a policy in force. */
    public static PolicyLearner fromNothing() {
        return new PolicyLearner(Optional.empty());
    }

    /** Learns under a policy, whose denials hold and whose categories count. */
    public static PolicyLearner under(Policy current) {
        return new PolicyLearner(Optional.of(current));
    }

    /** What became of a call when it was seen. */
    public enum Outcome {
        ALLOWED,
        REFUSED,
        /** The policy refused it and a grant opened it: what was meant to end is not proposed to stay. */
        BREAK_GLASS,
        /** A secret that doesn't belong there was found in it. */
        SECRET_FOUND
    }

    /** A rule to be, and how often each outcome was seen. */
    public record Learned(EgressRule.Host rule, long allowed, long refused) {}

    /** Something that was seen and is not proposed. */
    public record LeftOut(String component, String target, String why) {}

    /**
     * What was learned.
     *
     * @param rules the rules by component
     * @param leftOut what is not among them, and how often it was seen
     */
    public record Proposal(Map<String, List<Learned>> rules, Map<LeftOut, Long> leftOut) {

        /** The proposal as a policy. */
        public Policy policy() {
            Policy.Builder policy = Policy.builder().source("learned");
            rules.forEach((component, learned) -> {
                ComponentPolicy.Builder builder = ComponentPolicy.builder();
                learned.forEach(each -> builder.allow(each.rule()));
                policy.component(component, builder.build());
            });
            return policy.build();
        }
    }

    /** Takes note of a call. */
    public void saw(EgressRequest request, Outcome outcome) {
        String why = reasonAgainst(request, outcome);
        Target target = new Target(request.component(), request.host(), request.scheme(), request.port());
        if (why.isEmpty() && targets.size() >= MAX_TARGETS && !targets.containsKey(target)) {
            why = "more than " + MAX_TARGETS + " targets were seen";
        }
        if (why.isEmpty() && !hasRoom(targets.get(target), request.method())) {
            why = "more than " + MAX_METHODS + " methods were seen";
        }
        if (!why.isEmpty()) {
            boolean known = leftOut.size() < MAX_TARGETS;
            leftOut.merge(
                    new LeftOut(known ? request.component() : "", known ? request.target() : "others", why),
                    1L,
                    Long::sum);
            return;
        }
        Counts counts = targets.computeIfAbsent(target, first -> new Counts());
        counts.methods.add(request.method());
        if (outcome == Outcome.ALLOWED) {
            counts.allowed++;
        } else {
            counts.refused++;
        }
    }

    private static boolean hasRoom(@Nullable Counts counts, String method) {
        return counts == null || counts.methods.contains(method) || counts.methods.size() < MAX_METHODS;
    }

    private String reasonAgainst(EgressRequest request, Outcome outcome) {
        if (outcome == Outcome.BREAK_GLASS) {
            return "a break-glass grant opened it; allow it by hand if it is to stay open";
        }
        if (outcome == Outcome.SECRET_FOUND) {
            return "a secret that does not belong there was found in it";
        }
        String host = request.host();
        HostForm form = HostForm.of(host);
        if (form == HostForm.LITERAL) {
            return "the host is an address or looks like one; open addresses by hand, with cidr";
        }
        if (form == HostForm.MALFORMED) {
            return "the host is written in a form that parsers disagree on";
        }
        if (host.equals("localhost") || host.endsWith(".localhost")) {
            return "the host is this machine";
        }
        if (!request.component().matches("[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")) {
            return "the component's name can't stand in a policy";
        }
        if (MethodForm.fault(request.method()) != null) {
            return "guarded HTTP sends no such method";
        }
        if (!request.method().matches("[A-Z]+")
                || !Set.of("https", "http").contains(request.scheme())
                || request.port() < 1
                || request.port() > 65_535) {
            return "a rule can't name the method, scheme or port";
        }
        boolean allowedByName = allowsByName(request.component(), host);
        if (decisions
                .map(policy -> policy.decide(request))
                .filter(PolicyLearner::isDeniedByRule)
                .isPresent()) {
            return "the current policy denies it";
        }
        long bits = lists.of(host) & categories.deniedToWildcards();
        return bits == 0 || allowedByName
                ? ""
                : "the host is in category " + String.join(", ", categories.labels(bits))
                        + "; allow it by hand if it is meant";
    }

    private static boolean isDeniedByRule(EgressDecision decision) {
        return decision instanceof EgressDecision.Denied denied && denied.reason() == Reason.DENY_RULE;
    }

    private boolean allowsByName(String component, String host) {
        return current.map(policy -> policy.components().get(component)).stream()
                .flatMap(rules -> rules.allow().stream())
                .anyMatch(rule ->
                        rule instanceof EgressRule.Host && rule.describe().equals(host));
    }

    /** What a policy says and a proposal does not: whoever puts the proposal in its place loses it. */
    public static List<String> notProposed(Policy current) {
        List<String> lost = new ArrayList<>();
        current.components().forEach((name, component) -> {
            String of = "components." + name + ".";
            component
                    .deny()
                    .forEach(rule -> lost.add(of + "egress.deny: " + rule.describe()
                            + rule.scope().describe()));
            component.allow().stream()
                    .filter(rule -> !rule.scope().paths().isEmpty())
                    .forEach(rule -> lost.add(of + "egress.allow: the paths of " + rule.describe()
                            + rule.scope().describe()));
            component.budgets().forEach(budget -> lost.add(of + "egress.budgets: " + budget.describe()));
            if (component.mode() == EnforcementMode.REPORT) {
                lost.add(of + "egress.mode: report");
            }
            if (component.onManyNames() == OnManyNames.BLOCK) {
                lost.add(of + "egress.onManyNames: block");
            }
            component.secrets().forEach(secret -> lost.add(of + "secrets: " + secret));
        });
        current.secrets().keySet().forEach(name -> lost.add("secrets." + name));
        current.categories().keySet().forEach(name -> lost.add("categories." + name));
        current.breakGlass().forEach(grant -> lost.add("breakGlass: " + grant.component() + " to " + grant.target()));
        return lost;
    }

    /** What was learned so far. */
    public Proposal propose() {
        Map<String, List<Learned>> rules = new LinkedHashMap<>();
        targets.forEach((target, counts) -> rules.computeIfAbsent(target.component, first -> new ArrayList<>())
                .add(new Learned(
                        new EgressRule.Host(
                                target.host,
                                new Scope(Set.of(target.port), Set.of(target.scheme), counts.methods, Set.of())),
                        counts.allowed,
                        counts.refused)));
        return new Proposal(rules, new LinkedHashMap<>(leftOut));
    }

    private record Target(String component, String host, String scheme, int port) implements Comparable<Target> {
        @Override
        public int compareTo(Target other) {
            int order = component.compareTo(other.component);
            order = order != 0 ? order : host.compareTo(other.host);
            order = order != 0 ? order : scheme.compareTo(other.scheme);
            return order != 0 ? order : Integer.compare(port, other.port);
        }
    }

    private static final class Counts {
        private final Set<String> methods = new TreeSet<>();
        private long allowed;
        private long refused;
    }
}
