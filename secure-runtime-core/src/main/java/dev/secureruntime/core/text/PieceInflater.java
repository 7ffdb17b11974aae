package dev.secureruntime.core.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * Undoes gzip (RFC 1952) or deflate (RFC 1950, or 1951 as some send it) of bytes that come in pieces, to be searched. Constant
 * memory. The checksum of gzip is not looked at, and what follows a gzip member and is none is left alone, as receivers do. Not thread-safe.
 */
public final class PieceInflater implements AutoCloseable {

    /** Takes what was inflated; the array is used again. */
    @FunctionalInterface
    public interface Output {
        /** The next bytes. */
        void write(byte[] bytes, int offset, int length);
    }

    /** No symbol of deflate stands for more bytes: what was consumed has no more than these still to give. */
    public static final int LONGEST_SYMBOL = 258;

    private static final long MOST_FREELY = 64L << 20;
    private static final long MOST_RATIO = 100;

    private enum State {
        HEADER,
        EXTRA_LENGTH,
        EXTRA,
        NAME,
        COMMENT,
        HEADER_CHECK,
        ZLIB_HEADER,
        DATA,
        TRAILER,
        BEHIND
    }

    private static final int GZIP_HEADER = 10;
    private static final int GZIP_TRAILER = 8;
    private static final int HAS_CHECK = 2;
    private static final int HAS_EXTRA = 4;
    private static final int HAS_NAME = 8;
    private static final int HAS_COMMENT = 16;

    private final Output out;
    private final boolean gzip;
    private final byte[] buffer = new byte[8 * 1024];
    private final byte[] header = new byte[GZIP_HEADER];
    private Inflater inflater = new Inflater(true);
    private State state;
    private int count;
    private int extra;
    private boolean member;
    private long consumed;
    private long inflated;

    private PieceInflater(String coding, Output out) {
        this.out = out;
        this.gzip = !coding.equals("deflate");
        this.state = gzip ? State.HEADER : State.ZLIB_HEADER;
    }

    /**
     * What undoes the last coding of a {@code Content-Encoding}; null when there is none, or it is not known.
     *
     * @throws DataFormatException when there is another known one beneath it
     */
    public static @Nullable PieceInflater of(String contentEncoding, Output out) throws DataFormatException {
        if (contentEncoding.isEmpty()) {
            return null;
        }
        List<String> codings = new ArrayList<>();
        for (String coding : contentEncoding.toLowerCase(Locale.ROOT).split(",", -1)) {
            String name = coding.strip();
            if (!name.isEmpty() && !name.equals("identity")) {
                codings.add(name);
            }
        }
        if (codings.isEmpty() || !isKnown(codings.get(codings.size() - 1))) {
            return null;
        }
        if (codings.size() > 1 && isKnown(codings.get(codings.size() - 2))) {
            throw new DataFormatException("it is compressed more than once");
        }
        return new PieceInflater(codings.get(codings.size() - 1), out);
    }

    private static boolean isKnown(String coding) {
        return coding.equals("gzip") || coding.equals("x-gzip") || coding.equals("deflate");
    }

    /**
     * Takes the next piece.
     *
     * @throws DataFormatException when it is no such data, or far more comes out of it than went in
     */
    public void update(byte[] bytes) throws DataFormatException {
        consumed += bytes.length;
        int at = 0;
        while (at < bytes.length && state != State.BEHIND) {
            at = state == State.DATA ? inflate(bytes, at) : frame(bytes, at);
        }
    }

    /**
     * Ends.
     *
     * @throws DataFormatException when something is missing
     */
    public void end() throws DataFormatException {
        boolean nothing = consumed == 0;
        boolean between = member && state == State.HEADER && count == 0;
        boolean done = state == State.BEHIND || state == State.TRAILER || between || nothing;
        close();
        if (!done) {
            throw new DataFormatException("it ends too early");
        }
    }

