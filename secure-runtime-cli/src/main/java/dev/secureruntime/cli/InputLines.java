package dev.secureruntime.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * The lines of a stream, none of them longer than a limit: a longer one is refused when the limit is reached, not when it
 * has been read. Not thread-safe.
 */
final class InputLines {

    private final InputStream input;
    private final int limit;
    private final byte[] chunk = new byte[64 * 1024];
    private byte[] line = new byte[8 * 1024];
    private int length;
    private int at;
    private int held;

    InputLines(InputStream input, int limit) {
        this.input = input;
        this.limit = limit;
    }

    /** Whether there was another line; false at the end of the stream. */
    boolean next() throws IOException {
        length = 0;
        boolean any = false;
        while (true) {
            if (at == held) {
                held = input.read(chunk);
                at = 0;
                if (held <= 0) {
                    held = 0;
                    return any;
                }
            }
            any = true;
            int end = at;
            while (end < held && chunk[end] != '\n') {
                end++;
            }
            add(end - at);
            at = end;
            if (end < held) {
                at++;
                return true;
            }
        }
    }

    private void add(int count) {
        if (count > limit - length) {
            throw new IllegalArgumentException("the line has more than " + limit + " bytes");
        }
        if (count > line.length - length) {
            line = Arrays.copyOf(line, Math.min(limit, Math.max(2 * line.length, length + count)));
        }
        System.arraycopy(chunk, at, line, length, count);
        length += count;
    }

    byte[] bytes() {
        return line;
    }

    int length() {
        return length;
    }
}
