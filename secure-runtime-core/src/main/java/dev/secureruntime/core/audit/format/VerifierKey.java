package dev.secureruntime.core.audit.format;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/**
 * A public key with a name, in the text form of C2SP signed-note:
 *
 * <pre>
 *   name+hhhhhhhh+base64(0x01 || 32 bytes of Ed25519 public key)
 *        key ID: the first four bytes of SHA-256(name || 0x0A || 0x01 || public key)
 * </pre>
 *
 * <p>Immutable and thread-safe.
 */
public final class VerifierKey {

    public static final byte ED25519 = 1;

    private final String name;
    private final byte[] publicKey;
    private final byte[] id;
    private final Ed25519.PublicPoint point;

    public VerifierKey(String name, byte[] publicKey) {
        if (!isName(name)) {
            throw new IllegalArgumentException("a key's name has no white space and no '+', and is not empty");
        }
        Ed25519.PublicPoint decoded =
                publicKey.length == Ed25519.PUBLIC_KEY_SIZE ? Ed25519.validatePublicKeyFullExport(publicKey, 0) : null;
        if (decoded == null) {
            throw new IllegalArgumentException("not an Ed25519 public key");
        }
        this.name = name;
        this.publicKey = publicKey.clone();
        this.id = keyId(name, publicKey);
        this.point = decoded;
    }

    /** Reads the text form; throws {@link IllegalArgumentException} for anything that is not exactly one. */
    public static VerifierKey parse(String text) {
        int first = text.indexOf('+');
        int second = text.indexOf('+', first + 1);
        if (first < 0 || second < 0) {
            throw new IllegalArgumentException("expected a verifier key: name+8 hex digits+base64");
        }
        byte[] data = Base64.getDecoder().decode(text.substring(second + 1));
        if (data.length != 1 + Ed25519.PUBLIC_KEY_SIZE || data[0] != ED25519) {
            throw new IllegalArgumentException("expected a verifier key of type Ed25519 (0x01)");
        }
        VerifierKey key = new VerifierKey(text.substring(0, first), Arrays.copyOfRange(data, 1, data.length));
        if (!key.toString().equals(text)) {
            throw new IllegalArgumentException("the verifier key's ID is not that of its name and key");
        }
        return key;
    }

    static boolean isName(String name) {
        return !name.isEmpty()
                && name.chars()
                        .noneMatch(c -> c == '+'
                                || c <= ' '
                                || c == 0x7f
                                || Character.isWhitespace(c)
                                || Character.isSpaceChar(c)
                                || Character.isSurrogate((char) c));
    }

    private static byte[] keyId(String name, byte[] publicKey) {
        var sha256 = TreeHasher.sha256();
        sha256.update(name.getBytes(StandardCharsets.UTF_8));
        sha256.update((byte) '\n');
        sha256.update(ED25519);
        sha256.update(publicKey);
        return Arrays.copyOf(sha256.digest(), 4);
    }

    public String name() {
        return name;
    }

    public byte[] id() {
        return id.clone();
    }

    public byte[] publicKey() {
        return publicKey.clone();
    }

    /** The signature line of bytes that are said to be this key's signature. */
    public SignedNote.Signature line(byte[] signature) {
        byte[] bytes = Arrays.copyOf(id, id.length + signature.length);
        System.arraycopy(signature, 0, bytes, id.length, signature.length);
        return new SignedNote.Signature(name, bytes);
    }

    /** Whether {@code signature} is this key's, under this key's name and ID, over {@code text}. */
    public boolean signed(byte[] text, SignedNote.Signature signature) {
        byte[] bytes = signature.bytes();
        return signature.name().equals(name)
                && bytes.length == id.length + Ed25519.SIGNATURE_SIZE
                && Arrays.equals(bytes, 0, id.length, id, 0, id.length)
                && Ed25519.verify(bytes, id.length, point, text, 0, text.length);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VerifierKey key && key.name.equals(name) && Arrays.equals(key.publicKey, publicKey);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(publicKey);
    }

    /** The text form. */
    @Override
    public String toString() {
        byte[] data = new byte[1 + publicKey.length];
        data[0] = ED25519;
        System.arraycopy(publicKey, 0, data, 1, publicKey.length);
        return name + "+" + Hex.text(id) + "+" + Base64.getEncoder().encodeToString(data);
    }
}
