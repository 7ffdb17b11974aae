package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.KeyText;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.security.SecureRandom;
import java.util.Arrays;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/**
 * An Ed25519 private key with a name, kept as its 32-byte seed so that it can be wiped.
 *
 * <p>Its text form is the one that Go's {@code note} package uses: {@code PRIVATE+KEY+name+hhhhhhhh+base64(0x01 || seed)}.
 * What holds: {@link #destroy} leaves no copy in this object, and {@code toString} shows the public half only. What does
 * not: the virtual machine may have copied the array before.
 */
final class SigningKey implements LogSigner {

    private static final String PREFIX = "PRIVATE+KEY+";

    private final byte[] seed;
    private final VerifierKey verifier;

    private SigningKey(String name, byte[] seed) {
        byte[] publicKey = new byte[Ed25519.PUBLIC_KEY_SIZE];
        Ed25519.generatePublicKey(seed, 0, publicKey, 0);
        this.seed = seed;
        this.verifier = new VerifierKey(name, publicKey);
    }

    static SigningKey generate(String name, SecureRandom random) {
        byte[] seed = new byte[Ed25519.SECRET_KEY_SIZE];
        random.nextBytes(seed);
        return new SigningKey(name, seed);
    }

    /** Reads the text form; the message of the error never repeats it. */
    static SigningKey parse(String text) {
        if (!text.startsWith(PREFIX)) {
            throw new IllegalArgumentException("expected a private key: PRIVATE+KEY+name+8 hex digits+base64");
        }
        KeyText read = KeyText.parse(text.substring(PREFIX.length()));
        if (read.type() != VerifierKey.ED25519 || read.key().length != Ed25519.SECRET_KEY_SIZE) {
            throw new IllegalArgumentException("expected a private key of type Ed25519 (0x01)");
        }
        SigningKey key = new SigningKey(read.name(), read.key());
        if (!read.id().equals(Hex.text(key.verifier.id()))) {
            throw new IllegalArgumentException("the private key's ID is not that of its name and key");
        }
        return key;
    }

    @Override
    public VerifierKey verifier() {
        return verifier;
    }

    @Override
    public SignedNote.Signature sign(byte[] text) {
        byte[] signature = new byte[Ed25519.SIGNATURE_SIZE];
        Ed25519.sign(seed, 0, verifier.publicKey(), 0, text, 0, text.length, signature, 0);
        return verifier.line(signature);
    }

    @Override
    public void destroy() {
        Arrays.fill(seed, (byte) 0);
    }

    /** The text form, for the signer file only. */
    String export() {
        return PREFIX + new KeyText(verifier.name(), Hex.text(verifier.id()), VerifierKey.ED25519, seed).text();
    }

    @Override
    public String toString() {
        return "signing key of " + verifier;
    }
}
