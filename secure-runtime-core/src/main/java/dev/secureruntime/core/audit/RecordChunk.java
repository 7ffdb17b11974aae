package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.PlainRecordMatcher;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.Swar;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * The records whose lines start in one stretch of a segment, checked as far as they can be without those before: form, order
 * and chain inside the chunk, leaf hashes, and the roots of the perfect subtrees over them. Ends before the first record that
 * is anything but good and plain; what that record is, is for {@link RecordChain} to say.
 *
 * <p>Not thread-safe; handed from the thread that fills it to the one that takes its records.
 */
final class RecordChunk {

    /** The shortest record has 130 bytes. */
    private static final int LEAST_BYTES = 128;
    /** A byte before what is read, and one before the hashes: a hash has its prefix there. */
    private static final int FRONT = 1;

    private static final int MORE = RecordParser.MAX_BYTES + 1;
    /** What is read first of that. */
    private static final int NEAR = 2_048;

    private static final int LEVELS = 32;

    private final byte[] buffer;
    private final byte[] hashes;
    private final int[] starts;
    /** Where each level of the tree begins in {@link #hashes}, and the index of its first node. */
    private final int[] levelAt = new int[LEVELS];

    private final long[] levelFrom = new long[LEVELS];
    private final long[] levelTo = new long[LEVELS];
    private final TreeHasher hasher = new TreeHasher();
    private final PlainRecordMatcher plain = new PlainRecordMatcher();
    private final RecordParser parser = new RecordParser();

    private long bufferOffset;
    private long stop;
    private int held;
    private int count;
    private int taken;
    private long firstSeq;
    private int firstPrev;
    private int prevFrom;
    private long seq;

    /** A chunk for stretches of {@code bytes} bytes. */
    RecordChunk(int bytes) {
        int records = bytes / LEAST_BYTES + 1;
        buffer = new byte[FRONT + bytes + NEAR + MORE + PlainRecordMatcher.SLACK];
        starts = new int[records + 1];
        hashes = new byte[FRONT + 2 * records * TreeHasher.BYTES];
    }

    /**
     * Reads and checks the lines that start in the stretch from {@code begin} to before {@code end}.
     *
     * @param begin not the start of the file
     * @param limit where the segment ends
     */
    void fill(FileChannel channel, long begin, long end, long limit) throws IOException {
        stop = end;
        count = 0;
        taken = 0;
        held = 0;
        bufferOffset = begin - 1;
        read(channel, (int) Math.min(FRONT + (end - begin), limit - bufferOffset));
        int stopAt = (int) (end - bufferOffset);
        // The line feed of the last line is the stretch's last byte, or stands behind it, mostly near.
        for (int more = NEAR; held >= stopAt && !endsLine(stopAt) && more <= MORE; more += MORE - NEAR) {
            read(channel, (int) Math.min(more, limit - bufferOffset - held));
        }
        java.util.Arrays.fill(buffer, held, held + PlainRecordMatcher.SLACK, (byte) 0);
        int at = 0;
        while (at < held && buffer[at] != '\n') {
            at++;
        }
        check(at + 1, Math.min(stopAt, held));
        buildTree();
    }

    /** Whether a line feed stands at the end of the stretch or behind it. */
    private boolean endsLine(int stopAt) {
        for (int i = stopAt - 1; i < held; i++) {
            if (buffer[i] == '\n') {
                return true;
            }
        }
        return false;
    }

    private void read(FileChannel channel, int wanted) throws IOException {
        int target = held + wanted;
        while (held < target) {
            int read = channel.read(ByteBuffer.wrap(buffer, held, target - held), bufferOffset + held);
            if (read <= 0) {
                return;
            }
            held += read;
        }
    }

