package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the newest lines and checkpoints of a log that passes by, and the right edge of the tree over those that it let go:
 * {@link LogExcerpt} in the making. Memory is bounded by its limits. Not thread-safe.
 */
public final class ExcerptWindow {

    private static final int PER_ITEM = 64;

    /**
     * What an excerpt may hold at most.
     *
     * @param records the number of records
     * @param checkpoints the number of checkpoints
     * @param bytes lines and checkpoints together
     */
    public record Limits(int records, int checkpoints, long bytes) {}

    private record Kept(long size, StoredLog.Note note) {}

    private final Limits limits;
    private final TreeHasher hasher = new TreeHasher();
    private final Deque<StoredLog.Line> lines = new ArrayDeque<>();
    private final Deque<Kept> notes = new ArrayDeque<>();
    private final List<byte[]> edge = new ArrayList<>();
    private byte[] lastLeaf = new byte[TreeHasher.BYTES];
    private byte[] lastCheckpoint = new byte[TreeHasher.BYTES];
    private byte @Nullable [] base;
    private long first = -1;
    private long start;
    private long bytes;
    private long newestSize;
    private @Nullable String epochKey;
    private @Nullable String announced;

    /** A window of this size at most. */
    public ExcerptWindow(Limits limits) {
        this.limits = limits;
    }

    /** Takes what comes next in the log; what is neither line nor checkpoint is passed over. */
    public void add(StoredLog.Item item) {
        if (item instanceof StoredLog.Line line) {
            if (first < 0) {
                first = line.index();
                start = first;
                if (first > 0) {
                    // Records before were removed under retention; what the command verified says how they ended.
                    line.record().ifPresent(record -> lastLeaf = HexFormat.of().parseHex(record.prev()));
                }
            }
            lines.add(line);
            bytes += line.bytes().length + PER_ITEM;
        } else if (item instanceof StoredLog.Note note) {
            newestSize = note.size().orElse(newestSize);
            notes.add(new Kept(newestSize, note));
            bytes += note.bytes().length + PER_ITEM;
        }
        while (lines.size() > limits.records() || bytes > limits.bytes() && !lines.isEmpty()) {
            letGo();
        }
        while (hasTooManyNotes()) {
            long oldest = notes.getFirst().size();
            while (start < oldest && !lines.isEmpty()) {
                letGo();
            }
            letGoNotes();
            if (hasTooManyNotes()) {
                pass(notes.removeFirst());
            }
        }
        if (start > 0) {
            letGoNotes();
        }
    }

    /** Checkpoints count against the bytes too, once no line is left that could be let go. */
    private boolean hasTooManyNotes() {
        return notes.size() > limits.checkpoints() || bytes > limits.bytes() && !notes.isEmpty();
    }

    private void letGo() {
        StoredLog.Line line = lines.removeFirst();
        bytes -= line.bytes().length + PER_ITEM;
        byte[] leaf = new byte[TreeHasher.BYTES];
        hasher.leaf(line.bytes(), 0, line.bytes().length, leaf, 0);
        lastLeaf = leaf;
        byte[] carry = leaf;
        for (long rest = start - first; (rest & 1) == 1; rest >>>= 1) {
            byte[] node = new byte[TreeHasher.BYTES];
            hasher.node(edge.remove(0), carry, node);
            carry = node;
        }
        edge.add(0, carry);
        start++;
        line.record().ifPresent(this::followKeys);
        letGoNotes();
    }

    private void followKeys(StoredRecord record) {
        if (record.seq() == 0 && record.type().equals(LogRecords.SEGMENT)) {
            epochKey = record.text(LogRecords.EPOCH_KEY);
        } else if (record.type().equals(LogRecords.KEY)) {
            announced = record.text(LogRecords.NEXT_KEY);
        }
    }

    private void letGoNotes() {
        while (!notes.isEmpty() && notes.getFirst().size() <= start) {
            pass(notes.removeFirst());
        }
    }

    private void pass(Kept kept) {
        byte[] note = kept.note().bytes();
        bytes -= note.length + PER_ITEM;
        base = kept.size() == start ? note : null;
        try {
            lastCheckpoint = hasher.plain(SignedNote.parse(note).text());
        } catch (IllegalArgumentException e) {
            // No checkpoint: the next one then names another hash, which is for whoever checks to find.
            base = null;
        }
        if (announced != null) {
            epochKey = announced;
            announced = null;
        }
    }

    /** The excerpt. It starts at a checkpoint where that leaves at least half of what is kept. */
    public LogExcerpt finish() {
        if (start > Math.max(first, 0)) {
            long boundary = notes.isEmpty() ? Long.MAX_VALUE : notes.getFirst().size();
            if (boundary - start <= lines.size() / 2) {
                while (start < boundary) {
                    letGo();
                }
            }
        }
        boolean whole = first <= 0;
        return new LogExcerpt(
                start,
                lines.stream().map(StoredLog.Line::bytes).toList(),
                notes.stream().map(kept -> kept.note().bytes()).toList(),
                Optional.ofNullable(base).filter(note -> start > 0 && baseFits()),
                whole ? Optional.of(edge) : Optional.empty(),
                Hex.text(lastLeaf),
                Hex.text(lastCheckpoint),
                Optional.ofNullable(epochKey));
    }

    private boolean baseFits() {
        return baseSize() == start;
    }

    private long baseSize() {
        try {
            byte[] note = base;
            return note == null
                    ? -1
                    : Checkpoint.parse(SignedNote.parse(note).text()).size();
        } catch (IllegalArgumentException e) {
            return -1;
        }
    }
}
