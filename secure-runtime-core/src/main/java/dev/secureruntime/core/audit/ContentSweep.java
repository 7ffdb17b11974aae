package dev.secureruntime.core.audit;

import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * Removes from a content store what nobody can use any more: values whose key was erased, values whose record is not in the
 * log (a crash in between, or a segment that was given up), and torn ends.
 *
 * <p>What holds: it runs only where no writer does, and on a log that has nothing wrong in it and waits for no recovery; a
 * value that a record of the log commits to, and whose key is there, stays. A file that is damaged in front of such a value
 * is not taken for one with a torn end: the sweep is refused before anything is removed. Files are replaced atomically. What
 * does not: no keys are pinned here; who can write the whole log anew, with keys of his own, decides what is in it.
 */
public final class ContentSweep {

    private ContentSweep() {}

    /**
     * What a sweep came to, in numbers of values.
     *
     * @param kept those that stay
     * @param erased those whose key was erased
     * @param orphaned those whose record is not in the log
     * @param tornBytes the bytes that were no whole value
     */
    public record Swept(long kept, long erased, long orphaned, long tornBytes) {}

    /**
     * Sweeps the store of the log in {@code directory}.
     *
     * @throws SecureRuntimeException {@code SR-AUDIT-001} when a writer has the log open, {@code SR-AUDIT-004} when the log
     *     was tampered with or waits for recovery, {@code SR-CONTENT-002} when the store can't be used, is another log's, or
     *     is damaged
     */
    public static Swept run(Path directory, ContentSettings settings) {
        LogFiles files = new LogFiles(directory);
        try (WriterLock lock = WriterLock.ofLog(files)) {
            ContentKeys keys = ContentKeys.open(settings);
            keys.requireOrigin(settings.store(), origin(files));
            Wanted wanted = new Wanted(keys.all().keySet(), commitments(files));
            List<Path> sealed = ContentFiles.all(settings.store().resolve("content"));
            for (Path file : sealed) {
                requireTorn(settings.store(), file, wanted);
            }
            Counts counts = new Counts();
            for (Path file : sealed) {
                rewrite(file, wanted, counts);
            }
            return new Swept(counts.kept, counts.erased, counts.orphaned, counts.torn);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class Counts {
        private long kept;
        private long erased;
        private long orphaned;
        private long torn;
    }

    /** What log.json says, which the scan compares with record 0; another log's records say nothing about a store. */
    private static String origin(LogFiles files) throws IOException {
        try {
            return LogDescription.pinned(
                            LogFiles.small(files.description(), LogDescription.MAX_BYTES), null, null, null)
                    .origin();
        } catch (LogFault e) {
            throw tampered(e);
        }
    }

    private static SecureRuntimeException tampered(LogFault e) {
        return inconsistent("was tampered with, at "
                + e.firstBad().file() + " byte " + e.firstBad().offset() + ": "
                + e.firstBad().reason());
    }

    private static SecureRuntimeException inconsistent(String why) {
        return new SecureRuntimeException(ErrorCode.AUDIT_LOG_INCONSISTENT, "Nothing was swept: the log " + why);
    }

    /** The first 64 bits of each: a value that stays by coincidence does no harm. */
    private static Set<Long> commitments(LogFiles files) throws IOException {
        LogScan scan = new LogScan(files, null, null);
        try {
            scan.run();
        } catch (LogFault e) {
            throw tampered(e);
        }
        if (!scan.reasons().isEmpty()) {
            // Records that are lost, or wait to be cut off, commit to nothing: their content would count as orphaned.
            throw inconsistent("can't be vouched for: " + String.join("; ", scan.reasons())
                    + ". Start its writer once, which recovers it, or put the lost files back");
        }
        Set<Long> all = new HashSet<>();
        AuditRecords.read(files.directory(), 0, Long.MAX_VALUE - 1, (record, line) -> record.commitments()
                .values()
                .forEach(commitment -> all.add(prefix(commitment.sha256()))));
        return all;
    }

    private static long prefix(String hash) {
        return Long.parseUnsignedLong(hash.substring(0, 16), 16);
    }

    /** What stays: entries with these key ids, and with commitments that begin so. */
    private record Wanted(Set<String> keyIds, Set<Long> commitments) {

        /** Whether an entry that stays begins anywhere in a file's bytes from {@code from} on. */
        private boolean isBehind(FileChannel file, long from) throws IOException {
            ByteBuffer window = ByteBuffer.allocate(1 << 16);
            file.position(from);
            while (file.read(window) >= 0) {
                window.flip();
                while (window.remaining() >= ContentEntry.ID_BYTES + Long.BYTES) {
                    int at = window.position();
                    int commitment = at + ContentEntry.ID_BYTES;
                    if (commitments.contains(window.getLong(commitment))
                            && keyIds.contains(HexFormat.of().formatHex(window.array(), at, commitment))) {
                        return true;
                    }
                    window.position(at + 1);
                }
                window.compact();
            }
            return false;
        }
    }

    /**
     * Refuses a file whose end is no torn one. A value is written before its record is, so a killed process leaves no record of
     * half a value; where a record commits to what stands behind, the file is damaged, be it in one length alone. A power
     * failure can leave the same, of records that were never reported as durable: that is refused too, as nothing tells it apart.
     */
    private static void requireTorn(Path store, Path file, Wanted wanted) throws IOException {
        long torn = ContentFiles.read(file, entry -> true);
        try (FileChannel channel = LineReader.openRegular(file)) {
            long from = channel.size() - torn;
            if (torn > 0 && wanted.isBehind(channel, from)) {
                throw ContentKeys.unusable(
                        store,
                        "is damaged, in " + file + " at byte " + from + ": from there on it can't be read, and values"
                                + " that records commit to stand there. Nothing was swept. Put the file of a backup in its"
                                + " place, or move it elsewhere, which gives up what is in it");
            }
        }
    }

    private static void rewrite(Path file, Wanted wanted, Counts counts) throws IOException {
        Path copy = file.resolveSibling(file.getFileName() + ".tmp");
        Files.deleteIfExists(copy);
        long dropped = counts.erased + counts.orphaned;
        long kept = counts.kept;
        long torn;
        try (FileChannel target = OwnerFiles.create(copy)) {
            torn = ContentFiles.read(file, entry -> {
                if (!wanted.keyIds().contains(entry.keyId())) {
                    counts.erased++;
                } else if (!wanted.commitments().contains(prefix(entry.commitment()))) {
                    counts.orphaned++;
                } else {
                    counts.kept++;
                    Durable.write(target, ByteBuffer.wrap(entry.bytes()));
                }
                return true;
            });
            target.force(true);
        }
        counts.torn += torn;
        if (dropped == counts.erased + counts.orphaned && torn == 0) {
            Files.delete(copy);
        } else if (kept == counts.kept) {
            Files.delete(copy);
            Files.delete(file);
        } else {
            Files.move(copy, file, StandardCopyOption.ATOMIC_MOVE);
        }
        Durable.forceDirectory(Durable.parent(file));
    }
}