    private void check(int from, int stopAt) {
        int at = from;
        starts[0] = at;
        plain.reset(buffer);
        while (at < stopAt && count < starts.length - 1) {
            int lineEnd = match(at);
            if (lineEnd < 0 || !isInOrder()) {
                return;
            }
            hasher.leafInPlace(buffer, at, lineEnd - at, hashes, FRONT + count * TreeHasher.BYTES);
            at = lineEnd + 1;
            starts[++count] = at;
        }
    }

    /** The place of the record's line feed, or -1 when there is no record that is none of the log's own and follows. */
    private int match(int at) {
        int hash = FRONT + (count - 1) * TreeHasher.BYTES;
        int lineEnd = count == 0 ? plain.match(at) : plain.matchAfter(hashes, hash, at);
        if (lineEnd >= 0) {
            seq = plain.seq();
            prevFrom = plain.prevFrom();
            return lineEnd;
        }
        lineEnd = at;
        while (lineEnd < held && buffer[lineEnd] != '\n') {
            lineEnd++;
        }
        if (lineEnd == held) {
            return -1;
        }
        try {
            parser.parse(buffer, at, lineEnd - at);
        } catch (MalformedRecordException e) {
            return -1;
        }
        seq = parser.seq();
        prevFrom = parser.prevFrom();
        return parser.isReserved() || count > 0 && !Swar.isHexOf(buffer, prevFrom, hashes, hash) ? -1 : lineEnd;
    }

    private boolean isInOrder() {
        if (count == 0) {
            firstSeq = seq;
            firstPrev = prevFrom;
            return seq <= Long.MAX_VALUE >>> 1;
        }
        return seq == firstSeq + count;
    }

    private void buildTree() {
        int level = 0;
        levelAt[0] = FRONT;
        levelFrom[0] = firstSeq;
        levelTo[0] = firstSeq + count;
        while (levelTo[level] - levelFrom[level] > 1) {
            int above = level + 1;
            levelFrom[above] = levelFrom[level] + 1 >>> 1;
            levelTo[above] = levelTo[level] >>> 1;
            int out = levelAt[level] + (int) (levelTo[level] - levelFrom[level]) * TreeHasher.BYTES;
            levelAt[above] = out;
            int child = levelAt[level] + (int) (2 * levelFrom[above] - levelFrom[level]) * TreeHasher.BYTES;
            for (long node = levelFrom[above]; node < levelTo[above]; node++) {
                hasher.nodeInPlace(hashes, child, hashes, out);
                child += 2 * TreeHasher.BYTES;
                out += TreeHasher.BYTES;
            }
            level = above;
        }
    }

    /** Whether the next record to take stands at {@code offset} in the segment. */
    boolean isAt(long offset) {
        return taken < count && bufferOffset + starts[taken] == offset;
    }

    /** Whether the first record is the one that should follow; only asked before a record is taken. */
    boolean continues(long size, byte[] lastLeaf) {
        return taken > 0 || firstSeq == size && Swar.isHexOf(buffer, firstPrev, lastLeaf, 0);
    }

    /** Appends the next records to the tree, until it has {@code size} leaves or all are taken; returns how many. */
    int take(CompactRange tree, long size) {
        long to = Math.min(size, firstSeq + count);
        int before = taken;
        while (tree.size() < to) {
            int level =
                    Math.min(Long.numberOfTrailingZeros(tree.size()), 63 - Long.numberOfLeadingZeros(to - tree.size()));
            long node = tree.size() >>> level;
            tree.append(level, hashes, levelAt[level] + (int) (node - levelFrom[level]) * TreeHasher.BYTES);
            taken += 1 << level;
        }
        return taken - before;
    }

    /** Copies the leaf hash of the record that is {@code back} before the next one to take. */
    void leaf(int back, byte[] out) {
        System.arraycopy(hashes, FRONT + (taken - back) * TreeHasher.BYTES, out, 0, TreeHasher.BYTES);
    }

    /** Where that record stands in the segment; 0 back is the end of the records so far. */
    long offset(int back) {
        return bufferOffset + starts[taken - back];
    }

    /** The end of the stretch. */
    long stop() {
        return stop;
    }
}
