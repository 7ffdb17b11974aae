package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.TilePaths;
import dev.secureruntime.core.audit.format.TileTree;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Exports a log in the form of C2SP tlog-tiles, which any web server can serve and any client of such logs can follow.
 *
 * <p>What holds: the log is verified first, and refused when it was tampered with; the tiles are made of records that lead to
 * the root of its newest checkpoint, and {@code checkpoint} is replaced last, so that it never names a tile that is not
 * there. An export that is continued must be one of the same log: its old checkpoint's root must be met on the way. What does
 * not: tiles from an earlier export are not read again, unless {@link Existing#COMPARED} asks for it; and the export holds
 * every record in full.
 *
 * <p>Reads the log twice, in memory that doesn't grow with it. Thread-safe; one export at a time into one directory.
 */
public final class AuditTiles {

    /** What is done with tiles that an earlier export has written. */
    public enum Existing {
        /** They are left alone. */
        TRUSTED,
        /** They are read and must be what the log says. */
        COMPARED
    }

    /**
     * What an export did.
     *
     * @param size the number of records under the exported checkpoint
     * @param written how many files were written, without the checkpoint
     */
    public record Exported(long size, long written) {}

    private final Path out;
    private final Existing existing;
    private final @Nullable Checkpoint before;
    private final List<Path> outdated = new ArrayList<>();
    private long written;

    private AuditTiles(Path out, Existing existing) throws IOException {
        this.out = out;
        this.existing = existing;
        this.before = read(out.resolve(LogFiles.CHECKPOINT));
    }

    /**
     * Exports what is under the newest checkpoint; a second time, only what is new.
     *
     * @param verifier with the keys that the log must have been signed with
     * @throws IllegalArgumentException when {@code out} lies in the log's directory, or the log has no checkpoint or lost
     *     records to retention
     * @throws SecureRuntimeException {@code SR-AUDIT-004} when the log was tampered with, or is not the one whose tiles are
     *     there
     * @throws IOException when a file can't be read or written
     */
    public static Exported export(Path directory, Path out, AuditLogVerifier verifier, Existing existing)
            throws IOException {
        if (Durable.real(out).startsWith(Durable.real(directory))) {
            throw new IllegalArgumentException("the tiles go to a directory outside the log's");
        }
        LogFiles files = new LogFiles(directory);
        try {
            return Retention.undisturbed(files, () -> {
                LogScan scan = verifier.scan(directory);
                scan.run();
                if (scan.first() > 0) {
                    throw new IllegalArgumentException(
                            "the log's records below " + scan.first() + " were removed under retention, and tiles hold"
                                    + " all. Export before records are removed, and keep the export");
                }
                byte[] note = scan.newestNote();
                if (note == null) {
                    throw new IllegalArgumentException("the log has no checkpoint yet, and tiles are what one covers");
                }
                return new AuditTiles(out, existing).export(files, note);
            });
        } catch (LogFault e) {
            throw refused("it was tampered with, at " + e.firstBad().file() + " byte "
                    + e.firstBad().offset() + ": " + e.firstBad().reason());
        }
    }

    private static SecureRuntimeException refused(String reason) {
        return new SecureRuntimeException(ErrorCode.AUDIT_LOG_INCONSISTENT, "The log is not exported: " + reason);
    }

    private static @Nullable Checkpoint read(Path file) throws IOException {
        try {
            byte[] note = LogFiles.small(file, SignedNote.MAX_BYTES);
            return note == null ? null : Checkpoint.parse(SignedNote.parse(note).text());
        } catch (LogFault | IllegalArgumentException e) {
            throw refused(file + " is no checkpoint of an earlier export");
        }
    }

    private Exported export(LogFiles files, byte[] note) throws IOException, LogFault {
        Checkpoint checkpoint = Checkpoint.parse(SignedNote.parse(note).text());
        if (before != null && (!before.origin().equals(checkpoint.origin()) || before.size() > checkpoint.size())) {
            throw refused(out + " has the tiles of another log, or of a longer one");
        }
        TileTree tiles = new TileTree(this::write);
        CompactRange tree = new CompactRange();
        try (SegmentsReader segments = SegmentsReader.open(files)) {
            TreeHasher hasher = new TreeHasher();
            byte[] leaf = new byte[TreeHasher.BYTES];
            while (tree.size() < checkpoint.size() && segments.next(tree.size()) == LineReader.Kind.LINE) {
                LineReader line = segments.lines();
                hasher.leaf(line.buffer(), line.from(), line.length(), leaf, 0);
                tree.append(leaf, 0);
                tiles.append(line.buffer(), line.from(), line.length(), leaf);
                requireSameAsBefore(tree);
            }
        }
        if (tree.size() != checkpoint.size() || !Arrays.equals(tree.root(), checkpoint.root())) {
            throw refused("it was changed while it was read");
        }
        tiles.finish();
        Durable.replace(out.resolve(LogFiles.CHECKPOINT), note);
        for (Path partial : outdated) {
            delete(partial);
        }
        return new Exported(checkpoint.size(), written);
    }

    private void requireSameAsBefore(CompactRange tree) {
        if (before != null && tree.size() == before.size() && !Arrays.equals(tree.root(), before.root())) {
            throw refused(out + " has the tiles of a fork of this log");
        }
    }

    private void write(String path, long end, byte[] content) throws IOException {
        Path file = out.resolve(path);
        if (before != null && end <= before.size()) {
            if (existing == Existing.COMPARED && !holds(file, content)) {
                throw refused(file + " is not what the log says, or missing. Export into an empty directory");
            }
            return;
        }
        Files.createDirectories(Durable.parent(file));
        Durable.replace(file, content);
        written++;
        Path partials = out.resolve(TilePaths.partials(path));
        if (Files.isDirectory(partials)) {
            // As C2SP allows once the full tile is there. At most one per level, and a bundle.
            outdated.add(partials);
        }
    }

    /** Whoever serves the tiles may be able to write them: no more is read than a tile can hold. */
    private static boolean holds(Path file, byte[] content) throws IOException {
        try {
            return Arrays.equals(LogFiles.small(file, content.length), content);
        } catch (LogFault e) {
            return false; // longer, or no file
        }
    }

    private static void delete(Path directory) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
