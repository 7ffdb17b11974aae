package dev.secureruntime.core.audit.format;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/**
 * The public key of a witness, for C2SP tlog-cosignature v1 (Ed25519, signature type 0x04):
 *
 * <pre>
 *   name+hhhhhhhh+base64(0x04 || 32 bytes of Ed25519 public key)
 *        key ID: the first four bytes of SHA-256(name || 0x0A || 0x04 || public key)
 *   signature: key ID || 8 bytes POSIX time, big-endian || Ed25519 over
 *        "cosignature/v1" LF "time " decimal LF || the checkpoint's signed text
 * </pre>
 *
 * <p>Immutable and thread-safe.
 */
public final class WitnessKey {

    private static final byte COSIGNATURE = 4;
    private static final int ID = 4;
    private static final int BYTES = ID + Long.BYTES + Ed25519.SIGNATURE_SIZE;

    private final String name;
    private final byte[] id;
    private final Ed25519.PublicPoint point;

    private WitnessKey(String name, byte[] id, Ed25519.PublicPoint point) {
        this.name = name;
        this.id = id;
        this.point = point;
    }

    /** Reads the text form; throws {@link IllegalArgumentException} for anything that is not exactly one. */
    public static WitnessKey parse(String text) {
        KeyText read = KeyText.parse(text);
        byte[] key = read.key();
        if (read.type() != COSIGNATURE || key.length != Ed25519.PUBLIC_KEY_SIZE) {
            throw new IllegalArgumentException("expected a verifier key of type Ed25519 cosignature (0x04)");
        }
        Ed25519.PublicPoint point = Ed25519.validatePublicKeyFullExport(key, 0);
        if (point == null) {
            throw new IllegalArgumentException("not an Ed25519 public key");
        }
        byte[] id = KeyText.id(read.name(), COSIGNATURE, key);
        if (!read.id().equals(Hex.text(id))) {
            throw new IllegalArgumentException("the verifier key's ID is not that of its name and key");
        }
        return new WitnessKey(read.name(), id, point);
    }

    public String name() {
        return name;
    }

    /** Whether a signature claims to be this key's: its name and ID. */
    public boolean isNamedBy(SignedNote.Signature signature) {
        byte[] bytes = signature.bytes();
        return signature.name().equals(name) && bytes.length >= ID && Arrays.equals(bytes, 0, ID, id, 0, ID);
    }

    /** The time of a valid cosignature over a checkpoint's signed text, in seconds from 1970; empty when it isn't valid. */
    public OptionalLong cosigned(byte[] text, SignedNote.Signature signature) {
        byte[] bytes = signature.bytes();
        if (!isNamedBy(signature) || bytes.length != BYTES) {
            return OptionalLong.empty();
        }
        long time = ByteBuffer.wrap(bytes).getLong(ID);
        byte[] head = ("cosignature/v1\ntime " + time + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] message = Arrays.copyOf(head, head.length + text.length);
        System.arraycopy(text, 0, message, head.length, text.length);
        boolean valid = time >= 0 && Ed25519.verify(bytes, ID + Long.BYTES, point, message, 0, message.length);
        return valid ? OptionalLong.of(time) : OptionalLong.empty();
    }

    @Override
    public String toString() {
        return name + "+" + Hex.text(id);
    }
}
