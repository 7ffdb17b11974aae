package dev.secureruntime.core.audit;

import dev.secureruntime.audit.LogKey;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Signature;
import java.util.Arrays;

/**
 * A log key that is used through a JCA provider: {@code Signature.getInstance("Ed25519", provider)}.
 *
 * <p>What holds: the private key is only handed to that provider, never read, so a provider whose keys stay in their device
 * works. What does not: the JDK's own PKCS#11 provider has no Ed25519 in JDK 17 to 25 ({@link CommandLogKey} reaches such
 * devices); and with a key of a software provider the key is in this process's memory.
 *
 * <p>As thread-safe as the provider; the log uses it from one thread at a time. Source: RFC 8410 for public keys.
 */
public final class JcaLogKey implements LogKey {

    private static final String ALGORITHM = "Ed25519";

    /** The head of the SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, section 4). */
    private static final byte[] HEAD = {0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0};

    private static final int KEY_BYTES = 32;

    private final PrivateKey privateKey;
    private final byte[] publicKey;
    private final Provider provider;

    private JcaLogKey(PrivateKey privateKey, byte[] publicKey, Provider provider) {
        this.privateKey = privateKey;
        this.publicKey = publicKey;
        this.provider = provider;
    }

    /**
     * A key pair of a provider.
     *
     * @throws InvalidKeyException when the public key is none of Ed25519
     */
    public static JcaLogKey of(PrivateKey privateKey, PublicKey publicKey, Provider provider)
            throws InvalidKeyException {
        byte[] info = publicKey.getEncoded();
        if (info == null
                || info.length != HEAD.length + KEY_BYTES
                || !Arrays.equals(info, 0, HEAD.length, HEAD, 0, HEAD.length)) {
            throw new InvalidKeyException("expected an Ed25519 public key in the form of RFC 8410");
        }
        return new JcaLogKey(privateKey, Arrays.copyOfRange(info, HEAD.length, info.length), provider);
    }

    /** A private key of a provider that can't export the public one: its 32 bytes (RFC 8032, section 5.1.5). */
    public static JcaLogKey of(PrivateKey privateKey, byte[] publicKey, Provider provider) {
        return new JcaLogKey(privateKey, publicKey.clone(), provider);
    }

    @Override
    public byte[] publicKey() {
        return publicKey.clone();
    }

    @Override
    public byte[] sign(byte[] text) throws GeneralSecurityException {
        Signature signature = Signature.getInstance(ALGORITHM, provider);
        signature.initSign(privateKey);
        signature.update(text);
        return signature.sign();
    }

    @Override
    public String toString() {
        return "log key of provider " + provider.getName();
    }
}
