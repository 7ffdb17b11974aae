package dev.secureruntime.core.audit;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The right to write one log, and to use one signer: at most one holder of each, over all processes of the machine. A signer that
 * two logs used at once would vouch for both.
 *
 * <p>Between processes a file lock holds. Within one, POSIX file locks don't exclude, and closing any descriptor of the file
 * would even release them; so the directory's identity (device and inode, the same through every symbolic link) is first
 * entered in the system properties, which all class loaders of the virtual machine share. What does not hold: file locks on
 * network file systems that don't implement them.
 */
final class WriterLock implements AutoCloseable {

    private static final String REGISTRY = "dev.secureruntime.audit.writer:";

    private final String key;
    private final FileChannel channel;

    private WriterLock(String key, FileChannel channel) {
        this.key = key;
        this.channel = channel;
    }

    /** The right to write the log in a directory. */
    static WriterLock ofLog(LogFiles files) throws IOException {
        Path real = files.directory().toRealPath();
        return acquire(
                identity(real), files.lock(), "The audit log " + real + " is open for writing", "a log has one writer");
    }

    /** The right to use a signer, whose directory is there; the file locked stands beside it, since the signer is replaced. */
    static WriterLock ofSigner(Path signer) throws IOException {
        Path real = Durable.parent(signer).toRealPath().resolve(signer.getFileName());
        return acquire(
                identity(Durable.parent(real)) + "/" + real.getFileName(),
                real.resolveSibling(real.getFileName() + ".lock"),
                "The signer " + real + " is in use",
                "a signer is one log's, and a log has one writer");
    }

    private static String identity(Path real) throws IOException {
        Object identity = Files.readAttributes(real, BasicFileAttributes.class).fileKey();
        return Objects.requireNonNullElse(identity, real).toString();
    }

    private static WriterLock acquire(String identity, Path file, String inUse, String why) throws IOException {
        String key = REGISTRY + identity;
        if (System.getProperties().putIfAbsent(key, file.toString()) != null) {
            throw inUse(inUse + " in this process; " + why);
        }
        try {
            FileChannel channel = OwnerFiles.openOrCreate(file);
            FileLock lock = lock(channel);
            if (lock == null) {
                channel.close();
                throw inUse(inUse + " in another process; " + why);
            }
            return new WriterLock(key, channel);
        } catch (IOException | RuntimeException e) {
            System.getProperties().remove(key);
            throw e;
        }
    }

    private static @Nullable FileLock lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private static SecureRuntimeException inUse(String what) {
        return new SecureRuntimeException(ErrorCode.AUDIT_LOG_IN_USE, what);
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            System.getProperties().remove(key);
        }
    }
}
