package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.KeyText;
import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.SignedNote;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Arrays;
import org.bouncycastle.crypto.CryptoException;
import org.bouncycastle.crypto.params.MLDSAParameters;
import org.bouncycastle.crypto.params.MLDSAPrivateKeyParameters;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.signers.MLDSASigner;

/**
 * An ML-DSA-44 private key with a name, kept as the 32-byte seed of FIPS 204. Text form: {@code
 * PRIVATE+KEY+name+hhhhhhhh+base64(0x06 || seed)}.
 *
 * <p>Signing is hedged with fresh randomness. {@code toString} shows the public half only. Not thread-safe.
 */
final class MlDsaSigningKey {

    private static final String PREFIX = "PRIVATE+KEY+";
    private static final int SEED_BYTES = 32;

    /** No statement is made about time. */
    private static final long TIME = 0;

    private final byte[] seed;
    private final MLDSAPrivateKeyParameters key;
    private final MlDsaKey verifier;
    private final SecureRandom random;

    private MlDsaSigningKey(String name, byte[] seed, SecureRandom random) {
        this.seed = seed;
        this.key = new MLDSAPrivateKeyParameters(MLDSAParameters.ml_dsa_44, seed);
        this.verifier = new MlDsaKey(name, key.getPublicKey());
        this.random = random;
    }

    static MlDsaSigningKey generate(String name, SecureRandom random) {
        byte[] seed = new byte[SEED_BYTES];
        random.nextBytes(seed);
        return new MlDsaSigningKey(name, seed, random);
    }

    /** Reads the text form; the message of the error never repeats it. */
    static MlDsaSigningKey parse(String text) {
        if (!text.startsWith(PREFIX)) {
            throw new IllegalArgumentException("expected a private key: PRIVATE+KEY+name+8 hex digits+base64");
        }
        KeyText read = KeyText.parse(text.substring(PREFIX.length()));
        if (read.type() != MlDsaKey.TYPE || read.key().length != SEED_BYTES) {
            throw new IllegalArgumentException("expected a private key of type ML-DSA-44 (0x06)");
        }
        MlDsaSigningKey key = new MlDsaSigningKey(read.name(), read.key(), new SecureRandom());
        if (!read.id().equals(Hex.text(key.verifier.id()))) {
            throw new IllegalArgumentException("the private key's ID is not that of its name and key");
        }
        return key;
    }

    MlDsaKey verifier() {
        return verifier;
    }

    SignedNote.Signature sign(Checkpoint checkpoint) throws IOException {
        byte[] message = verifier.message(TIME, checkpoint);
        MLDSASigner signer = new MLDSASigner();
        signer.init(true, new ParametersWithRandom(key, random));
        signer.update(message, 0, message.length);
        try {
            return verifier.line(TIME, signer.generateSignature());
        } catch (CryptoException e) {
            throw new IOException("the ML-DSA signature could not be made", e);
        }
    }

    void destroy() {
        Arrays.fill(seed, (byte) 0);
        key.destroy();
    }

    /** The text form, for the signer file only. */
    String export() {
        return PREFIX + new KeyText(verifier.name(), Hex.text(verifier.id()), MlDsaKey.TYPE, seed).text();
    }

    @Override
    public String toString() {
        return "signing key of " + verifier;
    }
}
