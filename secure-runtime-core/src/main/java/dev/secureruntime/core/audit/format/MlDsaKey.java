package dev.secureruntime.core.audit.format;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.bouncycastle.crypto.params.MLDSAParameters;
import org.bouncycastle.crypto.params.MLDSAPublicKeyParameters;
import org.bouncycastle.crypto.signers.MLDSASigner;

/**
 * An ML-DSA-44 public key (FIPS 204) with a name, which cosigns checkpoints as C2SP tlog-cosignature says:
 *
 * <pre>
 *   name+hhhhhhhh+base64(0x06 || 1,312 bytes of public key)
 *
 *   signature line:  key ID (4) || time (8) || signature (2,420)
 *   signed message:  "subtree/v1" 0x0A 0x00      12 bytes
 *                    length (1) || key's name
 *                    time (8)                    seconds since 1970; ours is 0: no statement about time
 *                    length (1) || origin
 *                    start (8), 0                of the leaves
 *                    size (8)
 *                    root hash (32)
 * </pre>
 *
 * <p>What holds: origin, size and root are signed. What does not: the line {@code prev} and other extension lines are not.
 * Immutable and thread-safe.
 */
public final class MlDsaKey {

    public static final byte TYPE = 6;
    public static final int PUBLIC_BYTES = 1_312;
    static final int SIGNATURE_BYTES = 2_420;

    private static final byte[] LABEL = "subtree/v1\n\0".getBytes(StandardCharsets.US_ASCII);
    private static final int ID_BYTES = 4;
    private static final int LONGEST_NAME = 255;

    private final String name;
    private final byte[] publicKey;
    private final byte[] id;

    public MlDsaKey(String name, byte[] publicKey) {
        if (!VerifierKey.isName(name) || utf8(name).length > LONGEST_NAME || publicKey.length != PUBLIC_BYTES) {
            throw new IllegalArgumentException("not an ML-DSA-44 public key with a name of at most 255 bytes");
        }
        this.name = name;
        this.publicKey = publicKey.clone();
        this.id = KeyText.id(name, TYPE, publicKey);
    }

    /** Reads the text form; throws {@link IllegalArgumentException} for anything that is not exactly one. */
    public static MlDsaKey parse(String text) {
        KeyText read = KeyText.parse(text);
        if (read.type() != TYPE) {
            throw new IllegalArgumentException("expected a verifier key of type ML-DSA-44 (0x06)");
        }
        MlDsaKey key = new MlDsaKey(read.name(), read.key());
        if (!read.id().equals(Hex.text(key.id))) {
            throw new IllegalArgumentException("the verifier key's ID is not that of its name and key");
        }
        return key;
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

    /** What is signed. */
    public byte[] message(long time, Checkpoint checkpoint) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.write(LABEL);
            writeName(out, name);
            out.writeLong(time);
            writeName(out, checkpoint.origin());
            out.writeLong(0);
            out.writeLong(checkpoint.size());
            out.write(checkpoint.root());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static void writeName(DataOutputStream out, String text) throws IOException {
        byte[] bytes = utf8(text);
        if (bytes.length > LONGEST_NAME) {
            throw new IllegalArgumentException("an ML-DSA cosignature is over names of at most 255 bytes");
        }
        out.writeByte(bytes.length);
        out.write(bytes);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The signature line. */
    public SignedNote.Signature line(long time, byte[] signature) {
        byte[] bytes = ByteBuffer.allocate(ID_BYTES + Long.BYTES + signature.length)
                .put(id)
                .putLong(time)
                .put(signature)
                .array();
        return new SignedNote.Signature(name, bytes);
    }

    /** Whether {@code signature} is this key's, under this key's name and ID, over the checkpoint. */
    public boolean signed(Checkpoint checkpoint, SignedNote.Signature signature) {
        byte[] bytes = signature.bytes();
        if (!signature.name().equals(name)
                || bytes.length != ID_BYTES + Long.BYTES + SIGNATURE_BYTES
                || !Arrays.equals(bytes, 0, ID_BYTES, id, 0, ID_BYTES)) {
            return false;
        }
        long time = ByteBuffer.wrap(bytes).getLong(ID_BYTES);
        if (time < 0) {
            return false;
        }
        byte[] message = message(time, checkpoint);
        MLDSASigner verifier = new MLDSASigner();
        verifier.init(false, new MLDSAPublicKeyParameters(MLDSAParameters.ml_dsa_44, publicKey));
        verifier.update(message, 0, message.length);
        return verifier.verifySignature(Arrays.copyOfRange(bytes, ID_BYTES + Long.BYTES, bytes.length));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MlDsaKey key && key.name.equals(name) && Arrays.equals(key.publicKey, publicKey);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(publicKey);
    }

    /** The text form. */
    @Override
    public String toString() {
        return new KeyText(name, Hex.text(id), TYPE, publicKey).text();
    }
}
