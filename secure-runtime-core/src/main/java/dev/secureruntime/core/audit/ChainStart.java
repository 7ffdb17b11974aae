package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where the chain of a log starts: with record 0, or, after retention, with a later one. Of what {@code retired} says
 * nothing is trusted; it has to fit what is signed:
 *
 * <ul>
 *   <li>its subtrees must give the root of the checkpoint over exactly the removed records,
 *   <li>the records that it keeps must lie in those subtrees, and then carry the chain of epoch keys,
 *   <li>the first record that is left must follow the last one removed,
 *   <li>a signed {@code log.retired} record among those that are left must say the same.
 * </ul>
 *
 * <p>Checkpoints over fewer records keep their signatures and their order; their root hashes can't be computed any more.
 * Not thread-safe.
 */
final class ChainStart {

    private static final byte[] SEGMENT = RecordParser.ascii(LogRecords.SEGMENT);
    private static final byte[] KEY = RecordParser.ascii(LogRecords.KEY);

    private final @Nullable RetiredHead head;
    private final List<Announced> announced = new ArrayList<>();
    private boolean anchorSeen;
    private long retirement = Long.MAX_VALUE;

    private record Announced(long index, VerifierKey key) {}

    private ChainStart(@Nullable RetiredHead head) {
        this.head = head;
    }

    /** The start that follows from the content of {@code retired}, null when there is none. */
    static ChainStart of(byte @Nullable [] retired, LogDescription description) throws LogFault {
        if (retired == null) {
            return new ChainStart(null);
        }
        try {
            ChainStart start = new ChainStart(RetiredHead.parse(retired));
            start.requireRecords(description);
            return start;
        } catch (IllegalArgumentException | MalformedRecordException e) {
            throw fault(0, String.valueOf(e.getMessage()));
        }
    }

    private static LogFault fault(long seq, String reason) {
        return new LogFault(seq, LogFiles.RETIRED, 0, reason);
    }

    private void requireRecords(LogDescription description) throws LogFault, MalformedRecordException {
        RetiredHead retired = head();
        RecordParser parser = new RecordParser();
        TreeHasher hasher = new TreeHasher();
        byte[] leaf = new byte[TreeHasher.BYTES];
        for (RetiredHead.Kept kept : retired.records()) {
            byte[] line = kept.line();
            parser.parse(line, 0, line.length);
            hasher.leaf(line, 0, line.length, leaf, 0);
            if (parser.seq() != kept.index() || !retired.holds(kept, leaf)) {
                throw fault(kept.index(), "expected record " + kept.index() + " with its path in the removed records");
            }
            if (kept.index() == 0 && parser.isType(SEGMENT)) {
                requireFirst(parser.record(), description);
            } else if (kept.index() > 0 && parser.isType(KEY)) {
                announced.add(new Announced(kept.index(), description.nextEpoch(parser.record())));
            } else {
                throw fault(kept.index(), "expected record 0, and log.key records");
            }
        }
        if (retired.records().isEmpty() || retired.records().get(0).index() != 0) {
            throw fault(0, "expected record 0, which names the log's origin and keys");
        }
    }

    private static void requireFirst(StoredRecord record, LogDescription description) throws LogFault {
        if (!description.origin().equals(record.text(LogRecords.ORIGIN))
                || !LogFiles.FORMAT.equals(record.text(LogRecords.PREFIX + "format"))
                || !description.logKey().toString().equals(record.text(LogRecords.LOG_KEY))
                || !description.epochKey().toString().equals(record.text(LogRecords.EPOCH_KEY))
                || !Objects.equals(text(description.mlDsaKey()), record.text(LogRecords.ML_DSA_KEY))) {
            throw fault(0, "expected record 0 to name the origin and the keys of " + LogFiles.DESCRIPTION);
        }
    }

    private static @Nullable String text(@Nullable MlDsaKey key) {
        return key == null ? null : key.toString();
    }

    private RetiredHead head() {
        if (head == null) {
            throw new IllegalStateException("nothing was removed");
        }
        return head;
    }

    /** The index of the first record; 0 unless earlier ones were removed. */
    long index() {
        return head == null ? 0 : head.below();
    }

    /** The number of the first segment. */
    long segment() {
        return head == null ? 0 : head.segment();
    }

    /** A new tree over the records that were removed. */
    CompactRange tree() {
        return head == null ? new CompactRange() : head.tree();
    }

    /** The hash that the first record must name as that of the record before. */
    byte[] lastLeaf() {
        return head == null ? new byte[TreeHasher.BYTES] : head.leaf().clone();
    }

    /** Whether the checkpoint covers removed records only, so that their keys are known from here. */
    boolean covers(Checkpoint checkpoint) {
        return checkpoint.size() <= index();
    }

    /**
     * Checks a checkpoint over removed records only.
     *
     * @param signed the size of the checkpoint before
     * @param hash of the checkpoint's signed text
     * @return the epoch key that the newly covered records announce, or null
     */
    @Nullable
    VerifierKey cover(Checkpoint checkpoint, long signed, byte[] hash) throws LogFault {
        RetiredHead retired = head();
        if (checkpoint.size() == retired.below()
                && !Arrays.equals(checkpoint.root(), retired.tree().root())) {
            throw fault(
                    retired.below(),
                    "expected subtrees that give the root hash of the checkpoint over the " + retired.below()
                            + " records that were removed");
        }
        if (checkpoint.size() == retired.anchoredSize()) {
            noteAnchor(hash);
        }
        List<Announced> covered = announced.stream()
                .filter(key -> key.index >= signed && key.index < checkpoint.size())
                .toList();
        if (covered.size() > 1) {
            throw fault(covered.get(1).index, "a second log.key record without a checkpoint in between");
        }
        return covered.isEmpty() ? null : covered.get(0).key;
    }

    private void noteAnchor(byte[] hash) throws LogFault {
        anchorSeen = Arrays.equals(hash, head().anchored());
        if (!anchorSeen) {
            throw fault(head().anchoredSize(), "expected the anchored checkpoint to be the one in checkpoints");
        }
    }

    /** Takes note of a checkpoint over records that are left. */
    void pass(Checkpoint checkpoint, byte[] hash) throws LogFault {
        if (head != null && checkpoint.size() == head.anchoredSize()) {
            noteAnchor(hash);
        }
    }

    /** Takes note of a {@code log.retired} record. */
    void pass(StoredRecord record, long index) {
        if (head != null
                && whole(record, LogRecords.RETIRED_BELOW, head.below())
                && whole(record, LogRecords.ANCHORED_SIZE, head.anchoredSize())
                && Hex.text(head.anchored()).equals(record.text(LogRecords.ANCHORED_CHECKPOINT))) {
            retirement = Math.min(retirement, index);
        }
    }

    private static boolean whole(StoredRecord record, String name, long value) {
        return new Attribute.Whole(value).equals(record.attributes().get(name));
    }

    /** Requires that the log itself says, under a checkpoint, that the records were removed. */
    void requireSigned(long signed) throws LogFault {
        if (head != null && (retirement >= signed || !anchorSeen)) {
            throw fault(
                    head.below(),
                    "expected a signed log.retired record that says that the records below " + head.below()
                            + " were removed");
        }
    }
}
