package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * One pass over a log: records and checkpoints side by side, in constant memory. The verifier makes a verdict of it, the
 * writer a place to continue from.
 *
 * <p>The order of reading makes a running log look whole. A writer makes records durable, then adds to {@code checkpoints},
 * then replaces {@code checkpoint}; this reads {@code checkpoint} first, then the extent of {@code checkpoints}, then that
 * of the segments. Used once, by one thread.
 */
final class LogScan {

    static final LeafListener NO_LEAVES = (index, hash) -> {};

    private final LogFiles files;
    private final @Nullable VerifierKey pinnedLog;
    private final @Nullable VerifierKey pinnedEpoch;
    private final TreeHasher hasher = new TreeHasher();
    private final List<String> reasons = new ArrayList<>();

    private final AnchoredHeads anchors = new AnchoredHeads();
    private ReadAhead.Plan plan = ReadAhead.Plan.ofMachine();
    private LeafListener leaves = NO_LEAVES;
    private AuditLogVerifier.Progress progress = (read, total) -> {};
    private @Nullable RecordChain chain;
    private @Nullable MlDsaKey pinnedMlDsa;
    private @Nullable MlDsaKey mlDsaKey;
    private @Nullable ChainStart start;
    private byte @Nullable [] retired;
    private @Nullable VerifierKey epochKey;
    private @Nullable VerifierKey announced;
    private CompactRange covered = new CompactRange();
    private byte[] newestHash = new byte[TreeHasher.BYTES];
    private byte @Nullable [] newestNote;
    private long signed;
    private long checkpointsEnd;
    private boolean tornRecord;
    private boolean tornNote;

    LogScan(LogFiles files, @Nullable VerifierKey pinnedLog, @Nullable VerifierKey pinnedEpoch) {
        this.files = files;
        this.pinnedLog = pinnedLog;
        this.pinnedEpoch = pinnedEpoch;
    }

    /** Requires that the log announced this ML-DSA key; null requires nothing. */
    void pin(@Nullable MlDsaKey key) {
        pinnedMlDsa = key;
    }

    /** Whether the log announced an ML-DSA key. */
    boolean hasMlDsaKey() {
        return mlDsaKey != null;
    }

    /** Reads the log; what it found is then in this object's state. */
    void run() throws IOException, LogFault {
        long sizeBefore = LogFiles.size(files.checkpoints());
        NewestCheckpoint newest = NewestCheckpoint.read(files);
        long certain = LogFiles.size(files.checkpoints());
        retired = LogFiles.small(files.retired(), RetiredHead.MAX_BYTES);
        SegmentsReader segments = SegmentsReader.open(files);
        long possible = LogFiles.size(files.checkpoints());
        byte[] description = LogFiles.small(files.description(), LogDescription.MAX_BYTES);
        if (segments.isEmpty() && certain == 0 && newest.isMissing()) {
            requireAnchored(pinnedLog, 0, LogFiles.SEGMENTS, 0);
            reasons.add(description == null ? "the directory holds no log" : "nothing was recorded yet");
            return;
        }
        SegmentsReader.requireDirectory(files);
        LogDescription described = LogDescription.pinned(description, pinnedLog, pinnedEpoch, pinnedMlDsa);
        mlDsaKey = described.mlDsaKey();
        epochKey = described.epochKey();
        for (Path refused : anchors.requireSigned(described.logKey())) {
            reasons.add("the anchor " + refused + " holds a checkpoint that the log key didn't sign");
        }
        ChainStart first = ChainStart.of(retired, described);
        start = first;
        covered = first.tree();
        segments.startAt(first.index(), first.segment());
        try (RecordChain records = openChain(segments, first, described)) {
            chain = records;
            long before = readCheckpoints(records, first, described, newest, sizeBefore, certain, possible);
            readTail(records);
            first.requireSigned(signed);
            if (!segments.areRemovedGone()) {
                reasons.add("segments below record " + first.index() + " wait to be deleted: retention was interrupted;"
                        + " the next start of the writer finishes it");
            }
            requireAnchored(
                    described.logKey(),
                    records.tree().size(),
                    records.segments().file(),
                    records.segments().offset());
            newest.require(signed, before, sizeBefore == possible, reasons);
        }
    }

    private RecordChain openChain(SegmentsReader segments, ChainStart first, LogDescription described) {
        long total = segments.bytes();
        ReadAhead ahead = new ReadAhead(plan, read -> progress.read(Math.min(read, total), total));
        return new RecordChain(segments, first, described, leaves, ahead);
    }

