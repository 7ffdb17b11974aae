package dev.secureruntime.core.audit;

/**
 * The right edge of a Merkle tree (RFC 6962): enough to append leaves and to tell the root, in constant memory.
 *
 * <p>For every bit that is set in the size, the root of the perfect subtree of that size is kept. Not thread-safe.
 */
final class CompactRange {

    private final TreeHasher hasher = new TreeHasher();
    private final byte[][] subtrees;
    private final byte[] carry = new byte[TreeHasher.BYTES];
    private long size;

    CompactRange() {
        subtrees = new byte[Long.SIZE][TreeHasher.BYTES];
    }

    /** Appends the leaf hash that stands in {@code hashes} at {@code at}. */
    void append(byte[] hashes, int at) {
        append(0, hashes, at);
    }

    /** Appends a perfect subtree of 2^{@code height} leaves, given its root; the size must be a multiple of that. */
    void append(int height, byte[] hashes, int at) {
        System.arraycopy(hashes, at, carry, 0, TreeHasher.BYTES);
        int level = height;
        for (long rest = size >>> height; (rest & 1) == 1; rest >>>= 1) {
            hasher.node(subtrees[level], carry, carry);
            level++;
        }
        System.arraycopy(carry, 0, subtrees[level], 0, TreeHasher.BYTES);
        size += 1L << height;
    }

    long size() {
        return size;
    }

    /** The same tree, which can grow on its own. */
    CompactRange copy() {
        CompactRange copy = new CompactRange();
        copy.size = size;
        for (int level = 0; level < Long.SIZE; level++) {
            System.arraycopy(subtrees[level], 0, copy.subtrees[level], 0, TreeHasher.BYTES);
        }
        return copy;
    }

    /** The root of the perfect subtree of 2^level leaves at the right edge; only where that bit of the size is set. */
    byte[] subtree(int level) {
        return subtrees[level].clone();
    }

    /** The root hash over all leaves so far. */
    byte[] root() {
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
