package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Removes the oldest segments of a log, and keeps what proves that they existed.
 *
 * <pre>
 *   1  log.retired record, under a checkpoint     the owner of the keys wants it
 *   2  retired, replaced durably                  what verifying needs without the segments
 *   3  delete the segments, oldest first; fsync(directory)
 * </pre>
 *
 * <p>Whole segments only, never the newest, and only below a checkpoint that was shown to be kept elsewhere: who holds it can
 * always prove what the log was. An interruption after 1 leaves a log that says too much, to be repeated; one after 2 is
 * finished by the next start. Used by one thread at a time, under the writer's lock.
 */
final class Retention {

    /** How often records may be removed while they are being read. */
    static final int OVERTAKEN = 10;

    private static final byte[] KEY = RecordParser.ascii(LogRecords.KEY);

    private final LogFiles files;
    private final VerifierKey logKey;

    Retention(LogFiles files, VerifierKey logKey) {
        this.files = files;
        this.logKey = logKey;
    }

    /** Says whether a segment may be removed, once those before it may. */
    @FunctionalInterface
    interface Limit {
        /** The segment starts with record {@code from}; the next one with {@code first}. */
        boolean allows(long from, long first) throws IOException, LogFault;

        static Limit below(long index) {
            return (from, first) -> first <= index;
        }

        default Limit and(Limit other) {
            return (from, first) -> other.allows(from, first) && allows(from, first);
        }
    }

    /** The limit that all removed records are from before {@code time}: each is asked, as a clock can go back. */
    Limit before(Instant time) {
        return (from, first) -> {
            AtomicBoolean older = new AtomicBoolean(true);
            try {
                AuditRecords.read(files.directory(), from, first - 1, (record, line) -> {
                    if (!record.time().isBefore(time)) {
                        older.set(false);
                    }
                });
            } catch (UncheckedIOException e) {
                throw new IOException(e.getMessage(), e);
            } catch (IllegalArgumentException e) {
                throw new LogFault(from, LogFiles.SEGMENTS, 0, String.valueOf(e.getMessage()));
            }
            return older.get();
        };
    }

    /**
     * What is to stand in {@code retired}; null when no segment lies wholly below the limit and the anchored checkpoint.
     *
     * @throws IllegalArgumentException when the anchors don't allow to remove anything
     * @throws LogFault when the log doesn't have the anchored checkpoints, or was changed since it was opened
     */
    @Nullable
    RetiredHead plan(Limit limit, List<Path> anchorFiles) throws IOException, LogFault {
        RetiredHead before = RetiredHead.read(files);
        Checkpoint anchored = anchored(anchorFiles);
        long kept = before == null ? 0 : before.below();
        long cut = kept;
        for (long first : starts()) {
            if (first > anchored.size() || first > cut && !limit.allows(cut, first)) {
                break;
            }
            cut = Math.max(cut, first);
        }
        return cut == kept ? null : head(before, cut, anchored);
    }

    /** The newest of the checkpoints that were kept elsewhere; the log has them all. */
    private Checkpoint anchored(List<Path> anchorFiles) throws IOException, LogFault {
        AnchoredHeads anchors = new AnchoredHeads();
        for (Path file : anchorFiles) {
            if (!anchors.read(file)) {
                throw new IllegalArgumentException("the anchor " + file + " can't be read as checkpoints");
            }
        }
        for (Path file : anchors.requireSigned(logKey)) {
            throw new IllegalArgumentException(
                    "the anchor " + file + " holds a checkpoint that the log key didn't sign");
        }
        List<Checkpoint> shown = new ArrayList<>();
        eachCheckpoint((note, checkpoint) -> {
            long before = anchors.proved().orElse(-1);
            if (!anchors.pass(checkpoint)) {
                throw new LogFault(
                        checkpoint.size(), LogFiles.CHECKPOINTS, 0, "an anchored checkpoint is another here");
            }
            if (anchors.proved().orElse(-1) > before) {
                shown.add(checkpoint);
            }
        });
        if (anchors.missing().isPresent()) {
            throw new LogFault(
                    anchors.missing().getAsLong(), LogFiles.CHECKPOINTS, 0, "an anchored checkpoint is missing");
        }
        if (shown.isEmpty()) {
            throw new IllegalArgumentException("expected a checkpoint of this log that is kept elsewhere");
        }
        return shown.get(shown.size() - 1);
    }

    @FunctionalInterface
    private interface CheckpointVisitor {
        void visit(SignedNote note, Checkpoint checkpoint) throws LogFault;
    }

    private void eachCheckpoint(CheckpointVisitor visitor) throws IOException, LogFault {
        try (NoteReader reader = NoteReader.open(files.checkpoints(), Files.size(files.checkpoints()))) {
            for (byte[] note = reader.next(); note != null; note = reader.next()) {
                SignedNote signed = SignedNote.parse(note);
                visitor.visit(signed, Checkpoint.parse(signed.text()));
            }
        }
    }