    /** Returns how many notes stood in the first {@code sizeBefore} bytes. */
    private long readCheckpoints(
            RecordChain records,
            ChainStart start,
            LogDescription described,
            NewestCheckpoint newest,
            long sizeBefore,
            long certain,
            long possible)
            throws IOException, LogFault {
        long before = 0;
        if (possible == 0) {
            return before;
        }
        try (NoteReader reader = NoteReader.open(files.checkpoints(), possible, NoteSignatures.count(described))) {
            byte[] note = reader.next();
            while (note != null) {
                Checkpoint checkpoint = readNote(note, described, reader.noteOffset());
                records.leadsTo(checkpoint);
                while (records.tree().size() < checkpoint.size()) {
                    if (!records.advance(checkpoint.size()) && next(records, checkpoint) != RecordChain.Step.RECORD) {
                        if (reader.noteOffset() < certain) {
                            throw missing(records, checkpoint.size());
                        }
                        return before;
                    }
                }
                cover(records, start, checkpoint, note, reader);
                newest.pass(note);
                before += reader.wholeEnd() <= sizeBefore ? 1 : 0;
                note = reader.next();
            }
            if (reader.wholeEnd() < certain) {
                requireTornNote(reader, described);
            }
        }
        return before;
    }

    private RecordChain.Step next(RecordChain records, Checkpoint checkpoint) throws IOException, LogFault {
        long index = records.tree().size();
        try {
            return records.next(signed, newestHash);
        } catch (LogFault e) {
            boolean here = e.firstBad().seq().orElse(0) == index;
            LogFault before = here ? ChangedRun.before(files, covered, index, checkpoint) : null;
            throw before == null ? e : before;
        }
    }

    private static LogFault missing(RecordChain records, long size) {
        return new LogFault(
                records.tree().size(),
                records.segments().file(),
                records.segments().offset(),
                "expected record " + records.tree().size() + " of the " + size
                        + " that a checkpoint covers; the log ends before or is cut in mid-record");
    }

    private Checkpoint readNote(byte[] bytes, LogDescription described, long offset) throws LogFault {
        SignedNote note;
        Checkpoint checkpoint;
        try {
            note = SignedNote.parse(bytes);
            checkpoint = Checkpoint.parse(note.text());
        } catch (IllegalArgumentException e) {
            throw badNote(signed, offset, "not a checkpoint: " + e.getMessage());
        }
        if (!checkpoint.origin().equals(described.origin())) {
            throw badNote(checkpoint.size(), offset, "expected the origin " + described.origin());
        }
        NoteSignatures signatures = new NoteSignatures(note, checkpoint, offset);
        signatures.requireOfLog(described);
        if (!Arrays.equals(checkpoint.previous(), newestHash)) {
            throw badNote(
                    checkpoint.size(),
                    offset,
                    "expected a checkpoint that follows " + Hex.text(newestHash)
                            + ": one before this is missing or another");
        }
        signatures.requireOfEpoch(epoch(described));
        if (checkpoint.size() <= signed) {
            throw badNote(checkpoint.size(), offset, "expected a size above " + signed);
        }
        return checkpoint;
    }

    private VerifierKey epoch(LogDescription described) {
        return epochKey == null ? described.epochKey() : epochKey;
    }

    private static LogFault badNote(long seq, long offset, String reason) {
        return new LogFault(seq, LogFiles.CHECKPOINTS, offset, reason);
    }

    private void cover(RecordChain records, ChainStart start, Checkpoint checkpoint, byte[] note, NoteReader reader)
            throws IOException, LogFault {
        byte[] hash = hasher.plain(checkpoint.text());
        VerifierKey next;
        if (start.covers(checkpoint)) {
            next = start.cover(checkpoint, signed, hash);
        } else {
            start.pass(checkpoint, hash);
            if (!Arrays.equals(records.tree().root(), checkpoint.root())) {
                throw records.unsigned(signed, checkpoint.size());
            }
            next = records.takeAnnounced();
        }
        if (next != null) {
            epochKey = next;
        }
        if (!anchors.pass(checkpoint)) {
            throw badNote(
                    signed,
                    reader.noteOffset(),
                    "an anchored checkpoint is missing here or is another: the log"
                            + " was forked, or rolled back and continued");
        }
        records.markSigned();
        covered = records.tree().copy();
        signed = checkpoint.size();
        newestHash = hash;
        newestNote = note;
        checkpointsEnd = reader.wholeEnd();
    }

