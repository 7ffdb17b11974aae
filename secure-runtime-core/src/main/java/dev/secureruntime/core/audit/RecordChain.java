package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Follows the records of a log from the first one: form, order, chain, segments and the announcements of epoch keys.
 * Not thread-safe.
 */
final class RecordChain implements AutoCloseable {

    private static final byte[] SEGMENT = RecordParser.ascii(LogRecords.SEGMENT);
    private static final byte[] RETIRED = RecordParser.ascii(LogRecords.RETIRED);
    private static final byte[] KEY = RecordParser.ascii(LogRecords.KEY);

    private final SegmentsReader segments;
    private final LogDescription description;
    private final LogScan.LeafListener leaves;
    private final RecordParser parser = new RecordParser();
    private final ReadAhead ahead;
    private final TreeHasher hasher = new TreeHasher();
    private final ChainStart start;
    private final CompactRange tree;
    private final byte[] leaf = new byte[TreeHasher.BYTES];
    private final byte[] lastLeaf;
    private final byte[] leafBefore = new byte[TreeHasher.BYTES];

    private String lastFile = "";
    private long lastOffset;
    private long segmentFirst;
    private long segmentNumber;
    private long end;
    private boolean signedUpToHere = true;
    private String unsignedFile = "";
    private long unsignedOffset;
    private @Nullable VerifierKey announced;
    private @Nullable Checkpoint coming;

    /** Whether a step found a record, the end, or a torn tail. */
    enum Step {
        RECORD,
        END,
        TORN
    }

    RecordChain(
            SegmentsReader segments,
            ChainStart start,
            LogDescription description,
            LogScan.LeafListener leaves,
            ReadAhead ahead) {
        this.start = start;
        this.tree = start.tree();
        this.lastLeaf = start.lastLeaf();
        this.leaves = leaves;
        this.ahead = ahead;
        this.segments = segments;
        this.description = description;
    }

    /**
     * Takes records that were checked ahead and are good and plain, until there are {@code size} in all; false when there are
     * none here. Then {@link #next} has to look at the record that follows.
     */
    boolean advance(long size) {
        if (!segments.isOpen()) {
            return false;
        }
        LineReader lines = segments.lines();
        RecordChunk chunk = ahead.at(lines, segments.limit());
        if (chunk == null || !chunk.continues(tree.size(), lastLeaf)) {
            return false;
        }
        long first = chunk.offset(0);
        long before = tree.size();
        int taken = chunk.take(tree, size);
        accepted(chunk, taken, first, before);
        lines.skipTo(chunk.offset(0));
        return true;
    }

    private void accepted(RecordChunk chunk, int taken, long first, long before) {
        if (leaves != LogScan.NO_LEAVES) {
            for (int back = taken; back > 0; back--) {
                chunk.leaf(back, leaf);
                leaves.leaf(before + taken - back, leaf);
            }
        }
        if (taken > 1) {
            chunk.leaf(2, leafBefore);
        } else {
            System.arraycopy(lastLeaf, 0, leafBefore, 0, leaf.length);
        }
        chunk.leaf(1, lastLeaf);
        lastFile = segments.file();
        lastOffset = chunk.offset(1);
        noteUnsigned(first);
        end = chunk.offset(0);
    }

    private void noteUnsigned(long offset) {
        if (signedUpToHere) {
            signedUpToHere = false;
            unsignedFile = lastFile;
            unsignedOffset = offset;
        }
    }

    /**
     * Reads the next record.
     *
     * @param signed the size that the newest checkpoint so far covers
     * @param checkpoint the hash of that checkpoint, which a new segment must name
     */
    Step next(long signed, byte[] checkpoint) throws IOException, LogFault {
        LineReader.Kind kind = segments.next(tree.size());
        if (kind == LineReader.Kind.END) {
            return Step.END;
        }
        LineReader line = segments.lines();
        if (kind != LineReader.Kind.LINE) {
            if (segments.isLast() && (kind == LineReader.Kind.FRAGMENT || line.holdsZero())) {
                return Step.TORN;
            }
            throw fault("expected a line of at most 65,535 bytes that ends with a line feed");
        }
        try {
            parser.parse(line.buffer(), line.from(), line.length());
        } catch (MalformedRecordException e) {
            if (segments.isLast() && line.holdsZero()) {
                return Step.TORN;
            }
            throw fault("not a record: " + e.getMessage());
        }
        line.hash(hasher, leaf);
        requirePlace();
        requireMeaning(signed, checkpoint);
        accept(line);
        return Step.RECORD;
    }

