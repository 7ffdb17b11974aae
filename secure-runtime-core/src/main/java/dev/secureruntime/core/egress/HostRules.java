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
 * The host rules of a component, exact names and wildcards, behind one {@link NameIndex}. A match takes one pass over the
 * host whatever the number of rules, and allocates nothing once a rule has answered for the first time.
 *
 * <p>A rule is known by a number: the slot of its name in the lower half, and its place among the rules of that
 * name in the upper. Immutable but for a cache of answers that may be filled twice with equal values; thread-safe.
 */
final class HostRules {

    /** No rule matches. */
    static final long NONE = -1;
    /** A rule that denies matches. */
    static final long DENIED = -2;
    /** The host is no clean name; {@link HostForm} says what it is. */
    static final long NO_NAME = -3;
    /** Set in the answer when the host may be in a category. */
    static final long MAY_HAVE_CATEGORY = 1L << 62;

    private static final int DENY = 1;
    private static final int WILDCARD = 2;

    private final NameIndex index;
    private final CategoryLists lists;
    private final CompiledScope[] scopes;
    /** The only rule's answer by the name's slot, or null where a name has several rules. */
    private final Allowed[] answers;

    /** The names that have several rules; a name's value in the index is its rule's code, or the complement of its place here. */
    private final Several[] several;

    private final boolean anyDenies;
    private final String version;

    HostRules(ComponentPolicy component, CategoryLists lists, String version) {
        this.lists = lists;
        this.version = version;
        Map<String, List<Integer>> byName = new LinkedHashMap<>();
        List<CompiledScope> compiled = new ArrayList<>();
        Map<EgressRule.Scope, Integer> allowScopes = new LinkedHashMap<>();
        for (EgressRule rule : component.allow()) {
            if (rule instanceof EgressRule.Host host) {
                int scope = allowScopes.computeIfAbsent(host.scope(), said -> {
                    compiled.add(CompiledScope.ofAllow(said));
                    return compiled.size() - 1;
                });
                add(host, scope << 2, byName);
            }
        }
        Map<EgressRule.Scope, Integer> denyScopes = new LinkedHashMap<>();
        for (EgressRule rule : component.deny()) {
            if (rule instanceof EgressRule.Host host) {
                int scope = denyScopes.computeIfAbsent(host.scope(), said -> {
                    compiled.add(CompiledScope.ofDeny(said));
                    return compiled.size() - 1;
                });
                add(host, scope << 2 | DENY, byName);
            }
        }
        Map<String, Integer> values = new LinkedHashMap<>();
        List<Several> severals = new ArrayList<>();
        byName.forEach((name, codes) -> {
            values.put(name, codes.size() > 1 ? ~severals.size() : codes.get(0));
            if (codes.size() > 1) {
                severals.add(new Several(codes));
            }
        });
        several = severals.toArray(new Several[0]);
        anyDenies = !denyScopes.isEmpty();
        scopes = compiled.toArray(new CompiledScope[0]);
        index = new NameIndex(values);
        answers = new Allowed[index.slots()];
    }

    private static void add(EgressRule.Host host, int code, Map<String, List<Integer>> byName) {
        boolean wildcard = host.pattern().startsWith("*.");
        String name = wildcard ? host.pattern().substring(2) : host.pattern();
        byName.computeIfAbsent(name, key -> new ArrayList<>(1)).add(code | (wildcard ? WILDCARD : 0));
    }

    /**
     * The rule that allows the request, an exact one before a wildcard; {@link #DENIED} when one denies it, {@link #NONE}
     * when none matches, {@link #NO_NAME} when the host is not clean. The bit {@link #MAY_HAVE_CATEGORY} is set or
     * cleared in a rule and in {@link #NONE} alike.
     *
     * <p>A host that isn't a clean name never matches; where it equals a rule's name, or ends with one, only what stands in front of
     * that is looked at.
     */
    long match(EgressRequest request) {
        String host = request.host();
        int length = host.length();
        if (length == 0 || length > HostForm.MAX_LABEL) {
            return matchLong(request);
        }
        // Of each dot, from the right: its place, and the hash of what stands behind it. Three are kept.
        long hash = 0;
        int dots = 0;
        int places = 0;
        long hash1 = 0;
        long hash2 = 0;
        long hash3 = 0;
        for (int i = length - 1; i >= 0; i--) {
            char c = host.charAt(i);
            if (c == '.') {
                hash3 = hash2;
                hash2 = hash1;
                hash1 = hash;
                places = places << 8 | i;
                dots++;
            }
            hash = NameIndex.step(hash, c);
        }
        if (dots > 3) {
            return matchLong(request);
        }
        return match(request, dots, places, hash, hash1, hash2, hash3);
    }