    private List<Long> starts() throws IOException {
        List<Long> starts = new ArrayList<>();
        try (DirectoryStream<Path> segments = Files.newDirectoryStream(files.segments(), "*" + LogFiles.SUFFIX)) {
            for (Path segment : segments) {
                LogFiles.segmentFirst(segment).ifPresent(starts::add);
            }
        }
        starts.sort(null);
        return starts;
    }

    /** Reads the records to remove once more, and requires that they are the ones that were signed. */
    private RetiredHead head(@Nullable RetiredHead before, long cut, Checkpoint anchored) throws IOException, LogFault {
        SubtreePaths paths = new SubtreePaths(before);
        RecordParser parser = new RecordParser();
        TreeHasher hasher = new TreeHasher();
        byte[] leaf = new byte[TreeHasher.BYTES];
        long segment;
        try (SegmentsReader segments = SegmentsReader.open(files)) {
            if (before != null) {
                segments.startAt(before.below(), before.segment());
            }
            while (paths.size() < cut) {
                long index = paths.size();
                if (segments.next(index) != LineReader.Kind.LINE) {
                    throw new LogFault(index, segments.file(), segments.offset(), "expected record " + index);
                }
                LineReader line = segments.lines();
                parser.parse(line.buffer(), line.from(), line.length());
                line.hash(hasher, leaf);
                boolean kept = index == 0 || parser.isType(KEY);
                paths.append(leaf, kept ? line.bytes() : null);
            }
            segment = segments.number() + 1;
        } catch (MalformedRecordException e) {
            throw new LogFault(paths.size(), LogFiles.SEGMENTS, 0, "not a record: " + e.getMessage());
        }
        requireSigned(cut, new CompactRange(cut, paths.subtrees()).root());
        byte[] anchoredHash = hasher.plain(anchored.text());
        RetiredHead head =
                new RetiredHead(cut, segment, anchored.size(), anchoredHash, leaf, paths.subtrees(), paths.chosen());
        if (head.bytes().length > RetiredHead.MAX_BYTES) {
            throw new LogFault(
                    cut, LogFiles.RETIRED, 0, "the log.key records below take more than 16 MiB; start a new log");
        }
        return head;
    }

    private void requireSigned(long size, byte[] root) throws IOException, LogFault {
        List<Checkpoint> found = new ArrayList<>();
        eachCheckpoint((note, checkpoint) -> {
            if (checkpoint.size() == size
                    && Arrays.equals(checkpoint.root(), root)
                    && note.signatures().stream().anyMatch(signature -> logKey.signed(note.text(), signature))) {
                found.add(checkpoint);
            }
        });
        if (found.isEmpty()) {
            throw new LogFault(
                    size, LogFiles.SEGMENTS, 0, "the records below " + size + " are not the ones that were signed");
        }
    }

    /** The index of the first record that is left. */
    long first() throws IOException, LogFault {
        RetiredHead head = RetiredHead.read(files);
        return head == null ? 0 : head.below();
    }

    /** Removes what lies below; the log must say so already, under a checkpoint. */
    void carryOut(RetiredHead head) throws IOException {
        Durable.replace(files.retired(), head.bytes());
        finish(head.below());
    }

    /** Deletes the segments below {@code first} that are still there. */
    void finish(long first) throws IOException {
        List<Long> below = starts().stream().filter(start -> start < first).toList();
        for (long start : below) {
            Files.deleteIfExists(files.segment(start));
        }
        if (!below.isEmpty()) {
            Durable.forceDirectory(files.segments());
        }
    }

    /** Something that reads the log. */
    interface Reading<T> {
        T read() throws IOException, LogFault;
    }

    /**
     * Reads again where retention removed something meanwhile: then what was read doesn't count, be it a fault.
     *
     * @throws IOException also when it did so every time
     */
    static <T> T undisturbed(LogFiles files, Reading<T> reading) throws IOException, LogFault {
        for (int i = 0; i < OVERTAKEN; i++) {
            byte[] retired = LogFiles.small(files.retired(), RetiredHead.MAX_BYTES);
            try {
                T read = reading.read();
                if (isAsRead(files, retired)) {
                    return read;
                }
            } catch (IOException | LogFault | RuntimeException e) {
                if (isAsRead(files, retired)) {
                    throw e;
                }
            }
        }
        throw new IOException("records were removed under retention while the log was read; do it again");
    }

    /** Whether {@code retired} still holds what a reader of the log has read; otherwise it may have missed segments. */
    static boolean isAsRead(LogFiles files, byte @Nullable [] content) {
        try {
            return Arrays.equals(content, LogFiles.small(files.retired(), RetiredHead.MAX_BYTES));
        } catch (IOException | LogFault e) {
            // Then what the reader found stands.
            return true;
        }
    }
}