    private void requireTornNote(NoteReader reader, LogDescription described) throws IOException, LogFault {
        byte[] expected =
                ((reader.wholeEnd() > 0 ? "\n" : "") + described.origin() + "\n").getBytes(StandardCharsets.UTF_8);
        byte[] rest = reader.rest(expected.length);
        if (reader.isOverlong() || !Checkpoint.isInterrupted(rest, expected)) {
            throw badNote(signed, reader.wholeEnd(), "expected a checkpoint");
        }
        tornNote = true;
        reasons.add("a checkpoint whose writing was interrupted waits for the next start of the writer");
    }

    private void readTail(RecordChain records) throws IOException, LogFault {
        RecordChain.Step step = nextOfTail(records);
        while (step == RecordChain.Step.RECORD) {
            if (signed == 0 && records.tree().size() > 1) {
                throw badNote(0, 0, "expected checkpoints: a writer signs record 0 before it takes others");
            }
            step = nextOfTail(records);
        }
        announced = records.takeAnnounced();
        if (step == RecordChain.Step.TORN) {
            tornRecord = true;
            reasons.add("a record whose writing was interrupted waits for the next start of the writer, behind record "
                    + (records.tree().size() - 1));
        }
        if (signed == 0) {
            reasons.add("no checkpoint was signed yet");
        }
    }

    private RecordChain.Step nextOfTail(RecordChain records) throws IOException, LogFault {
        return signed > 0 && records.advance(Long.MAX_VALUE)
                ? RecordChain.Step.RECORD
                : records.next(signed, newestHash);
    }

    private void requireAnchored(@Nullable VerifierKey key, long size, String file, long offset) throws LogFault {
        if (key != null) {
            anchors.requireSigned(key);
        }
        OptionalLong missing = anchors.missing();
        if (missing.isEmpty()) {
            return;
        }
        long anchored = missing.getAsLong();
        if (anchored > size) {
            throw new LogFault(
                    size,
                    file,
                    offset,
                    "expected " + anchored
                            + " records, as an anchored checkpoint says: the log was truncated or rolled back");
        }
        throw badNote(signed, checkpointsEnd, "an anchored checkpoint over " + anchored + " records is missing");
    }

    /** Gets the index and leaf hash of every record, in order. */
    @FunctionalInterface
    interface LeafListener {
        void leaf(long index, byte[] hash);
    }

    /** Says how records are checked ahead; the verdict is the same whatever it is. */
    void readAhead(ReadAhead.Plan plan) {
        this.plan = plan;
    }

    /** Says who is given the leaf hashes as they pass by. */
    void onLeaf(LeafListener listener) {
        leaves = listener;
    }

    /** Says who is told how far the segments were read. */
    void onProgress(AuditLogVerifier.Progress listener) {
        progress = listener;
    }

    /** Requires that the log has the checkpoints in {@code file}; a file that can't be read is among the reasons then. */
    void requireAnchor(Path file) {
        if (!anchors.read(file)) {
            reasons.add("the anchor " + file + " could not be read as checkpoints");
        }
    }

    /** Up to which size the log was shown to be complete. */
    OptionalLong proved() {
        return anchors.proved();
    }

    /** The reasons why the log can't be vouched for though nothing is wrong. */
    List<String> reasons() {
        return reasons;
    }

    long size() {
        return chain == null ? 0 : chain.tree().size();
    }

    /** The index of the first record; those before it were removed under retention. */
    long first() {
        return start == null ? 0 : start.index();
    }

    /** What {@code retired} held, null when there was none. */
    byte @Nullable [] retired() {
        return retired;
    }

    long signed() {
        return signed;
    }

    /** The key that must sign the next checkpoint, or null when there is no log. */
    @Nullable
    VerifierKey epochKey() {
        return epochKey;
    }

    /** The key that was announced behind the newest checkpoint, or null. */
    @Nullable
    VerifierKey announced() {
        return announced;
    }

    boolean hasTornRecord() {
        return tornRecord;
    }

    boolean hasTornNote() {
        return tornNote;
    }

    byte @Nullable [] newestNote() {
        return newestNote;
    }

    /** Where a writer continues. */
    LogState state() {
        RecordChain records = chain;
        if (records == null || records.tree().size() == 0) {
            return LogState.empty();
        }
        return new LogState(
                records.tree().size(),
                signed,
                records.tree(),
                records.lastLeaf(),
                newestHash,
                checkpointsEnd,
                records.segmentNumber(),
                records.segmentFirst(),
                records.end());
    }
}