    private void accept(LineReader line) {
        leaves.leaf(tree.size(), leaf);
        tree.append(leaf, 0);
        System.arraycopy(lastLeaf, 0, leafBefore, 0, leaf.length);
        System.arraycopy(leaf, 0, lastLeaf, 0, leaf.length);
        lastFile = segments.file();
        lastOffset = line.offset();
        noteUnsigned(lastOffset);
        end = line.offset() + line.length() + 1;
    }

    private LogFault fault(String reason) {
        return new LogFault(tree.size(), segments.file(), segments.offset(), reason);
    }

    private LogFault faultBefore(String reason) {
        return new LogFault(tree.size() - 1, isFirstLeft() ? LogFiles.RETIRED : lastFile, lastOffset, reason);
    }

    private void requirePlace() throws IOException, LogFault {
        long expected = tree.size();
        if (parser.seq() != expected) {
            if (expected > 0 && parser.seq() == expected - 1 && parser.follows(leafBefore)) {
                throw Arrays.equals(leaf, lastLeaf)
                        ? fault("expected record " + expected + ", found record " + (expected - 1) + " a second time")
                        : competing();
            }
            throw fault("expected record " + expected + ", found record " + parser.seq());
        }
        if (!parser.follows(lastLeaf)) {
            // Made first: looking at the record after this one moves on, maybe into the next segment.
            LogFault here = fault("prev: expected " + Hex.text(lastLeaf) + ", the hash of the record before");
            throw canBeBefore() && !isSignedButForPrev() && isVouchedFor()
                    ? faultBefore("its hash is " + Hex.text(lastLeaf)
                            + ", the records after it expected another: it was changed")
                    : here;
        }
    }

    /** Whether the hash of the record before may be the wrong one: not where a good checkpoint covers that record. */
    private boolean canBeBefore() {
        return !signedUpToHere || isFirstLeft();
    }

    /** Whether the record before was removed, so that its hash is only what {@code retired} says. */
    private boolean isFirstLeft() {
        return tree.size() > 0 && lastFile.isEmpty();
    }

    /** Whether the record is the last under a checkpoint whose root it gives with the right {@code prev}: then that was changed. */
    private boolean isSignedButForPrev() {
        Checkpoint checkpoint = coming;
        if (checkpoint == null || checkpoint.size() != tree.size() + 1) {
            return false;
        }
        LineReader line = segments.lines();
        byte[] mended = line.bytes();
        Hex.write(lastLeaf, mended, parser.prevFrom() - line.from());
        byte[] hash = new byte[TreeHasher.BYTES];
        hasher.leaf(mended, 0, mended.length, hash, 0);
        CompactRange signed = tree.copy();
        signed.append(hash, 0);
        return Arrays.equals(signed.root(), checkpoint.root());
    }

    /** Two records claim one place; the one that the next record follows was there first. */
    private LogFault competing() throws IOException, LogFault {
        LogFault second = fault("a second record " + (tree.size() - 1) + " stands here");
        LogFault first = faultBefore("an inserted record stands here, before the one that it displaced");
        return canBeBefore() && isVouchedFor() ? first : second;
    }

    /** Whether the record after the current one follows it; reads on, so that only a fault can come after this. */
    private boolean isVouchedFor() throws IOException {
        try {
            if (segments.next(parser.seq() + 1) != LineReader.Kind.LINE) {
                // Nothing vouches for it, but a changed record is likelier than a changed hash that is still
                // well-formed.
                return true;
            }
            LineReader line = segments.lines();
            parser.parse(line.buffer(), line.from(), line.length());
            return parser.follows(leaf);
        } catch (MalformedRecordException | LogFault e) {
            return false;
        }
    }