    private int inflate(byte[] bytes, int from) throws DataFormatException {
        inflater.setInput(bytes, from, bytes.length - from);
        while (!inflater.finished()) {
            int length = inflater.inflate(buffer);
            if (length == 0) {
                if (inflater.needsDictionary()) {
                    throw new DataFormatException("it needs a dictionary");
                }
                if (!inflater.finished()) {
                    return bytes.length;
                }
            }
            inflated += length;
            if (inflated > MOST_FREELY && inflated / MOST_RATIO > consumed) {
                throw new DataFormatException("far more comes out of it than is sent");
            }
            out.write(buffer, 0, length);
        }
        int next = bytes.length - inflater.getRemaining();
        count = 0;
        state = gzip ? State.TRAILER : State.BEHIND;
        return next;
    }

    private int frame(byte[] bytes, int at) throws DataFormatException {
        int b = bytes[at] & 0xff;
        switch (state) {
            case HEADER -> {
                if (member && (count == 0 && b != 0x1f || count == 1 && b != 0x8b)) {
                    state = State.BEHIND; // no further member
                    return bytes.length;
                }
                header[count++] = (byte) b;
                if (count == GZIP_HEADER) {
                    header();
                }
            }
            case EXTRA_LENGTH -> {
                extra |= b << 8 * count++;
                if (count == 2) {
                    count = 0;
                    state = State.EXTRA;
                    if (extra == 0) {
                        afterExtra();
                    }
                }
            }
            case EXTRA -> {
                if (++count == extra) {
                    afterExtra();
                }
            }
            case NAME -> {
                if (b == 0) {
                    afterName();
                }
            }
            case COMMENT -> {
                if (b == 0) {
                    afterComment();
                }
            }
            case HEADER_CHECK -> {
                if (++count == 2) {
                    data();
                }
            }
            case TRAILER -> {
                if (++count == GZIP_TRAILER) {
                    member = true;
                    count = 0;
                    state = State.HEADER;
                }
            }
            case ZLIB_HEADER -> {
                return zlibHeader(bytes, at);
            }
            default -> throw new IllegalStateException("no frame in " + state);
        }
        return at + 1;
    }

    private void header() throws DataFormatException {
        if (header[0] != 0x1f || (header[1] & 0xff) != 0x8b || header[2] != 8 || (header[3] & 0xe0) != 0) {
            throw new DataFormatException("it is no gzip");
        }
        count = 0;
        extra = 0;
        if ((header[3] & HAS_EXTRA) != 0) {
            state = State.EXTRA_LENGTH;
        } else {
            afterExtra();
        }
    }

    private void afterExtra() {
        count = 0;
        if ((header[3] & HAS_NAME) != 0) {
            state = State.NAME;
        } else {
            afterName();
        }
    }

    private void afterName() {
        if ((header[3] & HAS_COMMENT) != 0) {
            state = State.COMMENT;
        } else {
            afterComment();
        }
    }

    private void afterComment() {
        count = 0;
        if ((header[3] & HAS_CHECK) != 0) {
            state = State.HEADER_CHECK;
        } else {
            data();
        }
    }

    private void data() {
        inflater.reset();
        state = State.DATA;
    }

    /** Both meanings of {@code deflate} are sent: two bytes tell a zlib header from bare data (RFC 1950, section 2.2). */
    private int zlibHeader(byte[] bytes, int at) throws DataFormatException {
        header[count++] = bytes[at];
        if (count < 2) {
            return at + 1;
        }
        int both = (header[0] & 0xff) << 8 | header[1] & 0xff;
        boolean zlib = (header[0] & 0xf) == 8 && both % 31 == 0;
        inflater.end();
        inflater = new Inflater(!zlib);
        state = State.DATA;
        inflate(new byte[] {header[0], header[1]}, 0); // the first may have come with the piece before
        return at + 1;
    }

    @Override
    public void close() {
        inflater.end();
        state = State.BEHIND;
    }
}
