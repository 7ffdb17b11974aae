package dev.secureruntime.core.audit;

import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * AES-256-GCM (NIST SP 800-38D), with a key and a nonce of its own for each context.
 *
 * <pre>
 *   key   = HMAC-SHA-256(master, 0x01 || context)
 *   nonce = the first 96 bits of HMAC-SHA-256(master, 0x02 || context)
 *   AAD   = context
 * </pre>
 *
 * <p>What holds: a nonce is never used twice under one key for different texts, after a crash, a restore from a backup or
 * with any number of writers, because no counter has to be remembered: the caller gives a context that belongs to one
 * plaintext alone (a commitment with a random salt binds it). A ciphertext opens under its own context only. Without state.
 */
final class ContentCipher {

    static final int KEY_BYTES = 32;
    static final int TAG_BYTES = 16;

    private static final int NONCE_BYTES = 12;

    private ContentCipher() {}

    static byte[] seal(byte[] master, byte[] context, byte[] plaintext) {
        try {
            return cipher(Cipher.ENCRYPT_MODE, master, context).doFinal(plaintext);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has AES/GCM", e);
        }
    }

    /** The plaintext; null when key, context and ciphertext don't belong together. */
    static byte @Nullable [] open(byte[] master, byte[] context, byte[] ciphertext) {
        if (ciphertext.length < TAG_BYTES) {
            return null;
        }
        try {
            return cipher(Cipher.DECRYPT_MODE, master, context).doFinal(ciphertext);
        } catch (AEADBadTagException e) {
            return null;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has AES/GCM", e);
        }
    }

    private static Cipher cipher(int mode, byte[] master, byte[] context) throws GeneralSecurityException {
        byte[] key = derive(master, 1, context);
        byte[] nonce = Arrays.copyOf(derive(master, 2, context), NONCE_BYTES);
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(8 * TAG_BYTES, nonce));
        cipher.updateAAD(context);
        Arrays.fill(key, (byte) 0);
        return cipher;
    }

    private static byte[] derive(byte[] master, int purpose, byte[] context) {
        Mac mac = mac(master);
        mac.update((byte) purpose);
        return mac.doFinal(context);
    }

    static Mac mac(byte[] key) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }
}
