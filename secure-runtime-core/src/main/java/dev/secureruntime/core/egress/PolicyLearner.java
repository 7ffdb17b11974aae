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
import org.jspecify.annotations.Nullable;

/**
 * Proposes an allow-list from calls that were seen: for each component, host, scheme and port one rule with the methods seen.
 *
 * <p>What holds: the proposal allows what was seen and is not left out, and nothing else. It never holds a wildcard, an
 * address, {@code localhost}, a host in a form that parsers disagree on, one that the current policy denies by a rule, or one
 * in a category that wildcards do not open (unless the current policy allows it by name), nor a call that a rule in deny
 * refused, that was one of too many names below its domain, that only a break-glass grant let go or in which a secret was found,
 * nor a method that guarded HTTP never sends. Of a target that a grant opened or a secret was on its way to, calls that were
 * refused at other times are not proposed either. What is left out is named with its reason.
 *
 * <p>What does not: what was seen is not what is right. Whoever made a component call a host put that host before the one who
 * reads the proposal; calls that were refused are told apart by their count, and each rule needs a person's yes. Paths are
 * not in the audit log and not proposed; of a host that redirected on it holds the name alone, which is left out.
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
    private final Map<LeftOut, Long> redirecting = new LinkedHashMap<>();

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
        ALLOWED(""),
        REFUSED(""),
        /** A rule that denies refused it, and no rule that allows would open it. */
        DENIED("a rule in deny refused it; allow it by hand if that rule is gone for good"),
        /** The component asked for too many names below one domain, as a tunnel through DNS does. */
        ONE_OF_MANY_NAMES("it was one of too many names below its domain; allow it by hand if it is meant"),
        /** The policy refused it and a grant opened it: what was meant to end is not proposed to stay. */
        BREAK_GLASS("a break-glass grant opened it; allow it by hand if it is to stay open"),
        /** A secret that doesn't belong there was found in it. */
        SECRET_FOUND("a secret that does not belong there was found in it");

        private final String against;

        Outcome(String against) {
            this.against = against;
        }

        /** Whether it speaks against the target, and not against the one call alone. */
        private boolean isAboutTarget() {
            return this == BREAK_GLASS || this == SECRET_FOUND;
        }
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
        Target target = new Target(request.component(), request.host(), request.scheme(), request.port());
        String why = outcome.against.isEmpty() ? reasonAgainst(request) : outcome.against;
        if (outcome.isAboutTarget() && (targets.size() < MAX_TARGETS || targets.containsKey(target))) {
            targets.computeIfAbsent(target, first -> new Counts()).against = why;
        }
        if (why.isEmpty() && targets.size() >= MAX_TARGETS && !targets.containsKey(target)) {
            why = "more than " + MAX_TARGETS + " targets were seen";
        }
        if (why.isEmpty() && !hasRoom(targets.get(target), request.method())) {
            why = "more than " + MAX_METHODS + " methods were seen";
        }
        if (!why.isEmpty()) {
            leaveOut(leftOut, request.component(), request.target(), why, 1);
            return;
        }
        Counts counts = targets.computeIfAbsent(target, first -> new Counts());
        counts.methods.computeIfAbsent(request.method(), first -> new Seen()).add(outcome == Outcome.ALLOWED);
    }

    /** Takes note of a host that redirected a call on, of which the log holds no more than the name. */
    public void redirected(String component, String host, Outcome outcome) {
        String shown = HostForm.of(host) == HostForm.MALFORMED ? "?" : host;
        String why = outcome == Outcome.BREAK_GLASS
                ? outcome.against
                : "it redirected a call on, and the log holds neither its method nor scheme and port; allow it by hand if it is meant";
        leaveOut(redirecting, component, shown, why, 1);
    }

    private static void leaveOut(Map<LeftOut, Long> into, String component, String target, String why, long times) {
        boolean known = into.size() < MAX_TARGETS;
        into.merge(new LeftOut(known ? component : "", known ? target : "others", why), times, Long::sum);
    }

    private static boolean hasRoom(@Nullable Counts counts, String method) {
        return counts == null || counts.methods.containsKey(method) || counts.methods.size() < MAX_METHODS;
    }

    private String reasonAgainst(EgressRequest request) {
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
        Map<LeftOut, Long> rest = new LinkedHashMap<>(leftOut);
        targets.forEach((target, counts) -> {
            Map<String, Seen> proposed = new TreeMap<>(counts.methods);
            if (!counts.against.isEmpty()) {
                proposed.values().removeIf(seen -> seen.allowed == 0);
                counts.methods.forEach((method, seen) -> {
                    if (!proposed.containsKey(method)) {
                        leaveOut(rest, target.component, target.with(method).target(), counts.against, seen.refused);
                    }
                });
            }
            if (!proposed.isEmpty()) {
                rules.computeIfAbsent(target.component, first -> new ArrayList<>())
                        .add(target.rule(proposed));
            }
        });
        redirecting.forEach((host, times) -> {
            boolean proposed = rules.getOrDefault(host.component, List.of()).stream()
                    .anyMatch(learned -> learned.rule().pattern().equals(host.target));
            if (!proposed) {
                rest.merge(host, times, Long::sum);
            }
        });
        return new Proposal(rules, rest);
    }

    private record Target(String component, String host, String scheme, int port) implements Comparable<Target> {

        EgressRequest with(String method) {
            return new EgressRequest(component, method, scheme, host, port, "/", List.of());
        }

        Learned rule(Map<String, Seen> methods) {
            Scope scope = new Scope(Set.of(port), Set.of(scheme), methods.keySet(), Set.of());
            long allowed =
                    methods.values().stream().mapToLong(seen -> seen.allowed).sum();
            long refused =
                    methods.values().stream().mapToLong(seen -> seen.refused).sum();
            return new Learned(new EgressRule.Host(host, scope), allowed, refused);
        }

        @Override
        public int compareTo(Target other) {
            int order = component.compareTo(other.component);
            order = order != 0 ? order : host.compareTo(other.host);
            order = order != 0 ? order : scheme.compareTo(other.scheme);
            return order != 0 ? order : Integer.compare(port, other.port);
        }
    }

    private static final class Counts {
        private final Map<String, Seen> methods = new TreeMap<>();
        /** Why calls that were refused are no reason to open the target; empty when nothing speaks against it. */
        private String against = "";
    }

    /** How often a method was seen. */
    private static final class Seen {
        private long allowed;
        private long refused;

        void add(boolean wasAllowed) {
            if (wasAllowed) {
                allowed++;
            } else {
                refused++;
            }
        }
    }
}
