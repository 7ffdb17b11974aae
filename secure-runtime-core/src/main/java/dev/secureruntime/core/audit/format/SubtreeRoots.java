package dev.secureruntime.core.audit.format;

import java.util.ArrayList;
import java.util.List;

/**
 * The hashes of a Merkle proof, collected while the leaves pass by: which ranges of leaves a proof needs is known from the
 * sizes alone, and each leaf lies in at most one of them. Constant memory. Not thread-safe.
 *
 * <p>RFC 6962, sections 2.1.1 (inclusion) and 2.1.2 (consistency).
 */
public final class SubtreeRoots {

    /** The leaves from {@code from} to before {@code to}. */
    record Range(long from, long to) {}

    private final List<Range> needed;
    private final List<Range> ordered;
    private final byte[][] roots;
    private int current;
    private CompactRange tree = new CompactRange();

    private SubtreeRoots(List<Range> needed) {
        this.needed = needed;
        this.ordered = needed.stream()
                .sorted((a, b) -> Long.compare(a.from(), b.from()))
                .toList();
        this.roots = new byte[needed.size()][];
    }

    /** For the proof that leaf {@code index} is in the tree of {@code size} leaves. */
    public static SubtreeRoots inclusion(long index, long size) {
        List<Range> ranges = new ArrayList<>();
        inclusion(index, 0, size, ranges);
        return new SubtreeRoots(ranges);
    }

    private static void inclusion(long index, long from, long to, List<Range> ranges) {
        if (to - from == 1) {
            return;
        }
        long middle = from + split(to - from);
        if (index < middle) {
            inclusion(index, from, middle, ranges);
            ranges.add(new Range(middle, to));
        } else {
            inclusion(index, middle, to, ranges);
            ranges.add(new Range(from, middle));
        }
    }

    /** For the proof that the tree of {@code size} leaves continues the one of {@code older} leaves. */
    public static SubtreeRoots consistency(long older, long size) {
        List<Range> ranges = new ArrayList<>();
        if (older < size) {
            consistency(older, 0, size, true, ranges);
        }
        return new SubtreeRoots(ranges);
    }

    private static void consistency(long older, long from, long to, boolean whole, List<Range> ranges) {
        if (older == to - from) {
            if (!whole) {
                ranges.add(new Range(from, to));
            }
            return;
        }
        long k = split(to - from);
        if (older <= k) {
            consistency(older, from, from + k, whole, ranges);
            ranges.add(new Range(from + k, to));
        } else {
            consistency(older - k, from + k, to, false, ranges);
            ranges.add(new Range(from, from + k));
        }
    }

    /** The largest power of two below {@code size}. */
    private static long split(long size) {
        return Long.highestOneBit(size - 1);
    }

    /**
     * Takes leaves of which only a tree is known, those that retention removed for one; before any other.
     *
     * @throws IllegalArgumentException when the proof needs a hash that the tree doesn't hold
     */
    public void startWith(CompactRange removed) {
        while (current < ordered.size() && ordered.get(current).from() < removed.size()) {
            Range range = ordered.get(current);
            CompactRange part = removed.part(range.from(), range.to());
            if (part == null) {
                throw new IllegalArgumentException("records 0 to " + (removed.size() - 1)
                        + " were removed under retention, and with them what this proof needs");
            }
            if (range.to() > removed.size()) {
                tree = part;
                return;
            }
            roots[needed.indexOf(range)] = part.root();
            current++;
        }
    }

    /** Takes the next leaf's hash; every leaf from 0 on has to be given. */
    public void accept(long index, byte[] leaf) {
        if (current == ordered.size() || index < ordered.get(current).from()) {
            return;
        }
        tree.append(leaf, 0);
        Range range = ordered.get(current);
        if (index == range.to() - 1) {
            roots[needed.indexOf(range)] = tree.root();
            tree = new CompactRange();
            current++;
        }
    }

    /** The proof's hashes in the RFC's order. */
    public List<byte[]> roots() {
        if (current < ordered.size()) {
            throw new IllegalStateException("the log has fewer leaves than the proof needs");
        }
        return List.of(roots);
    }
}
