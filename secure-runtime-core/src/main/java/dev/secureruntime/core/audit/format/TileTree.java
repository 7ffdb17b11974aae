package dev.secureruntime.core.audit.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Cuts a log into the tiles of C2SP tlog-tiles while its records pass by: entry bundles, and at each level the hashes of 256
 * tiles of the level below. Holds one open tile per level and one open bundle. Not thread-safe.
 */
public final class TileTree {

    /** Gets each tile once: the full ones as they fill, the partial ones at the end. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Takes a tile.
         *
         * @param end how many records the log must have for the tile to be as it is
         */
        void tile(String path, long end, byte[] content) throws IOException;
    }

    /** 256^8 leaves are more than there can be. */
    private static final int LEVELS = 8;

    private static final int BUNDLE_BYTES = 1 << 16;

    private final Listener listener;
    private final byte[][] hashes = new byte[LEVELS][TilePaths.WIDTH * TreeHasher.BYTES];
    private final long[] counts = new long[LEVELS];
    private ByteBuffer entries = ByteBuffer.allocate(BUNDLE_BYTES);
    private long size;

    public TileTree(Listener listener) {
        this.listener = listener;
    }

    /** Takes the next record: its stored bytes and its leaf hash. */
    public void append(byte[] bytes, int from, int length, byte[] leaf) throws IOException {
        reserve(Short.BYTES + length);
        entries.putShort((short) length).put(bytes, from, length);
        size++;
        if (size % TilePaths.WIDTH == 0) {
            endBundle(TilePaths.WIDTH);
        }
        append(0, leaf);
    }

    private void reserve(int bytes) {
        if (entries.remaining() < bytes) {
            int capacity = Math.max(2 * entries.capacity(), entries.position() + bytes);
            entries = ByteBuffer.allocate(capacity).put(entries.flip());
        }
    }

    private void endBundle(int width) throws IOException {
        String path = TilePaths.entries((size - 1) / TilePaths.WIDTH, width);
        listener.tile(path, size, Arrays.copyOf(entries.array(), entries.position()));
        entries.clear();
    }

    private void append(int level, byte[] hash) throws IOException {
        int at = (int) (counts[level] % TilePaths.WIDTH);
        System.arraycopy(hash, 0, hashes[level], at * TreeHasher.BYTES, TreeHasher.BYTES);
        counts[level]++;
        if (at + 1 < TilePaths.WIDTH) {
            return;
        }
        listener.tile(
                TilePaths.hashes(level, (counts[level] - 1) / TilePaths.WIDTH, TilePaths.WIDTH),
                size,
                hashes[level].clone());
        CompactRange tile = new CompactRange();
        for (int i = 0; i < TilePaths.WIDTH; i++) {
            tile.append(hashes[level], i * TreeHasher.BYTES);
        }
        append(level + 1, tile.root());
    }

    /** Gives the partial tiles; nothing may be appended then. */
    public void finish() throws IOException {
        int rest = (int) (size % TilePaths.WIDTH);
        if (rest > 0) {
            endBundle(rest);
        }
        for (int level = 0; level < LEVELS; level++) {
            int width = (int) (counts[level] % TilePaths.WIDTH);
            if (width > 0) {
                String path = TilePaths.hashes(level, counts[level] / TilePaths.WIDTH, width);
                listener.tile(path, size, Arrays.copyOf(hashes[level], width * TreeHasher.BYTES));
            }
        }
    }
}
