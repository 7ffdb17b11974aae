package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The right edge of a Merkle tree like {@link CompactRange}, which also grows the paths of a few chosen leaves up to the
 * subtree that holds each: wherever two subtrees become one, each is the next hash on the paths in the other.
 * Not thread-safe.
 */
final class SubtreePaths {

    private final TreeHasher hasher = new TreeHasher();
    private final byte[][] subtrees = new byte[Long.SIZE][TreeHasher.BYTES];
    private final List<List<Leaf>> chosen = new ArrayList<>();
    private long size;

    private record Leaf(long index, byte[] line, List<byte[]> path) {}

    /** Continues from what was retired before; null starts with no leaf. */
    SubtreePaths(@Nullable RetiredHead before) {
        for (int level = 0; level < Long.SIZE; level++) {
            chosen.add(new ArrayList<>());
        }
        if (before == null) {
            return;
        }
        size = before.below();
        int subtree = 0;
        for (int level = Long.SIZE - 1; level >= 0; level--) {
            if ((size >>> level & 1) == 1) {
                subtrees[level] = before.subtrees().get(subtree++).clone();
            }
        }
        for (RetiredHead.Kept kept : before.records()) {
            chosen.get(RetiredHead.level(kept.index(), size))
                    .add(new Leaf(kept.index(), kept.line(), new ArrayList<>(kept.path())));
        }
    }

    /** Appends a leaf; a chosen one is given with its line. */
    void append(byte[] hash, byte @Nullable [] line) {
        byte[] carry = hash.clone();
        List<Leaf> carried = new ArrayList<>();
        if (line != null) {
            carried.add(new Leaf(size, line, new ArrayList<>()));
        }
        int level = 0;
        for (long rest = size; (rest & 1) == 1; rest >>>= 1) {
            List<Leaf> left = chosen.get(level);
            for (Leaf leaf : carried) {
                leaf.path.add(subtrees[level].clone());
            }
            for (Leaf leaf : left) {
                leaf.path.add(carry.clone());
            }
            carried.addAll(0, left);
            left.clear();
            hasher.node(subtrees[level], carry, carry);
            level++;
        }
        subtrees[level] = carry;
        chosen.set(level, carried);
        size++;
    }

    long size() {
        return size;
    }

    /** The subtrees, the leftmost and largest first. */
    List<byte[]> subtrees() {
        List<byte[]> roots = new ArrayList<>();
        for (int level = Long.SIZE - 1; level >= 0; level--) {
            if ((size >>> level & 1) == 1) {
                roots.add(subtrees[level].clone());
            }
        }
        return roots;
    }

    /** The chosen leaves in order. */
    List<RetiredHead.Kept> chosen() {
        return chosen.stream()
                .flatMap(List::stream)
                .sorted((a, b) -> Long.compare(a.index, b.index))
                .map(leaf -> new RetiredHead.Kept(leaf.index, leaf.line, leaf.path))
                .toList();
    }
}
