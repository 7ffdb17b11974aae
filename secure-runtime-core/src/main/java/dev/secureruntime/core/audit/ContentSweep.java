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
import java.util.Set;

/**
 * Removes from a content store what nobody can use any more: values whose key was erased, values whose record is not in the
 * log (a crash in between, or a segment that was given up), and torn ends.
 *
 * <p>What holds: it runs only where no writer does, and on a log that has nothing wrong in it; a value that a record of the
 * log commits to, and whose key is there, stays. Files are replaced atomically.
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
     *     was tampered with, {@code SR-CONTENT-002} when the store can't be used or is another log's
     */
    public static Swept run(Path directory, ContentSettings settings) {
        LogFiles files = new LogFiles(directory);
        try (WriterLock lock = WriterLock.ofLog(files)) {
            ContentKeys keys = ContentKeys.open(settings);
            keys.requireOrigin(settings.store(), origin(files));
            Set<String> keyIds = keys.all().keySet();
            Set<Long> commitments = commitments(files);
            Counts counts = new Counts();
            for (Path file : ContentFiles.all(settings.store().resolve("content"))) {
                rewrite(file, keyIds, commitments, counts);
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
        return new SecureRuntimeException(
                ErrorCode.AUDIT_LOG_INCONSISTENT,
                "Nothing was swept: the log was tampered with, at "
                        + e.firstBad().file() + " byte " + e.firstBad().offset() + ": "
                        + e.firstBad().reason());
    }

    /** The first 64 bits of each: a value that stays by coincidence does no harm. */
    private static Set<Long> commitments(LogFiles files) throws IOException {
        try {
            new LogScan(files, null, null).run();
        } catch (LogFault e) {
            throw tampered(e);
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

    private static void rewrite(Path file, Set<String> keyIds, Set<Long> commitments, Counts counts)
            throws IOException {
        Path copy = file.resolveSibling(file.getFileName() + ".tmp");
        Files.deleteIfExists(copy);
        long dropped = counts.erased + counts.orphaned;
        long kept = counts.kept;
        long torn;
        try (FileChannel target = OwnerFiles.create(copy)) {
            torn = ContentFiles.read(file, entry -> {
                if (!keyIds.contains(entry.keyId())) {
                    counts.erased++;
                } else if (!commitments.contains(prefix(entry.commitment()))) {
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