    private void requireMeaning(long signed, byte[] checkpoint) throws LogFault {
        boolean first = segments.isFirstOfSegment();
        if (first != parser.isType(SEGMENT)) {
            throw fault(
                    first ? "expected a log.segment record at the start of a segment" : "log.segment inside a segment");
        }
        if (first) {
            requireSegment(parser.record(), signed, checkpoint);
            segmentFirst = tree.size();
            segmentNumber = segments.number();
        } else if (parser.isType(KEY)) {
            if (announced != null) {
                throw fault("a second log.key record without a checkpoint in between");
            }
            announced = key(parser.record());
        } else if (parser.isType(RETIRED)) {
            start.pass(parser.record(), tree.size());
        }
    }

    private void requireSegment(StoredRecord record, long signed, byte[] checkpoint) throws LogFault {
        requireText(record, LogRecords.ORIGIN, description.origin());
        requireText(record, LogRecords.PREFIX + "format", LogFiles.FORMAT);
        if (!new dev.secureruntime.audit.Attribute.Whole(segments.number())
                .equals(record.attributes().get(LogRecords.NUMBER))) {
            throw fault("expected segment number " + segments.number());
        }
        if (tree.size() == 0) {
            requireText(record, LogRecords.LOG_KEY, description.logKey().toString());
            requireText(record, LogRecords.EPOCH_KEY, description.epochKey().toString());
            requireMlDsaKey(record);
        }
        if (signed != tree.size()) {
            throw fault("expected a checkpoint over the " + tree.size()
                    + " records before the segment; the newest covers " + signed);
        }
        requireText(record, LogRecords.CHECKPOINT, Hex.text(checkpoint));
    }

    private void requireMlDsaKey(StoredRecord record) throws LogFault {
        if (description.mlDsaKey() != null) {
            requireText(record, LogRecords.ML_DSA_KEY, description.mlDsaKey().toString());
        } else if (record.attributes().containsKey(LogRecords.ML_DSA_KEY)) {
            throw fault("expected no " + LogRecords.ML_DSA_KEY + ", as " + LogFiles.DESCRIPTION + " names none");
        }
    }

    private void requireText(StoredRecord record, String name, String expected) throws LogFault {
        if (!expected.equals(record.text(name))) {
            throw fault("expected " + name + " to be " + expected);
        }
    }

    private VerifierKey key(StoredRecord record) throws LogFault {
        try {
            return description.nextEpoch(record);
        } catch (IllegalArgumentException e) {
            throw fault("expected " + LogRecords.NEXT_KEY + " to be a verifier key: " + e.getMessage());
        }
    }

    /** The epoch key that was announced since the last call, or null. */
    @Nullable
    VerifierKey takeAnnounced() {
        VerifierKey key = announced;
        announced = null;
        return key;
    }

    /** Names the next checkpoint, whose signatures are good. */
    void leadsTo(Checkpoint checkpoint) {
        coming = checkpoint;
    }

    /** Says that a checkpoint covers the records so far. */
    void markSigned() {
        signedUpToHere = true;
    }

    /**
     * The fault of a root hash that differs though the chain holds. When the next record names another hash for the last one
     * that is covered, or there is no next record, that last one was changed; otherwise the chain was rewritten, and
     * which record was changed first can't be told from hashes.
     */
    LogFault unsigned(long signed, long covered) throws IOException {
        String range = "one of the records " + signed + " to " + (covered - 1)
                + " is not the one that was signed: the root hash at size " + covered + " differs";
        return isLastContradicted()
                ? faultBefore(range + "; most likely this one")
                : new LogFault(signed, unsignedFile, unsignedOffset, range);
    }

    private boolean isLastContradicted() throws IOException {
        try {
            if (segments.next(tree.size()) != LineReader.Kind.LINE) {
                return true;
            }
            LineReader line = segments.lines();
            parser.parse(line.buffer(), line.from(), line.length());
            return !parser.follows(lastLeaf);
        } catch (MalformedRecordException | LogFault e) {
            return true;
        }
    }

    CompactRange tree() {
        return tree;
    }

    byte[] lastLeaf() {
        return lastLeaf.clone();
    }

    /** The index of the first record in the segment of the last record. */
    long segmentFirst() {
        return segmentFirst;
    }

    /** That segment's number. */
    long segmentNumber() {
        return segmentNumber;
    }

    /** The end of the last record in its segment. */
    long end() {
        return end;
    }

    SegmentsReader segments() {
        return segments;
    }

    @Override
    public void close() throws IOException {
        ahead.close();
        segments.close();
    }
}
