package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.LockSupport;

/**
 * The lines of one file, in constant memory whatever the file holds. Follows no symbolic link and opens nothing but regular
 * files. Not thread-safe.
 */
final class LineReader implements AutoCloseable {

    static final int BUFFER = 256 * 1024;
    private static final int MAX_LINE = RecordParser.MAX_BYTES;
    /** A byte before the first line, where the leaf hash has its prefix. */
    private static final int FRONT = 1;

    private static final int RETRIES = 50;
    private static final long RETRY_NANOS = 2_000_000;

    /** What {@link #next} found. */
    enum Kind {
        /** A line that ends with a line feed. */
        LINE,
        /** The last bytes of the file, without a line feed. */
        FRAGMENT,
        /** More bytes without a line feed than a line may have; reading can't go on. */
        OVERLONG,
        /** Nothing more. */
        END
    }

    private final FileChannel channel;
    private final long wanted;
    private final byte[] buffer;
    private int held = FRONT;
    private int from;
    private int length;
    private int next = FRONT;
    private long bufferOffset = -FRONT;

    private LineReader(FileChannel channel, long wanted, byte[] buffer) {
        this.buffer = buffer;
        this.channel = channel;
        this.wanted = wanted;
    }

    /**
     * Reads up to the end of the line in which byte {@code wanted} - 1 stands, though the file may be growing.
     *
     * @param buffer of {@link #BUFFER} bytes, in use until this is closed
     */
    static LineReader open(Path file, long wanted, byte[] buffer) throws IOException {
        return new LineReader(openRegular(file), wanted, buffer);
    }

    static FileChannel openRegular(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(file + " is not a regular file");
        }
        return FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    }

    Kind next() throws IOException {
        from = next;
        if (bufferOffset + from >= wanted) {
            return Kind.END;
        }
        int scanned = from;
        int retries = 0;
        while (true) {
            for (int i = scanned; i < held; i++) {
                if (buffer[i] == '\n') {
                    length = i - from;
                    next = i + 1;
                    return length > MAX_LINE ? Kind.OVERLONG : Kind.LINE;
                }
            }
            scanned = held;
            if (held - from > MAX_LINE) {
                length = held - from;
                return Kind.OVERLONG;
            }
            int moved = fill();
            scanned -= moved;
            if (scanned == held) {
                if (held == from) {
                    length = 0;
                    return Kind.END;
                }
                // A writer may be in the middle of a line: its rest arrives at once, or never.
                if (++retries > RETRIES) {
                    length = held - from;
                    next = held;
                    return Kind.FRAGMENT;
                }
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    /** Reads more behind what is held; returns by how much the held bytes moved to the front. */
    private int fill() throws IOException {
        int moved = 0;
        if (buffer.length - held <= MAX_LINE) {
            moved = from - FRONT;
            System.arraycopy(buffer, from, buffer, FRONT, held - from);
            bufferOffset += moved;
            held -= moved;
            from = FRONT;
        }
        int read = channel.read(ByteBuffer.wrap(buffer, held, buffer.length - held), bufferOffset + held);
        held += Math.max(read, 0);
        return moved;
    }

    /** Continues with the line that starts at {@code offset}, not before the end of the current one. */
    void skipTo(long offset) {
        if (offset > bufferOffset + held) {
            held = FRONT;
            bufferOffset = offset - FRONT;
        }
        next = (int) (offset - bufferOffset);
        from = next;
        length = 0;
    }

    /** The place in the file where the next line starts. */
    long position() {
        return bufferOffset + next;
    }

    /** The file, for positional reads; this closes it. */
    FileChannel channel() {
        return channel;
    }

    byte[] buffer() {
        return buffer;
    }

    /** The line's place in the buffer. */
    int from() {
        return from;
    }

    /** The line's length without its line feed. */
    int length() {
        return length;
    }

    /** The line's leaf hash. */
    void hash(TreeHasher hasher, byte[] out) {
        hasher.leafInPlace(buffer, from, length, out, 0);
    }

    /** A copy of the line. */
    byte[] bytes() {
        return java.util.Arrays.copyOfRange(buffer, from, from + length);
    }

    /** The line's place in the file. */
    long offset() {
        return bufferOffset + from;
    }

    /** Whether the line or fragment holds a zero byte, as a block does that was never written. */
    boolean holdsZero() {
        for (int i = from; i < from + length; i++) {
            if (buffer[i] == 0) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
