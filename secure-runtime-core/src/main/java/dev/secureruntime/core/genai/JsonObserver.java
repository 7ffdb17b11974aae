package dev.secureruntime.core.genai;

import dev.secureruntime.core.text.EitherByte;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Watches JSON (RFC 8259) pass by in pieces and reports the scalars at the paths asked for.
 *
 * <p>A path is the member names joined with dots; arrays add nothing to it, so {@code choices.message.role} is the role in
 * each choice. Only short values are kept: nothing is buffered but one value of at most {@value #MAX_VALUE} bytes and one
 * path. It is no validator: on input that is not JSON it reports little or nothing, and never throws.
 *
 * <p>Not thread-safe.
 */
final class JsonObserver {

    /** Told of the scalars; {@code value} is decoded text, or the literal for numbers, {@code true} and {@code false}. */
    @FunctionalInterface
    interface Listener {
        void scalar(String path, String value);
    }

    static final int MAX_VALUE = 256;
    private static final int MAX_DEPTH = 32;
    private static final EitherByte END_OF_PLAIN = new EitherByte('"', '\\');

    private final Set<String> paths;
    private final Listener listener;

    private final StringBuilder path = new StringBuilder();
    private final int[] pathLengths = new int[MAX_DEPTH + 1];
    private final boolean[] inObject = new boolean[MAX_DEPTH + 1];
    private int depth;

    private final byte[] value = new byte[MAX_VALUE];
    private int length;
    private boolean overflow;
    private State state = State.BETWEEN;
    private boolean expectName;
    private boolean keep;
    private int unicodeDigits;
    private int unicode;

    private enum State {
        BETWEEN,
        STRING,
        ESCAPE,
        UNICODE,
        LITERAL
    }

    JsonObserver(Set<String> paths, Listener listener) {
        this.paths = paths;
        this.listener = listener;
    }

    /** Forgets the document so far. */
    void reset() {
        path.setLength(0);
        depth = 0;
        state = State.BETWEEN;
        expectName = false;
    }

    /** Watches a piece. */
    void feed(byte[] buffer, int offset, int count) {
        int end = offset + count;
        for (int i = offset; i < end; i++) {
            if (state == State.STRING) {
                int start = i;
                i = END_OF_PLAIN.find(buffer, start, end);
                append(buffer, start, i - start);
                if (i == end) {
                    return;
                }
            }
            feed(buffer[i]);
        }
    }

    void feed(byte b) {
        switch (state) {
            case BETWEEN -> between(b);
            case STRING -> string(b);
            case ESCAPE -> escape(b);
            case UNICODE -> unicode(b);
            case LITERAL -> {
                if (b == ',' || b == '}' || b == ']' || b <= ' ') {
                    endOfScalar();
                    between(b);
                } else {
                    append(b);
                }
            }
        }
    }

    private void between(byte b) {
        switch (b) {
            case '{' -> open(true);
            case '[' -> open(false);
            case '}', ']' -> close();
            case ',' -> expectName = depth > 0 && depth <= MAX_DEPTH && inObject[depth];
            case ':', ' ', '\t', '\r', '\n' -> {
                // Structure that carries no information here.
            }
            case '"' -> begin(State.STRING);
            default -> {
                begin(State.LITERAL);
                append(b);
            }
        }
    }

    private void begin(State next) {
        state = next;
        length = 0;
        overflow = false;
        keep = expectName || (depth <= MAX_DEPTH && paths.contains(path.toString()));
    }

    private void string(byte b) {
        if (b == '"') {
            if (expectName) {
                endOfName();
            } else {
                endOfScalar();
            }
        } else if (b == '\\') {
            state = State.ESCAPE;
        } else {
            append(b);
        }
    }

    private void escape(byte b) {
        state = State.STRING;
        switch (b) {
            case 'n' -> append((byte) '\n');
            case 't' -> append((byte) '\t');
            case 'r' -> append((byte) '\r');
            case 'b' -> append((byte) '\b');
            case 'f' -> append((byte) '\f');
            case 'u' -> {
                state = State.UNICODE;
                unicodeDigits = 0;
                unicode = 0;
            }
            default -> append(b);
        }
    }

    private void unicode(byte b) {
        int digit = Character.digit(b, 16);
        unicode = unicode << 4 | Math.max(digit, 0);
        unicodeDigits++;
        if (unicodeDigits == 4) {
            state = State.STRING;
            // A lone surrogate becomes '?' here; pairs do too, which is enough for names and identifiers.
            for (byte encoded : String.valueOf((char) unicode).getBytes(StandardCharsets.UTF_8)) {
                append(encoded);
            }
        }
    }

    private void append(byte b) {
        if (!keep) {
            return;
        }
        if (length == MAX_VALUE) {
            overflow = true;
        } else {
            value[length++] = b;
        }
    }

    private void append(byte[] bytes, int offset, int count) {
        if (!keep) {
            return; // most of a body is text that nobody asked for
        }
        int room = Math.min(count, MAX_VALUE - length);
        System.arraycopy(bytes, offset, value, length, room);
        length += room;
        overflow |= room < count;
    }

    private void endOfName() {
        state = State.BETWEEN;
        expectName = false;
        if (depth > MAX_DEPTH) {
            return;
        }
        path.setLength(pathLengths[depth]);
        if (path.length() > 0) {
            path.append('.');
        }
        path.append(overflow ? "?" : text());
    }

    private void endOfScalar() {
        state = State.BETWEEN;
        if (keep && !overflow) {
            listener.scalar(path.toString(), text());
        }
    }

    private String text() {
        return new String(value, 0, length, StandardCharsets.UTF_8);
    }

    private void open(boolean object) {
        depth++;
        if (depth <= MAX_DEPTH) {
            inObject[depth] = object;
            pathLengths[depth] = path.length();
        }
        expectName = object && depth <= MAX_DEPTH;
    }

    private void close() {
        if (depth == 0) {
            return;
        }
        if (depth <= MAX_DEPTH) {
            path.setLength(pathLengths[depth]);
        }
        depth--;
        expectName = false;
    }
}
