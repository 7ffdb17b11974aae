package dev.secureruntime.core.audit;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * The right to write one log: at most one holder per directory, over all processes of the machine.
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

    static WriterLock acquire(LogFiles files) throws IOException {
        Path real = files.directory().toRealPath();
        Object identity = Files.readAttributes(real, BasicFileAttributes.class).fileKey();
        String key = REGISTRY + Objects.requireNonNullElse(identity, real);
        if (System.getProperties().putIfAbsent(key, real.toString()) != null) {
            throw inUse(real, "this process");
        }
        try {
            FileChannel channel = FileChannel.open(files.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = lock(channel);
            if (lock == null) {
                channel.close();
                throw inUse(real, "another process");
            }
            return new WriterLock(key, channel);
        } catch (IOException | RuntimeException e) {
            System.getProperties().remove(key);
            throw e;
        }
    }

    private static @org.jspecify.annotations.Nullable FileLock lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private static SecureRuntimeException inUse(Path directory, String holder) {
        return new SecureRuntimeException(
                ErrorCode.AUDIT_LOG_IN_USE,
                "The audit log " + directory + " is open for writing in " + holder + "; a log has one writer");
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
