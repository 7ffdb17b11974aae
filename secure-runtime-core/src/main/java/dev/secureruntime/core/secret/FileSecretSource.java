package dev.secureruntime.core.secret;

import dev.secureruntime.secret.SecretSource;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file whose whole content is the secret, less one line end ({@code \n} or {@code \r\n}) at its end. It is read anew at
 * each use, so a rotated file is picked up; symbolic links are followed, as mounted secrets need it.
 *
 * <p>Security: a file that group or others can read is used all the same, with one warning in the developer log. It is not
 * refused because container platforms commonly mount secrets as 0644, where the boundary is the container and not the
 * mode. Replace a file by renaming a new one over it: one that is rewritten in place can be read half-written.
 *
 * <p>Thread-safe. Fails with {@link IOException} when the file can't be read or is larger than {@value #MAX_BYTES} bytes;
 * messages name the path, never the content.
 */
public final class FileSecretSource implements SecretSource {

    /** The largest file that is read, in bytes. */
    public static final int MAX_BYTES = 65_536;

    private static final Logger LOG = LoggerFactory.getLogger(FileSecretSource.class);

    private final Path path;
    private final AtomicBoolean permissionsSeen = new AtomicBoolean();

    /** A source that reads {@code path}. */
    public FileSecretSource(Path path) {
        this.path = path;
    }

    @Override
    public byte[] read() throws IOException {
        if (permissionsSeen.compareAndSet(false, true)) {
            warnIfOthersCanRead();
        }
        // One byte more than expected shows the end of the file, or that it grew, without a second buffer.
        byte[] buffer = new byte[(int) Math.min(Files.size(path), MAX_BYTES) + 1];
        int length = 0;
        // A plain stream reads into this array alone; channels leave a copy in a cached buffer of the thread.
        try (InputStream in = new FileInputStream(path.toFile())) {
            int count;
            while ((count = in.read(buffer, length, buffer.length - length)) >= 0) {
                length += count;
                if (length > MAX_BYTES) {
                    throw new IOException(path + " is larger than " + MAX_BYTES + " bytes, too large for a secret");
                }
                if (length == buffer.length) {
                    byte[] larger = Arrays.copyOf(buffer, MAX_BYTES + 1);
                    Arrays.fill(buffer, (byte) 0);
                    buffer = larger;
                }
            }
            return Arrays.copyOf(buffer, withoutLineEnd(buffer, length));
        } finally {
            Arrays.fill(buffer, (byte) 0);
        }
    }

    private static int withoutLineEnd(byte[] bytes, int length) {
        if (length == 0 || bytes[length - 1] != '\n') {
            return length;
        }
        return length > 1 && bytes[length - 2] == '\r' ? length - 2 : length - 1;
    }

    private void warnIfOthersCanRead() throws IOException {
        if (!FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
            return;
        }
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
        if (permissions.contains(PosixFilePermission.GROUP_READ)
                || permissions.contains(PosixFilePermission.OTHERS_READ)) {
            LOG.warn("{} can be read by other users of this machine; a secret's file should be mode 0600", path);
        }
    }

    @Override
    public String toString() {
        return "file " + path;
    }
}
