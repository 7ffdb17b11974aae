package dev.secureruntime.core.audit.format;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/**
 * What a signed note says about the log (C2SP tlog-checkpoint), with one extension line:
 *
 * <pre>
 *   origin LF
 *   tree size, decimal LF
 *   base64(RFC 6962 root hash over the first size records) LF
 *   prev SP 64 hex digits LF       SHA-256 of the signed text of the checkpoint before; zeros for the first
 * </pre>
 *
 * <p>The extension chains the checkpoints, so that one that is dropped from their middle is missed. The parser is strict:
 * what it accepts prints back to the same bytes. Immutable.
 */
public final class Checkpoint {

    private static final String PREVIOUS = "prev ";

    private final String origin;
    private final long size;
    private final byte[] root;
    private final byte[] previous;

    public Checkpoint(String origin, long size, byte[] root, byte[] previous) {
        this.origin = origin;
        this.size = size;
        this.root = root.clone();
        this.previous = previous.clone();
    }

    /** Reads a note's text; throws {@link IllegalArgumentException} for anything that is not exactly a checkpoint. */
    public static Checkpoint parse(byte[] text) {
        String[] lines = new String(text, StandardCharsets.UTF_8).split("\n", -1);
        if (lines.length != 5 || !lines[4].isEmpty() || !lines[3].startsWith(PREVIOUS)) {
            throw new IllegalArgumentException("expected the lines: origin, size, root hash, \"prev \" and a hash");
        }
        long size = size(lines[1]);
        if (size < 0) {
            throw new IllegalArgumentException("expected a size from 0 to 2^63-1, in digits");
        }
        byte[] root = Base64.getDecoder().decode(lines[2]);
        byte[] previous = HexFormat.of().parseHex(lines[3].substring(PREVIOUS.length()));
        if (root.length != TreeHasher.BYTES || previous.length != TreeHasher.BYTES) {
            throw new IllegalArgumentException("expected hashes of 32 bytes");
        }
        Checkpoint checkpoint = new Checkpoint(lines[0], size, root, previous);
        if (!VerifierKey.isName(checkpoint.origin) || !Arrays.equals(checkpoint.text(), text)) {
            throw new IllegalArgumentException("the checkpoint is not in canonical form");
        }
        return checkpoint;
    }

    /** A decimal number; negative when it is none below 2^63. */
    private static long size(String digits) {
        if (!digits.matches("0|[1-9][0-9]{0,18}")) {
            return -1;
        }
        long size = Long.parseUnsignedLong(digits); // 19 digits are below 2^64
        return size < 0 ? -1 : size;
    }

    /**
     * What the first three lines of any C2SP checkpoint say, whatever extension lines follow.
     *
     * @param size unsigned
     */
    public record Head(String origin, long size, byte[] root) {

        /** Reads a note's text; throws {@link IllegalArgumentException} for anything that is not a C2SP tlog-checkpoint. */
        public static Head parse(byte[] text) {
            List<String> lines = List.of(new String(text, StandardCharsets.UTF_8).split("\n", -1));
            int last = lines.size() - 1;
            if (last < 3 || lines.indexOf("") != last) {
                throw new IllegalArgumentException(
                        "expected the lines: origin, size, root hash, and none that is empty");
            }
            long size = unsigned(lines.get(1));
            byte[] root = Base64.getDecoder().decode(lines.get(2));
            if (root.length != TreeHasher.BYTES
                    || !Base64.getEncoder().encodeToString(root).equals(lines.get(2))) {
                throw new IllegalArgumentException("expected a hash of 32 bytes");
            }
            return new Head(lines.get(0), size, root);
        }

        private static long unsigned(String digits) {
            try {
                if (digits.matches("0|[1-9][0-9]{0,19}")) {
                    return Long.parseUnsignedLong(digits);
                }
            } catch (NumberFormatException e) {
                // Twenty digits, and beyond 64 bits.
            }
            throw new IllegalArgumentException("expected a size from 0 to 2^64-1, in digits");
        }
    }

    /**
     * Whether an interrupted write can have left these bytes of a note that starts so: its beginning, then zeros where a block
     * of the file was not written.
     */
    public static boolean isInterrupted(byte[] rest, byte[] start) {
        int written = 0;
        while (written < rest.length && written < start.length && rest[written] == start[written]) {
            written++;
        }
        for (int i = written; i < rest.length; i++) {
            if (rest[i] != 0) {
                return false;
            }
        }
        return true;
    }

    public String origin() {
        return origin;
    }

    public long size() {
        return size;
    }

    public byte[] root() {
        return root.clone();
    }

    public byte[] previous() {
        return previous.clone();
    }

    /** The text that is signed. */
    public byte[] text() {
        return (origin + "\n" + size + "\n" + Base64.getEncoder().encodeToString(root) + "\n" + PREVIOUS
                        + Hex.text(previous) + "\n")
                .getBytes(StandardCharsets.UTF_8);
    }
}
