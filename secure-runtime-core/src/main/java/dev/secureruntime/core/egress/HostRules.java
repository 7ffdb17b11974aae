package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The host rules of a component, exact names and wildcards, behind one {@link NameIndex}. A match takes one pass over
 * the host whatever the number of rules, and allocates nothing once a rule has answered for the first time.
 *
 * <p>Rules have numbers; those of one name follow each other. Immutable but for a cache of answers that may be filled
 * twice with equal values; thread-safe.
 */
final class HostRules {

    /** No rule matches. */
    static final int NONE = -1;
    /** A rule that denies matches. */
    static final int DENIED = -2;

    private static final int DENY = 1;
    private static final int WILDCARD = 2;

    private final NameIndex index;
    /** The number of a name's first rule; one more at the end. */
    private final int[] first;
    /** The scope's number, shifted left by two, and the two flags. */
    private final int[] rules;

    private final List<CompiledScope> scopes;
    private final Allowed[] answers;

    HostRules(ComponentPolicy component) {
        Map<String, List<Integer>> byName = new LinkedHashMap<>();
        Map<Object, Integer> scopeNumbers = new LinkedHashMap<>();
        List<CompiledScope> compiled = new ArrayList<>();
        collect(component.allow(), 0, byName, scopeNumbers, compiled);
        collect(component.deny(), DENY, byName, scopeNumbers, compiled);
        index = new NameIndex(byName.keySet());
        scopes = List.copyOf(compiled);
        first = new int[byName.size() + 1];
        rules = new int[byName.values().stream().mapToInt(List::size).sum()];
        answers = new Allowed[rules.length];
        int name = 0;
        int rule = 0;
        for (List<Integer> codes : byName.values()) {
            first[name++] = rule;
            for (int code : codes) {
                rules[rule++] = code;
            }
        }
        first[name] = rule;
    }

    private static void collect(
            List<EgressRule> from,
            int flag,
            Map<String, List<Integer>> byName,
            Map<Object, Integer> scopeNumbers,
            List<CompiledScope> compiled) {
        for (EgressRule rule : from) {
            if (rule instanceof EgressRule.Host host) {
                Integer scope = scopeNumbers.computeIfAbsent(List.of(flag, host.scope()), key -> {
                    compiled.add(
                            flag == DENY ? CompiledScope.ofDeny(host.scope()) : CompiledScope.ofAllow(host.scope()));
                    return compiled.size() - 1;
                });
                boolean wildcard = host.pattern().startsWith("*.");
                String name = wildcard ? host.pattern().substring(2) : host.pattern();
                byName.computeIfAbsent(name, key -> new ArrayList<>(1))
                        .add(scope << 2 | flag | (wildcard ? WILDCARD : 0));
            }
        }
    }

    /**
     * The rule that allows the request, an exact one before a wildcard; {@link #DENIED} when one denies it, {@link #NONE}
     * otherwise. The host must be of the form {@link HostForm#NAME}.
     */
    int match(EgressRequest request) {
        String host = request.host();
        int best = NONE;
        int hash = 0;
        int labels = 1;
        for (int i = host.length() - 1; i >= 0; i--) {
            char c = host.charAt(i);
            if (c == '.') {
                if (index.hasNameOf(labels)) {
                    best = better(best, index.find(host, i + 1, hash), WILDCARD, request);
                    if (best == DENIED) {
                        return DENIED;
                    }
                }
                labels++;
            }
            hash = NameIndex.step(hash, c);
        }
        return index.hasNameOf(labels) ? better(best, index.find(host, 0, hash), 0, request) : best;
    }

    private int better(int best, int name, int kind, EgressRequest request) {
        if (name < 0) {
            return best;
        }
        int found = best;
        for (int rule = first[name]; rule < first[name + 1]; rule++) {
            int code = rules[rule];
            if ((code & WILDCARD) == kind && scopes.get(code >> 2).matches(request)) {
                if ((code & DENY) != 0) {
                    return DENIED;
                }
                found = rule;
            }
        }
        return found;
    }

    /** The answer that a rule gives when it allows. */
    Allowed answer(int rule) {
        Allowed answer = answers[rule];
        if (answer == null) {
            answer = new Allowed(pattern(rule));
            answers[rule] = answer;
        }
        return answer;
    }

    boolean isWildcard(int rule) {
        return (rules[rule] & WILDCARD) != 0;
    }

    boolean isDeny(int rule) {
        return (rules[rule] & DENY) != 0;
    }

    CompiledScope scope(int rule) {
        return scopes.get(rules[rule] >> 2);
    }

    /** The rules whose pattern covers the host, whatever their scope; for explanations. */
    List<Integer> covering(String host) {
        List<Integer> covering = new ArrayList<>();
        int hash = 0;
        for (int i = host.length() - 1; i >= 0; i--) {
            if (host.charAt(i) == '.') {
                addRules(index.find(host, i + 1, hash), true, covering);
            }
            hash = NameIndex.step(hash, host.charAt(i));
        }
        addRules(index.find(host, 0, hash), false, covering);
        return covering;
    }

    private void addRules(int name, boolean wildcard, List<Integer> to) {
        for (int rule = name < 0 ? 0 : first[name]; name >= 0 && rule < first[name + 1]; rule++) {
            if (isWildcard(rule) == wildcard) {
                to.add(rule);
            }
        }
    }

    int size() {
        return rules.length;
    }

    /** The rule as the policy writes it. A search over the names' numbers: for explanations and first answers. */
    String pattern(int rule) {
        int low = 0;
        int high = first.length - 2;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (first[middle] <= rule) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return (isWildcard(rule) ? "*." : "") + index.name(low);
    }

    /** The bytes that the compiled rules take, without the answers cached for those that were used. */
    long bytes() {
        return index.bytes() + 4L * first.length + 4L * rules.length + 4L * answers.length;
    }
}
