package dev.secureruntime.core.egress;

import java.util.Arrays;

/**
 * The bytes of the last window, in {@value #PARTS} parts of it and one more. What is counted stays counted for at least the window,
 * and for at most one part longer, so that no span of time as long as the window holds more than was let through. Not thread-safe:
 * its {@link ByteLedger} locks.
 */
final class SlidingCount {

    static final int PARTS = 16;

    private final long partNanos;
    private final long origin;
    private final long[] parts = new long[PARTS + 1];
    private long newest;
    private long total;
    /** The part in which a write did not fit; negative when all did, or bytes came free since. */
    private long shutIn = -1;
    /** The parts in which it was told last that the budget is nearly or altogether used up; negative: not in this window. */
    private long nearlyToldIn = -1;

    private long spentToldIn = -1;

    SlidingCount(long windowNanos, long now) {
        this.partNanos = (windowNanos + PARTS - 1) / PARTS;
        this.origin = now;
    }

    /** Counts at least so many: what another count holds beyond this one counts as if it had been sent now. */
    void takeOver(long bytes) {
        add(Math.max(0, bytes - total));
    }

    /** Forgets what lies further back than the window. */
    void advance(long now) {
        long part = (now - origin) / partNanos;
        long before = total;
        if (part - newest > PARTS) {
            Arrays.fill(parts, 0);
            total = 0;
            newest = part;
        }
        while (newest < part) {
            newest++;
            int slot = (int) (newest % parts.length);
            total -= parts[slot];
            parts[slot] = 0;
        }
        if (total < before || isOver(shutIn)) {
            shutIn = -1;
        }
        nearlyToldIn = isOver(nearlyToldIn) ? -1 : nearlyToldIn;
        spentToldIn = isOver(spentToldIn) ? -1 : spentToldIn;
    }

    private boolean isOver(long part) {
        return part >= 0 && newest - part > PARTS;
    }

    void add(long bytes) {
        parts[(int) (newest % parts.length)] += bytes;
        total += bytes;
    }

    long total() {
        return total;
    }

    /** A write did not fit: nothing more is sent until bytes come free, so that no rest of a budget drips out. */
    void shut() {
        shutIn = newest;
    }

    /** The limit is another one now. */
    void reopen() {
        shutIn = -1;
    }

    boolean isShut() {
        return shutIn >= 0;
    }

    /** True once in a window. */
    boolean tellNearly() {
        boolean first = nearlyToldIn < 0;
        nearlyToldIn = first ? newest : nearlyToldIn;
        return first;
    }

    /** True once in a window. */
    boolean tellSpent() {
        boolean first = spentToldIn < 0;
        spentToldIn = first ? newest : spentToldIn;
        return first;
    }
}
