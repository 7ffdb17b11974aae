package dev.secureruntime.core.audit;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Files and directories that their owner alone may read, where the file system knows owners. */
final class OwnerFiles {

    private OwnerFiles() {}

    static void createDirectory(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        Path parent = Durable.parent(directory);
        Files.createDirectories(parent);
        Files.createDirectory(directory, attributes(parent, "rwx------"));
        Durable.forceDirectory(parent);
    }

    static void replace(Path file, byte[] content) throws IOException {
        Durable.replace(file, content, attributes(Durable.parent(file), "rw-------"));
    }

    static FileChannel create(Path file) throws IOException {
        FileChannel channel = FileChannel.open(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                attributes(Durable.parent(file), "rw-------"));
        Durable.forceDirectory(Durable.parent(file));
        return channel;
    }

    /** Opens a file for writing that is made where there is none; follows no link. */
    static FileChannel openOrCreate(Path file) throws IOException {
        return FileChannel.open(
                file,
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                attributes(Durable.parent(file), "rw-------"));
    }

    /** The content of a small file that nobody else may read. */
    static byte[] read(Path file, int limit) throws IOException {
        if (isPosix(file)
                && !PosixFilePermissions.fromString("rwx------").containsAll(Files.getPosixFilePermissions(file))) {
            throw new SecureRuntimeException(
                    ErrorCode.CONTENT_STORE_UNUSABLE,
                    file
                            + " can be read or written by others; what it protects may be known to them. Make it mode 0600");
        }
        try (FileChannel channel = LineReader.openRegular(file)) {
            ByteBuffer content = ByteBuffer.allocate((int) Math.min(channel.size(), limit));
            while (content.hasRemaining() && channel.read(content) >= 0) {
                // Read on.
            }
            return java.util.Arrays.copyOf(content.array(), content.position());
        }
    }

    /** Overwrites a file with zeros, durably. */
    static void overwrite(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            Durable.write(channel, ByteBuffer.wrap(new byte[(int) channel.size()]));
            channel.force(true);
        }
    }

    private static FileAttribute<?>[] attributes(Path at, String permissions) throws IOException {
        return isPosix(at)
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
                }
                : new FileAttribute<?>[0];
    }

    private static boolean isPosix(Path file) throws IOException {
        return Files.getFileStore(file).supportsFileAttributeView("posix");
    }
}
