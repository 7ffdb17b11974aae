package dev.secureruntime.core.jdkhttp;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * How long the body of a request in the clear is, as its head says (RFC 9112, section 6): so many bytes, or chunks.
 */
final class PlainBody {

    private static final int MAX_LINE = 256;

    private final boolean chunked;
    private final long length;

    private PlainBody(boolean chunked, long length) {
        this.chunked = chunked;
        this.length = length;
    }

    static PlainBody of(RelayedHead head) throws IOException {
        String coding = head.value("Transfer-Encoding");
        String length = head.value("Content-Length");
        if (!coding.isEmpty()) {
            if (!coding.equalsIgnoreCase("chunked") || !length.isEmpty()) {
                throw new IOException("a body whose length can't be told");
            }
            return new PlainBody(true, 0);
        }
        if (!length.isEmpty() && !length.matches("[0-9]{1,18}")) {
            throw new IOException("a body whose length can't be told");
        }
        return new PlainBody(false, length.isEmpty() ? 0 : Long.parseLong(length));
    }

    /** Copies the body, and nothing behind it. */
    void copy(InputStream in, OutputStream out) throws IOException {
        if (!chunked) {
            copy(in, out, length);
            return;
        }
        while (true) {
            String size = line(in);
            out.write((size + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            if (!size.matches("[0-9a-fA-F]{1,8}")) {
                throw new IOException("no chunk");
            }
            long bytes = Long.parseLong(size, 16);
            copy(in, out, bytes);
            String end = line(in);
            if (!end.isEmpty()) {
                throw new IOException("no end of a chunk");
            }
            out.write(new byte[] {'\r', '\n'});
            if (bytes == 0) {
                return;
            }
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0 || line.length() > MAX_LINE) {
                throw new EOFException("no end of a line");
            }
            line.append((char) c);
        }
        int last = line.length() - 1;
        if (last < 0 || line.charAt(last) != '\r') {
            throw new IOException("no end of a line");
        }
        line.setLength(last);
        return line.toString();
    }

    private static void copy(InputStream in, OutputStream out, long bytes) throws IOException {
        byte[] chunk = new byte[16 * 1024];
        for (long left = bytes; left > 0; ) {
            int read = in.read(chunk, 0, (int) Math.min(left, chunk.length));
            if (read < 0) {
                throw new EOFException("the body ended early");
            }
            out.write(chunk, 0, read);
            left -= read;
        }
    }
}
