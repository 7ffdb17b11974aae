package dev.secureruntime.core.audit.format;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The right edge of a Merkle tree (RFC 6962): enough to append leaves and to tell the root, in constant memory.
 *
 * <p>For every bit that is set in the size, the root of the perfect subtree of that size is kept. Not thread-safe.
 */
public final class CompactRange {

    private final TreeHasher hasher = new TreeHasher();
    private final byte[][] subtrees;
    private final byte[] carry = new byte[TreeHasher.BYTES];
    private long size;

    public CompactRange() {
        subtrees = new byte[Long.SIZE][TreeHasher.BYTES];
    }

    /** The tree of {@code size} leaves whose subtrees, the largest first, have these roots. */
    public CompactRange(long size, List<byte[]> roots) {
        this();
        this.size = size;
        int next = 0;
        for (int level = Long.SIZE - 1; level >= 0; level--) {
            if ((size >>> level & 1) == 1) {
                subtrees[level] = roots.get(next++).clone();
            }
        }
    }

    /** The leaves from {@code from} to before {@code to}, as far as there are any; null when a subtree would be cut through. */
    @Nullable
    CompactRange part(long from, long to) {
        CompactRange part = new CompactRange();
        long start = 0;
        for (int level = Long.SIZE - 2; level >= 0; level--) {
            long leaves = size & 1L << level;
            long end = start + leaves;
            if (leaves > 0 && start >= from && end <= to) {
                part.subtrees[level] = subtrees[level].clone();
                part.size += leaves;
            } else if (leaves > 0 && start < to && end > from) {
                return null;
            }
            start = end;
        }
        return part;
    }

    /** Appends the leaf hash that stands in {@code hashes} at {@code at}. */
    public void append(byte[] hashes, int at) {
        append(0, hashes, at);
    }

    /** Appends a perfect subtree of 2^{@code height} leaves, given its root; the size must be a multiple of that. */
    public void append(int height, byte[] hashes, int at) {
        System.arraycopy(hashes, at, carry, 0, TreeHasher.BYTES);
        int level = height;
        for (long rest = size >>> height; (rest & 1) == 1; rest >>>= 1) {
            hasher.node(subtrees[level], carry, carry);
            level++;
        }
        System.arraycopy(carry, 0, subtrees[level], 0, TreeHasher.BYTES);
        size += 1L << height;
    }

    public long size() {
        return size;
    }

    /** The same tree, which can grow on its own. */
    public CompactRange copy() {
        CompactRange copy = new CompactRange();
        copy.size = size;
        for (int level = 0; level < Long.SIZE; level++) {
            System.arraycopy(subtrees[level], 0, copy.subtrees[level], 0, TreeHasher.BYTES);
        }
        return copy;
    }

    /** The root hash over all leaves so far. */
    public byte[] root() {
        if (size == 0) {
            return hasher.plain(new byte[0]);
        }
        int level = Long.numberOfTrailingZeros(size);
        byte[] root = subtrees[level].clone();
        for (level++; level < Long.SIZE; level++) {
            if ((size >>> level & 1) == 1) {
                hasher.node(subtrees[level], root, root);
            }
        }
        return root;
    }
}
