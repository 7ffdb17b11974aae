package dev.secureruntime.core.report;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Counts over time, in at most {@value #MOST} slots of one width that grows with the span of time. Not thread-safe.
 */
public final class Timeline {

    /** What is counted per slot. */
    public enum Count {
        ALLOWED,
        FAILED,
        DENIED,
        OTHER,
        INPUT_TOKENS,
        OUTPUT_TOKENS
    }

    /**
     * A slot of time in which something happened.
     *
     * @param start in seconds since 1970
     * @param counts by {@link Count}
     */
    public record Slot(long start, List<Long> counts) {}

    /**
     * The slots in which something happened.
     *
     * @param seconds the width of each
     */
    public record Slots(long seconds, List<Slot> slots) {}

    static final int MOST = 120;
    private static final long[] WIDTHS = {
        1,
        5,
        15,
        60,
        300,
        900,
        3_600,
        10_800,
        21_600,
        86_400,
        604_800,
        2_592_000,
        31_536_000,
        315_360_000,
        3_153_600_000L
    };

    private TreeMap<Long, long[]> slots = new TreeMap<>();
    private int width;

    void add(Instant time, Count what, long value) {
        long second = time.getEpochSecond();
        long[] counts =
                slots.computeIfAbsent(Math.floorDiv(second, WIDTHS[width]), slot -> new long[Count.values().length]);
        counts[what.ordinal()] = Tally.sum(counts[what.ordinal()], value);
        while (slots.lastKey() - slots.firstKey() >= MOST && width + 1 < WIDTHS.length) {
            widen();
        }
    }

    private void widen() {
        long before = WIDTHS[width++];
        TreeMap<Long, long[]> wider = new TreeMap<>();
        slots.forEach((slot, counts) -> {
            long[] sums =
                    wider.computeIfAbsent(Math.floorDiv(slot * before, WIDTHS[width]), key -> new long[counts.length]);
            for (int i = 0; i < counts.length; i++) {
                sums[i] = Tally.sum(sums[i], counts[i]);
            }
        });
        slots = wider;
    }

    Slots result() {
        List<Slot> result = new ArrayList<>();
        slots.forEach((slot, counts) -> result.add(new Slot(
                slot * WIDTHS[width], java.util.Arrays.stream(counts).boxed().toList())));
        return new Slots(WIDTHS[width], result);
    }
}