    /** The same, once the host was read: its dots, their places from the left in bytes, and the hashes of the name and its suffixes. */
    private long match(
            EgressRequest request, int dots, int places, long hash, long suffix1, long suffix2, long suffix3) {
        String host = request.host();
        long mixed = NameIndex.mix(hash);
        long mixed1 = NameIndex.mix(suffix1);
        long mixed2 = NameIndex.mix(suffix2);
        long mixed3 = NameIndex.mix(suffix3);
        // What the first slots hold is read before any of it is looked at, so that all of them are waited for at once.
        long first = index.first(mixed);
        long first1 = index.first(mixed1);
        long first2 = index.first(mixed2);
        long first3 = index.first(mixed3);
        boolean category = lists.mayHold(mixed)
                | (dots > 0 && lists.mayHold(mixed1))
                | (dots > 1 && lists.mayHold(mixed2))
                | (dots > 2 && lists.mayHold(mixed3));
        long best = NONE;
        // From where on the host is known to be clean, since a rule's name is.
        int clean = host.length();
        if (index.hasNameOf(dots + 1)) {
            int slot = index.find(host, 0, mixed, first);
            clean = slot < 0 ? clean : 0;
            best = better(best, slot, 0, request);
        }
        for (int labels = dots, rest = places; labels > 0 && (best == NONE || anyDenies) && best != DENIED; labels--) {
            if (index.hasNameOf(labels)) {
                int start = (rest & 0xff) + 1;
                int slot = index.find(host, start, mixed1, first1);
                clean = slot < 0 ? clean : Math.min(clean, start);
                best = better(best, slot, WILDCARD, request);
            }
            rest >>>= 8;
            mixed1 = mixed2;
            mixed2 = mixed3;
            first1 = first2;
            first2 = first3;
        }
        if (clean > 0 && !isClean(host, clean, dots, places)) {
            return NO_NAME;
        }
        if (best == DENIED) {
            return DENIED;
        }
        return category ? best | MAY_HAVE_CATEGORY : best & ~MAY_HAVE_CATEGORY;
    }

    /** Whether the host is a clean name, when it is one from {@code end} on: the rule of {@link HostForm#NAME}. */
    private static boolean isClean(String host, int end, int dots, int places) {
        int length = host.length();
        int wrong = HostForm.edge(host.charAt(0));
        for (int i = 0; i < end; i++) {
            wrong |= HostForm.foreign(host.charAt(i));
        }
        int lastLabel = 0;
        for (int dot = 0, rest = places; dot < dots; dot++, rest >>>= 8) {
            int at = rest & 0xff;
            // A dot at an end is an edge itself; the first condition keeps the others inside the host.
            if (at == 0 || at == length - 1) {
                return false;
            }
            wrong |= HostForm.edge(host.charAt(at - 1)) | HostForm.edge(host.charAt(at + 1));
            lastLabel = Math.max(lastLabel, at + 1);
        }
        if (wrong != 0) {
            return false;
        }
        return end < length
                || HostForm.edge(host.charAt(length - 1)) == 0 && !HostForm.isNumber(host, lastLabel, length);
    }

    /** The same for long hosts and those of many labels, label by label. */
    private long matchLong(EgressRequest request) {
        String host = request.host();
        int length = host.length();
        if (length == 0 || length > HostForm.MAX_NAME) {
            return NO_NAME;
        }
        long best = NONE;
        boolean category = false;
        long hash = 0;
        int labels = 1;
        int end = length;
        while (true) {
            int dot = host.lastIndexOf('.', end - 1);
            int foreign = 0;
            for (int i = end - 1; i > dot; i--) {
                char c = host.charAt(i);
                hash = NameIndex.step(hash, c);
                foreign |= HostForm.foreign(c);
            }
            if (foreign != 0 || !HostForm.isLabel(host, dot + 1, end)) {
                return NO_NAME;
            }
            if (labels == 1 && HostForm.isNumber(host, dot + 1, length)) {
                return NO_NAME;
            }
            long mixed = NameIndex.mix(hash);
            category |= lists.mayHold(mixed);
            if (index.hasNameOf(labels) && best != DENIED) {
                long found = better(NONE, index.find(host, dot + 1, mixed), dot < 0 ? 0 : WILDCARD, request);
                best = found == NONE ? best : found;
            }
            if (dot < 0) {
                return best == DENIED ? DENIED : category ? best | MAY_HAVE_CATEGORY : best & ~MAY_HAVE_CATEGORY;
            }
            hash = NameIndex.step(hash, '.');
            end = dot;
            labels++;
        }
    }

