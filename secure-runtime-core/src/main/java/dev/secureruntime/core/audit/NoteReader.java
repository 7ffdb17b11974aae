package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.SignedNote;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The notes of a {@code checkpoints} file, one after the other, in constant memory. Not thread-safe.
 */
final class NoteReader implements AutoCloseable {

    private static final int BUFFER = 4 * SignedNote.MAX_BYTES;

    private final FileChannel channel;
    private final long end;
    private final int signatures;
    private final byte[] buffer = new byte[BUFFER];
    private int held;
    private int from;
    private long bufferOffset;
    private long noteOffset;
    private long wholeEnd;
    private boolean overlong;

    private NoteReader(FileChannel channel, long end, int signatures) {
        this.channel = channel;
        this.end = end;
        this.signatures = signatures;
    }

    /** Reads the notes that stand in the first {@code end} bytes; the last one has so many signatures, or is not whole. */
    static NoteReader open(Path file, long end, int signatures) throws IOException {
        return new NoteReader(LineReader.openRegular(file), end, signatures);
    }

    /** Reads the notes in a file that is not being written: the last one ends where the file does. */
    static NoteReader open(Path file, long end) throws IOException {
        return open(file, end, Integer.MAX_VALUE);
    }

    /** The bytes of the next note, or null when no whole note follows. */
    byte @Nullable [] next() throws IOException {
        if (from > BUFFER / 2) {
            moveToFront();
        }
        if (wholeEnd > 0) {
            // The empty line between two notes.
            if (!has(from + 1) || buffer[from] != '\n') {
                return null;
            }
            from++;
        }
        noteOffset = bufferOffset + from;
        int gap = find(from);
        int close = gap < 0 ? -1 : find(gap + 2);
        int stop = close >= 0 || gap < 0 ? close + 1 : endOfSignatures(gap + 2);
        if (overlong || stop <= 0) {
            return null;
        }
        byte[] note = Arrays.copyOfRange(buffer, from, stop);
        from = stop;
        wholeEnd = bufferOffset + stop;
        return note;
    }

    /** The start of what follows the last whole note, up to {@code count} bytes. */
    byte[] rest(int count) throws IOException {
        int start = (int) (wholeEnd - bufferOffset);
        has(start + count);
        return Arrays.copyOfRange(buffer, start, Math.min(held, start + count));
    }

    /** Where the last note's signatures end, or -1 when they are not all there. */
    private int endOfSignatures(int at) {
        int lines = 0;
        for (int i = at; i < held; i++) {
            if (buffer[i] == '\n' && ++lines == signatures) {
                return i + 1;
            }
        }
        return signatures == Integer.MAX_VALUE && held > at && buffer[held - 1] == '\n' ? held : -1;
    }

    /** The place of the next two line feeds in a row, or -1 when the file ends before. */
    private int find(int start) throws IOException {
        for (int i = start; has(i + 2); i++) {
            if (buffer[i] == '\n' && buffer[i + 1] == '\n') {
                return i;
            }
            if (i - from > SignedNote.MAX_BYTES) {
                overlong = true;
                return -1;
            }
        }
        return -1;
    }

    /** Whether {@code count} bytes of the buffer are filled, after reading on if need be. */
    private boolean has(int count) throws IOException {
        while (held < count) {
            if (held == buffer.length) {
                return false;
            }
            int room = (int) Math.min(buffer.length - held, end - bufferOffset - held);
            int read = room == 0 ? -1 : channel.read(ByteBuffer.wrap(buffer, held, room), bufferOffset + held);
            if (read <= 0) {
                return false;
            }
            held += read;
        }
        return true;
    }

    private void moveToFront() {
        System.arraycopy(buffer, from, buffer, 0, held - from);
        bufferOffset += from;
        held -= from;
        from = 0;
    }

    /** Where the note that was read last stands. */
    long noteOffset() {
        return noteOffset;
    }

    /** The end of the last whole note. */
    long wholeEnd() {
        return wholeEnd;
    }

    /** Whether what follows the last whole note is more than any note has: not the rest of an interrupted write. */
    boolean isOverlong() {
        return overlong;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
