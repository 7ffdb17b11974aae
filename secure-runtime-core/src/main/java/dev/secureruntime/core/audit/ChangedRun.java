package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Tells which record of a run of changed ones is the first, where the chain alone leaves two to choose from.
 *
 * <pre>
 *   record   7        8          9          10
 *   hash     h7       h8         h9         h10
 *   prev          p8=h7?     p9=h8?    p10=h9?
 * </pre>
 *
 * <p>Where p8 is not h7 and p9 is not h8, either 7 and 8 were changed, or 8 alone and its {@code prev} with it. Each
 * {@code prev} is what a hash once was; whether those are the hashes that were signed, the next checkpoint's root says. One
 * pass over the records under that checkpoint alone. Used once, by one thread.
 */
final class ChangedRun {

    private final TreeHasher hasher = new TreeHasher();
    private final RecordParser parser = new RecordParser();
    private final byte[] stored = new byte[TreeHasher.BYTES];
    private final long suspect;
    /** With every hash as the next record's {@code prev} has it. */
    private final CompactRange named;
    /** The same, but with the hash of the record before the suspect as it is. */
    private final CompactRange storedBefore;

    private byte[] buffer = new byte[0];
    private @Nullable LogFault before;

    private ChangedRun(CompactRange covered, long suspect) {
        this.suspect = suspect;
        this.named = covered.copy();
        this.storedBefore = covered.copy();
    }

    /**
     * The fault of the record before {@code suspect}, when that was changed too; null when it was not, or nothing shows it.
     *
     * @param covered the tree over the records below, which a good checkpoint covers
     * @param checkpoint the next one, whose signatures are good
     */
    static @Nullable LogFault before(LogFiles files, CompactRange covered, long suspect, Checkpoint checkpoint) {
        if (suspect <= covered.size() || suspect >= checkpoint.size()) {
            return null;
        }
        try (SegmentsReader segments = SegmentsReader.left(files)) {
            return new ChangedRun(covered, suspect).read(segments, checkpoint);
        } catch (IOException | MalformedRecordException | LogFault e) {
            return null; // The fault that is known stays.
        }
    }

    private @Nullable LogFault read(SegmentsReader segments, Checkpoint checkpoint)
            throws IOException, LogFault, MalformedRecordException {
        long first = named.size();
        String file = "";
        long offset = 0;
        for (long index = segments.skipTo(first); index < checkpoint.size(); index++) {
            if (!isRecord(segments, index)) {
                return null;
            }
            if (index > first) {
                take(index - 1, prev(), file, offset);
            }
            LineReader line = segments.lines();
            line.hash(hasher, stored);
            file = segments.file();
            offset = line.offset();
        }
        boolean vouched = isRecord(segments, checkpoint.size());
        take(checkpoint.size() - 1, vouched ? prev() : stored, file, offset);
        if (Arrays.equals(named.root(), checkpoint.root())) {
            return before;
        }
        if (vouched || suspect == checkpoint.size() - 1) {
            return null;
        }
        // No record says what the last hash was: then a changed record is likelier than a prev that is still
        // well-formed.
        return Arrays.equals(storedBefore.root(), checkpoint.root()) || before == null ? null : likelier(before);
    }

    private LogFault likelier(LogFault fault) {
        return new LogFault(
                suspect - 1,
                fault.firstBad().file(),
                fault.firstBad().offset(),
                "the record after it expected another hash: this record was changed, or only records after it with the prev"
                        + " of the next; nothing that is left tells which, and the first is likelier");
    }

    private boolean isRecord(SegmentsReader segments, long index)
            throws IOException, LogFault, MalformedRecordException {
        if (segments.next(index) != LineReader.Kind.LINE) {
            return false;
        }
        LineReader line = segments.lines();
        parser.parse(line.buffer(), line.from(), line.length());
        buffer = line.buffer();
        return parser.seq() == index;
    }

    private byte[] prev() {
        String text = new String(buffer, parser.prevFrom(), 2 * TreeHasher.BYTES, StandardCharsets.US_ASCII);
        return HexFormat.of().parseHex(text);
    }

    private void take(long index, byte[] hash, String file, long offset) {
        named.append(hash, 0);
        storedBefore.append(index < suspect ? stored : hash, 0);
        if (index == suspect - 1 && !Arrays.equals(hash, stored)) {
            before = new LogFault(
                    index,
                    file,
                    offset,
                    "its hash is " + Hex.text(stored) + ", the record after it expected another: it was changed, and"
                            + " records after it too");
        }
    }
}