    /** What is known already, unless it is nothing; else the rule that the name in the slot has. A denial is better than all. */
    private long better(long best, int slot, int kind, EgressRequest request) {
        if (slot < 0) {
            return best;
        }
        int only = index.value(slot);
        if (only >= 0) {
            if ((only & WILDCARD) != kind || !scopes[only >> 2].matches(request)) {
                return best;
            }
            return (only & DENY) != 0 ? DENIED : best == NONE ? slot : best;
        }
        long found = best;
        int[] codes = several[~only].codes;
        for (int i = 0; i < codes.length; i++) {
            if ((codes[i] & WILDCARD) == kind && scopes[codes[i] >> 2].matches(request)) {
                if ((codes[i] & DENY) != 0) {
                    return DENIED;
                }
                found = best == NONE ? (long) i << 32 | slot : best;
            }
        }
        return found;
    }

    /** The answer that a rule gives when it allows. */
    Allowed answer(long rule) {
        int slot = (int) rule;
        int only = index.value(slot);
        Allowed[] kept = only >= 0 ? answers : several[~only].answers;
        int place = only >= 0 ? slot : (int) (rule >> 32);
        Allowed answer = kept[place];
        if (answer == null) {
            answer = new Allowed(pattern(rule), version);
            kept[place] = answer;
        }
        return answer;
    }

    boolean isWildcard(long rule) {
        return (code(rule) & WILDCARD) != 0;
    }

    boolean isDeny(long rule) {
        return (code(rule) & DENY) != 0;
    }

    CompiledScope scope(long rule) {
        return scopes[code(rule) >> 2];
    }

    /** The rule as the policy writes it. */
    String pattern(long rule) {
        return pattern((int) rule, code(rule));
    }

    private String pattern(int slot, int code) {
        return ((code & WILDCARD) != 0 ? "*." : "") + index.name(slot);
    }

    private int code(long rule) {
        int only = index.value((int) rule);
        return only >= 0 ? only : several[~only].codes[(int) (rule >> 32)];
    }

    /** The rules whose pattern covers the host, whatever their scope; for explanations. */
    List<Long> covering(String host) {
        List<Long> covering = new ArrayList<>();
        long hash = 0;
        for (int i = host.length() - 1; i >= 0; i--) {
            if (host.charAt(i) == '.') {
                addRules(index.find(host, i + 1, NameIndex.mix(hash)), WILDCARD, covering);
            }
            hash = NameIndex.step(hash, host.charAt(i));
        }
        addRules(index.find(host, 0, NameIndex.mix(hash)), 0, covering);
        return covering;
    }

    private void addRules(int slot, int kind, List<Long> to) {
        if (slot >= 0) {
            int only = index.value(slot);
            int count = only >= 0 ? 1 : several[~only].codes.length;
            for (int i = 0; i < count; i++) {
                long rule = (long) i << 32 | slot;
                if ((code(rule) & WILDCARD) == kind) {
                    to.add(rule);
                }
            }
        }
    }

    /** The patterns that are allowed, of the first so many names. */
    List<String> allowedPatterns(int most) {
        List<String> patterns = new ArrayList<>();
        index.visit(most, slot -> {
            int only = index.value(slot);
            for (int code : only >= 0 ? new int[] {only} : several[~only].codes) {
                if ((code & DENY) == 0) {
                    patterns.add(pattern(slot, code));
                }
            }
        });
        return patterns;
    }

    /** The bytes that the compiled rules take, without the answers cached for those that were used. */
    long bytes() {
        return index.bytes() + 4L * answers.length;
    }

    /** The rules of a name that has more than one. */
    private static final class Several {
        private final int[] codes;
        private final Allowed[] answers;

        Several(List<Integer> codes) {
            this.codes = codes.stream().mapToInt(Integer::intValue).toArray();
            this.answers = new Allowed[codes.size()];
        }
    }
}
