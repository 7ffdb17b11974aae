package dev.secureruntime.core.audit.format;

import java.util.Arrays;
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
        this.id = KeyText.id(name, ED25519, publicKey);
        this.point = decoded;
    }

    /** Reads the text form; throws {@link IllegalArgumentException} for anything that is not exactly one. */
    public static VerifierKey parse(String text) {
        KeyText read = KeyText.parse(text);
        if (read.type() != ED25519) {
            throw new IllegalArgumentException("expected a verifier key of type Ed25519 (0x01)");
        }
        VerifierKey key = new VerifierKey(read.name(), read.key());
        if (!read.id().equals(Hex.text(key.id))) {
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
        return new KeyText(name, Hex.text(id), ED25519, publicKey).text();
    }
}
