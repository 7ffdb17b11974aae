package dev.secureruntime.audit;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * What the log holds instead of content: its size, and a salted hash that binds it.
 *
 * <p>The hash is SHA-256(salt || name || 0x00 || value) with a random salt of 128 bits. What holds: without the salt, a
 * short or guessable value can't be found by trying; with salt and value, anyone can check that this value and no other
 * was recorded. What does not: the size is in the clear.
 *
 * @param bytes the value's size in bytes
 * @param sha256 the commitment, lower-case hexadecimal
 */
public record Commitment(long bytes, String sha256) {

    /** Commits to {@code value} under the field's name with a salt that is then forgotten. */
    public static Commitment to(String name, byte[] value) {
        Digest digest = digest(name);
        digest.update(value, 0, value.length);
        return digest.commitment();
    }

    /** Starts a commitment to a value that passes by in pieces. */
    public static Digest digest(String name) {
        return new Digest(name, salt(), -1);
    }

    /**
     * Starts a commitment that can be opened later: it keeps its salt, and the value as long as that has at most {@code keep}
     * bytes.
     */
    public static Digest digest(String name, int keep) {
        Opening.requireName(name);
        return new Digest(name, salt(), keep);
    }

    private static byte[] salt() {
        return Salts.next();
    }

    /** Random bytes, taken from the source for some salts at a time; what was given out is overwritten here. */
    private static final class Salts {

        private static final SecureRandom RANDOM = new SecureRandom();
        private static final byte[] AHEAD = new byte[64 * Opening.SALT_BYTES];
        private static int used = AHEAD.length;

        static synchronized byte[] next() {
            if (used == AHEAD.length) {
                RANDOM.nextBytes(AHEAD);
                used = 0;
            }
            byte[] salt = Arrays.copyOfRange(AHEAD, used, used + Opening.SALT_BYTES);
            Arrays.fill(AHEAD, used, used + Opening.SALT_BYTES, (byte) 0);
            used += Opening.SALT_BYTES;
            return salt;
        }
    }

    /** A commitment in the making. Not thread-safe. */
    public static final class Digest {

        private final MessageDigest sha256;
        private final String name;
        private final byte[] salt;
        private final int keep;
        private @Nullable ByteArrayOutputStream kept;
        private long bytes;

        Digest(String name, byte[] salt, int keep) {
            this.name = name;
            this.salt = salt;
            this.keep = keep;
            this.kept = keep < 0 ? null : new ByteArrayOutputStream(Math.min(keep, 1_024));
            try {
                sha256 = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
            sha256.update(salt);
            sha256.update(name.getBytes(StandardCharsets.UTF_8));
            sha256.update((byte) 0);
        }

        /** Adds a piece. */
        public void update(byte[] buffer, int offset, int length) {
            sha256.update(buffer, offset, length);
            bytes += length;
            if (kept != null) {
                if (bytes > keep) {
                    kept = null;
                } else {
                    kept.write(buffer, offset, length);
                }
            }
        }

        /** The number of bytes so far. */
        public long bytes() {
            return bytes;
        }

        /** The commitment to all pieces; to be called once, last. */
        public Commitment commitment() {
            return new Commitment(bytes, HexFormat.of().formatHex(sha256.digest()));
        }

        /** Whether the value is kept for {@link #opening}, as far as it isn't too long. */
        public boolean canBeOpened() {
            return keep >= 0;
        }

        /** The commitment with what opens it; to be called once, last, instead of {@link #commitment}. */
        public Opening opening(@Nullable String subject) {
            return new Opening(name, subject, commitment(), salt, kept == null ? null : kept.toByteArray());
        }
    }
}
