package dev.secureruntime.core;

import dev.secureruntime.policy.PolicyVersion;
import dev.secureruntime.policy.ShadowReport;
import dev.secureruntime.policy.ShadowReport.Turn;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/** Adds up how a candidate policy differs, at most {@value #MAX_TARGETS} targets of it by name. Thread-safe. */
final class ShadowTally {

    static final int MAX_TARGETS = 1000;

    private final LongAdder judged = new LongAdder();
    private final Map<Turn, LongAdder> turned = new EnumMap<>(Turn.class);
    private final Map<Key, LongAdder> differences = new ConcurrentHashMap<>();
    private final LongAdder further = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final AtomicBoolean toldOfFailure = new AtomicBoolean();

    ShadowTally() {
        for (Turn turn : Turn.values()) {
            turned.put(turn, new LongAdder());
        }
    }

    private record Key(String component, String target, Turn turn, String why) {}

    void judged() {
        judged.increment();
    }

    /** The candidate failed on a question; whether it is the first time. */
    boolean failed() {
        failed.increment();
        return toldOfFailure.compareAndSet(false, true);
    }

    long failures() {
        return failed.sum();
    }

    void add(String component, ShadowPolicy.Difference difference) {
        adder(difference.turn()).increment();
        Key key = new Key(component, difference.target(), difference.turn(), difference.why());
        LongAdder known = differences.get(key);
        if (known == null && differences.size() >= MAX_TARGETS) {
            further.increment();
            return;
        }
        differences.computeIfAbsent(key, first -> new LongAdder()).increment();
    }

    private LongAdder adder(Turn turn) {
        return turned.computeIfAbsent(turn, first -> new LongAdder()); // never absent, and never written again
    }

    long count() {
        return judged.sum();
    }

    long count(Turn turn) {
        return adder(turn).sum();
    }

    ShadowReport report(PolicyVersion version) {
        List<ShadowReport.Difference> all = differences.entrySet().stream()
                .map(each -> new ShadowReport.Difference(
                        each.getKey().component(),
                        each.getKey().target(),
                        each.getKey().turn(),
                        each.getKey().why(),
                        each.getValue().sum()))
                .sorted(Comparator.comparingLong(ShadowReport.Difference::count)
                        .reversed()
                        .thenComparing(ShadowReport.Difference::target))
                .toList();
        return new ShadowReport(version, count(), all, further.sum(), failures());
    }
}
