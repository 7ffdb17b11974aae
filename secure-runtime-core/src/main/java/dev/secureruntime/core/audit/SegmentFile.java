package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * The segment that the writer appends to. A segment appears under its name only with its whole first record in it, so that
 * no reader meets an empty one. Used by the writer's thread alone.
 */
final class SegmentFile implements AutoCloseable {

    private static final int READ_BYTES = 256 * 1024;

    private final Path path;
    private final FileChannel channel;
    private final Object identity;
    private long size;

    private SegmentFile(Path path, FileChannel channel, long size) throws IOException {
        this.path = path;
        this.channel = channel;
        this.size = size;
        this.identity = identity(path);
    }

    static SegmentFile create(Path path, byte[] firstLine, int length) throws IOException {
        Durable.replace(path, java.util.Arrays.copyOf(firstLine, length));
        return open(path, length);
    }

    static SegmentFile open(Path path, long expectedSize) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
        try {
            if (channel.size() != expectedSize) {
                throw new IOException(path + " has " + channel.size() + " bytes, not " + expectedSize);
            }
            channel.position(expectedSize);
            return new SegmentFile(path, channel, expectedSize);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private static Object identity(Path path) throws IOException {
        BasicFileAttributes attributes =
                Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        return Objects.requireNonNullElse(attributes.fileKey(), path);
    }

    long size() {
        return size;
    }

    void write(byte[] lines, int from, int to) throws IOException {
        Durable.write(channel, ByteBuffer.wrap(lines, from, to - from));
        size += to - from;
    }

    void force(StorageDevice device) throws IOException {
        device.force(channel);
    }

    /**
     * Reads the bytes from {@code from} to before {@code to} back, by the path that a reader would take, and compares the leaf hash of
     * each line with the one that was computed from memory.
     *
     * @throws IOException when the file is no longer the one at its path, or holds anything else
     */
    void requireLeaves(long from, long to, byte[] leaves, int count) throws IOException {
        if (!identity(path).equals(identity)) {
            throw new IOException(path + " is not the file that the writer opened");
        }
        TreeHasher hasher = new TreeHasher();
        byte[] leaf = new byte[TreeHasher.BYTES];
        byte[] buffer = new byte[READ_BYTES];
        int held = 0;
        int line = 0;
        long at = from;
        try (FileChannel reader = FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            while (at < to) {
                int read =
                        reader.read(ByteBuffer.wrap(buffer, held, (int) Math.min(buffer.length - held, to - at)), at);
                if (read <= 0) {
                    throw new IOException(path + " lost bytes that were written to it");
                }
                at += read;
                held += read;
                int start = 0;
                for (int i = held - read; i < held; i++) {
                    if (buffer[i] == '\n') {
                        hasher.leaf(buffer, start, i - start, leaf, 0);
                        if (line == count
                                || !java.util.Arrays.equals(
                                        leaf, 0, leaf.length, leaves, line * leaf.length, (line + 1) * leaf.length)) {
                            throw new IOException(path + " holds other bytes than were written to it");
                        }
                        line++;
                        start = i + 1;
                    }
                }
                System.arraycopy(buffer, start, buffer, 0, held - start);
                held -= start;
            }
        }
        if (line != count || held != 0) {
            throw new IOException(path + " holds other bytes than were written to it");
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
