package dev.secureruntime.core.egress;

import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.EnforcementMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What a component has sent of its byte budgets. It outlives the policies that set them: a policy that comes into force changes
 * the limits and not the counts.
 *
 * <p>What holds, where budgets are enforced: bytes are taken off before they are written, off every budget that covers the host or
 * off none; no span of time as long as a budget's window sees more bytes than the budget, whatever the number of threads. Once a
 * write did not fit, nothing more is sent until bytes come free. A budget whose window another policy changed takes over the
 * most that was counted for the same host; one that a policy leaves out is remembered until its window is over.
 *
 * <p>What does not: counts are in memory, and a new process begins at nothing. Bytes sent before there was a budget for the host
 * are not known. Bytes that were taken off and then could not be written stay counted.
 *
 * <p>Memory is bounded by the budgets, at most {@value #MAX_KEPT} counts are kept. Thread-safe.
 */
public final class ByteLedger {

    private static final int MAX_KEPT = 1024;
    private static final int NEARLY_PERCENT = 80;
    private static final Line[] NONE = new Line[0];

    private final LongSupplier ticker;
    private final Map<Key, SlidingCount> counts = new LinkedHashMap<>();
    private volatile State state = new State(List.of(), EnforcementMode.ENFORCE);

    /** An empty ledger; {@code ticker} is {@code System::nanoTime} or a test's. */
    public ByteLedger(LongSupplier ticker) {
        this.ticker = ticker;
    }

    /** What there is to say of a budget: {@code first} when it was not yet said in this window. */
    public record Notice(ByteBudget budget, long used, Level level, boolean first) {}

    /** How much of a budget is used. */
    public enum Level {
        /** At least {@value ByteLedger#NEARLY_PERCENT} percent. */
        NEARLY_SPENT,
        /** So much that this does not fit any more. */
        SPENT
    }

    private record Key(String host, long windowNanos) {
        static Key of(ByteBudget budget) {
            return new Key(budget.pattern().orElse(""), budget.window().toNanos());
        }
    }

    /** A budget in force with its count. */
    private record Line(ByteBudget budget, SlidingCount count) {}

    private record State(List<Line> lines, EnforcementMode mode) {
        Line[] covering(String host) {
            return lines.isEmpty()
                    ? NONE
                    : lines.stream().filter(line -> line.budget.covers(host)).toArray(Line[]::new);
        }
    }

    /** Puts budgets in force in the place of those before. */
    public synchronized void inForce(List<ByteBudget> budgets, EnforcementMode mode) {
        long now = ticker.getAsLong();
        counts.values().forEach(count -> count.advance(now));
        List<Line> lines = new ArrayList<>();
        for (ByteBudget budget : budgets) {
            Key key = Key.of(budget);
            SlidingCount count = counts.get(key);
            if (count == null || !isInForce(count)) {
                count = count == null ? new SlidingCount(key.windowNanos, now) : count;
                count.takeOver(mostOf(key.host));
                counts.put(key, count);
            }
            if (!hasLimit(count, budget.bytes())) {
                count.reopen();
            }
            lines.add(new Line(budget, count));
        }
        forget(lines);
        state = new State(List.copyOf(lines), mode);
    }

    private boolean hasLimit(SlidingCount count, long bytes) {
        return state.lines.stream().anyMatch(line -> line.count == count && line.budget.bytes() == bytes);
    }

    private boolean isInForce(SlidingCount count) {
        return state.lines.stream().anyMatch(line -> line.count == count);
    }

    /** The most that is counted for the same host, whatever the window. */
    private long mostOf(String host) {
        return counts.entrySet().stream()
                .filter(each -> each.getKey().host.equals(host))
                .mapToLong(each -> each.getValue().total())
                .max()
                .orElse(0);
    }

    /** Counts that no budget in force has are kept while they hold anything. */
    private void forget(List<Line> lines) {
        List<SlidingCount> used = lines.stream().map(Line::count).toList();
        counts.values().removeIf(count -> count.total() == 0 && !used.contains(count));
        var oldest = counts.values().iterator();
        while (counts.size() > MAX_KEPT && oldest.hasNext()) {
            if (!used.contains(oldest.next())) {
                oldest.remove();
            }
        }
    }

    /** The budget for a host that is used up and enforced, as a request that is about to begin must know; null when none is. */
    public @Nullable Notice spent(String host) {
        State now = state;
        if (now.lines.isEmpty() || now.mode == EnforcementMode.REPORT) {
            return null;
        }
        Line[] lines = now.covering(host);
        synchronized (this) {
            long time = ticker.getAsLong();
            for (Line line : lines) {
                line.count.advance(time);
                if (line.count.isShut() || line.count.total() >= line.budget.bytes()) {
                    return notice(line, Level.SPENT, line.count.tellSpent());
                }
            }
        }
        return null;
    }

    /** What is sent to one host, over one connection or over many. */
    public Account account(String host) {
        return new Account(host);
    }

    private static Notice notice(Line line, Level level, boolean first) {
        return new Notice(line.budget, line.count.total(), level, first);
    }

    /** The budgets that cover one host. Thread-safe. */
    public final class Account {

        private final String host;
        private volatile Covering known = new Covering(new State(List.of(), EnforcementMode.ENFORCE), NONE);

        private record Covering(State state, Line[] lines) {}

        private Account(String host) {
            this.host = host;
        }

        /**
         * Takes bytes that are about to be written off every budget that covers the host; off none where one of them has no
         * room and is enforced: then the answer's level is {@link Level#SPENT}, and nothing may be written. Null when there is
         * nothing to say.
         */
        public @Nullable Notice spend(long bytes) {
            State now = state;
            Covering covering = known;
            if (covering.state != now) {
                covering = new Covering(now, now.covering(host));
                known = covering;
            }
            return covering.lines.length == 0 ? null : take(covering.lines, bytes, now.mode);
        }

        /** Whether budgets are enforced, and {@link Level#SPENT} means that nothing may be written. */
        public EnforcementMode mode() {
            return known.state.mode;
        }
    }

    private synchronized @Nullable Notice take(Line[] lines, long bytes, EnforcementMode mode) {
        long now = ticker.getAsLong();
        Line full = null;
        for (Line line : lines) {
            SlidingCount count = line.count;
            count.advance(now);
            if (full == null && (count.isShut() || bytes > line.budget.bytes() - count.total())) {
                full = line;
            }
        }
        if (full != null && mode == EnforcementMode.ENFORCE) {
            full.count.shut();
            return notice(full, Level.SPENT, full.count.tellSpent());
        }
        Notice notice = null;
        for (Line line : lines) {
            boolean fits = bytes <= line.budget.bytes() - line.count.total();
            line.count.add(bytes);
            if (notice == null && !fits && line.count.tellSpent()) {
                notice = notice(line, Level.SPENT, true);
            } else if (notice == null && fits && isNearlySpent(line) && line.count.tellNearly()) {
                notice = notice(line, Level.NEARLY_SPENT, true);
            }
        }
        // Of a second one that there is something to say of, the next write tells.
        return notice == null && full != null ? notice(full, Level.SPENT, false) : notice;
    }

    private static boolean isNearlySpent(Line line) {
        return line.count.total() >= line.budget.bytes() - line.budget.bytes() / 100 * (100 - NEARLY_PERCENT);
    }
}
