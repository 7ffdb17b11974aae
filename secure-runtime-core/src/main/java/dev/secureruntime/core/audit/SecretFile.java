package dev.secureruntime.core.audit;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;

/**
 * A small file of lines that its owner alone can read, and whose old content is overwritten when it is replaced.
 *
 * <p>It is replaced atomically; the old content stays reachable under {@code .old} until it is overwritten, also when the
 * process dies in between. What does not hold: a journaling or copy-on-write file system, or a flash disk, may keep the
 * overwritten blocks. Not thread-safe.
 */
record SecretFile(Path file) {

    private static final int MAX_BYTES = 4_096;
    private static final Set<PosixFilePermission> OWNER =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    /** Reads the lines; refuses a file that others can reach. */
    List<String> read() throws IOException {
        if (isPosix(file) && !OWNER.containsAll(Files.getPosixFilePermissions(file))) {
            throw inconsistent("can be read or written by others; its keys may be known to them. Make it mode 0600");
        }
        if (Files.size(file) > MAX_BYTES) {
            throw inconsistent("is not a signer file");
        }
        return Files.readString(file).lines().toList();
    }

    SecureRuntimeException inconsistent(String what) {
        return new SecureRuntimeException(ErrorCode.AUDIT_LOG_INCONSISTENT, "The signer " + file + " " + what);
    }

    /** Finishes an overwriting that was cut off. */
    void finish() throws IOException {
        wipe(old());
    }

    /** Puts these lines in the place of the old ones. */
    void write(List<String> lines) throws IOException {
        byte[] content = (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
        FileAttribute<?>[] attributes = isPosix(Durable.parent(file))
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER)}
                : new FileAttribute<?>[0];
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            Durable.replace(file, content, attributes);
            return;
        }
        try (FileChannel previous = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            keepSecondName();
            Durable.replace(file, content, attributes);
            overwrite(previous);
        }
        if (Files.deleteIfExists(old())) {
            Durable.forceDirectory(Durable.parent(file));
        }
    }

    private Path old() {
        return file.resolveSibling(file.getFileName() + ".old");
    }

    /** So that the next start finds the replaced content and overwrites it, should this process die in between. */
    private void keepSecondName() throws IOException {
        wipe(old());
        try {
            Files.createLink(old(), file);
        } catch (UnsupportedOperationException | FileSystemException e) {
            // A file system without hard links: the content is still overwritten below, but not after a crash.
            return;
        }
        Durable.forceDirectory(Durable.parent(file));
    }

    private void wipe(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        // Between linking and renaming, the old name leads to the current content: that must only lose its second name.
        if (!Files.isSameFile(path, file)) {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
                overwrite(channel);
            }
        }
        Files.delete(path);
        Durable.forceDirectory(Durable.parent(path));
    }

    private static void overwrite(FileChannel channel) throws IOException {
        channel.position(0);
        Durable.write(channel, ByteBuffer.wrap(new byte[(int) channel.size()]));
        channel.force(true);
    }

    private static boolean isPosix(Path file) throws IOException {
        return Files.getFileStore(file).supportsFileAttributeView("posix");
    }
}
