package dev.secureruntime.core.audit.format;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

/**
 * The text that C2SP signed-note gives a key: {@code name+hhhhhhhh+base64(type || key)}, with the key ID in the middle.
 */
public record KeyText(String name, String id, byte type, byte[] key) {

    /** Reads the text; throws {@link IllegalArgumentException}, whose message never repeats it. */
    public static KeyText parse(String text) {
        int first = text.indexOf('+');
        int second = text.indexOf('+', first + 1);
        if (first < 0 || second < 0) {
            throw new IllegalArgumentException("expected a key: name+8 hex digits+base64");
        }
        byte[] data = decode(text.substring(second + 1));
        KeyText key = new KeyText(
                text.substring(0, first),
                text.substring(first + 1, second),
                data.length == 0 ? 0 : data[0],
                Arrays.copyOfRange(data, Math.min(1, data.length), data.length));
        boolean canonical = key.text().equals(text);
        Arrays.fill(data, (byte) 0);
        if (!VerifierKey.isName(key.name) || !canonical) {
            throw new IllegalArgumentException("expected a key: name+8 hex digits+base64");
        }
        return key;
    }

    private static byte[] decode(String base64) {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            // Not handed on: the decoder's message repeats characters, and the text may be a private key's.
            throw new IllegalArgumentException("expected a key: name+8 hex digits+base64");
        }
    }

    /** The first four bytes of SHA-256(name || 0x0A || type || public key). */
    static byte[] id(String name, byte type, byte[] publicKey) {
        var sha256 = TreeHasher.sha256();
        sha256.update(name.getBytes(StandardCharsets.UTF_8));
        sha256.update((byte) '\n');
        sha256.update(type);
        sha256.update(publicKey);
        return Arrays.copyOf(sha256.digest(), 4);
    }

    /** The text; of a private key, for the signer file only. */
    public String text() {
        byte[] data = new byte[1 + key.length];
        data[0] = type;
        System.arraycopy(key, 0, data, 1, key.length);
        return name + "+" + id + "+" + Base64.getEncoder().encodeToString(data);
    }
}
