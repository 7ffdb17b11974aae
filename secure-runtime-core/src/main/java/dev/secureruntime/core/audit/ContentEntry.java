package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.TreeHasher;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * One sealed value as it stands in a file of the content store:
 *
 * <pre>
 *   4   the number of bytes that follow, big-endian
 *   16  key id, random
 *   32  commitment, the bytes of its SHA-256
 *   1   the number of bytes of the field's name
 *   n   the name, ASCII
 *   m   AES-256-GCM of salt (16) || value, with its tag (16)
 * </pre>
 *
 * <p>The cipher's context is {@code secure-runtime-content/1} 0x00 origin 0x00 key id, commitment, name: a ciphertext that is
 * moved to another record, field or log opens nothing. The parser is strict about lengths. Immutable.
 */
record ContentEntry(String keyId, String commitment, String name, byte[] sealed) {

    static final String FORMAT = "secure-runtime-content/1";
    static final int ID_BYTES = 16;
    static final int SALT_BYTES = 16;
    static final int MAX_VALUE = 16 << 20;

    private static final int FIXED = ID_BYTES + TreeHasher.BYTES + 1;
    private static final int LEAST = FIXED + 1 + SALT_BYTES + ContentCipher.TAG_BYTES;
    private static final int MOST = FIXED + 255 + SALT_BYTES + MAX_VALUE + ContentCipher.TAG_BYTES;
    private static final HexFormat HEX = HexFormat.of();

    /** The salt and the value. */
    record Opened(byte[] salt, byte[] value) {

        @Override
        public String toString() {
            return "Opened[" + value.length + " bytes]";
        }
    }

    static ContentEntry seal(ContentKey key, String origin, String commitment, String name, byte[] salt, byte[] value) {
        byte[] plaintext = Arrays.copyOf(salt, SALT_BYTES + value.length);
        System.arraycopy(value, 0, plaintext, SALT_BYTES, value.length);
        byte[] sealed = ContentCipher.seal(key.bytes(), context(origin, key.id(), commitment, name), plaintext);
        Arrays.fill(plaintext, (byte) 0);
        return new ContentEntry(key.id(), commitment, name, sealed);
    }

    /** The salt and the value; null when key, origin and entry don't belong together. */
    @Nullable
    Opened open(ContentKey key, String origin) {
        byte[] plaintext = ContentCipher.open(key.bytes(), context(origin, keyId, commitment, name), sealed);
        if (plaintext == null || plaintext.length < SALT_BYTES) {
            return null;
        }
        Opened opened = new Opened(
                Arrays.copyOf(plaintext, SALT_BYTES), Arrays.copyOfRange(plaintext, SALT_BYTES, plaintext.length));
        Arrays.fill(plaintext, (byte) 0);
        return opened;
    }

    private static byte[] context(String origin, String keyId, String commitment, String name) {
        // Lengths are fixed but for origin and name: the one has no zero byte and stands in front of one, the other is
        // last.
        String text = FORMAT + '\0' + origin + '\0' + keyId + commitment + name;
        return text.getBytes(StandardCharsets.UTF_8);
    }

    byte[] bytes() {
        byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
        int length = FIXED + ascii.length + sealed.length;
        return ByteBuffer.allocate(Integer.BYTES + length)
                .putInt(length)
                .put(HEX.parseHex(keyId))
                .put(HEX.parseHex(commitment))
                .put((byte) ascii.length)
                .put(ascii)
                .put(sealed)
                .array();
    }

    /** The number of bytes behind the length; -1 when no entry is that long. */
    static int length(int written) {
        return written < LEAST || written > MOST ? -1 : written;
    }

    /** Reads what follows the length; null when it is no entry. */
    static @Nullable ContentEntry parse(byte[] bytes) {
        if (length(bytes.length) < 0) {
            return null;
        }
        int nameBytes = bytes[FIXED - 1] & 0xff;
        int sealedFrom = FIXED + nameBytes;
        if (nameBytes == 0 || bytes.length - sealedFrom < SALT_BYTES + ContentCipher.TAG_BYTES) {
            return null;
        }
        for (int i = FIXED; i < sealedFrom; i++) {
            if (bytes[i] <= ' ' || bytes[i] > '~') {
                return null;
            }
        }
        return new ContentEntry(
                HEX.formatHex(bytes, 0, ID_BYTES),
                HEX.formatHex(bytes, ID_BYTES, FIXED - 1),
                new String(bytes, FIXED, nameBytes, StandardCharsets.US_ASCII),
                Arrays.copyOfRange(bytes, sealedFrom, bytes.length));
    }
}
