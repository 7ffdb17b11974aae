package dev.secureruntime.core.text;

import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** HMAC-SHA-256 (RFC 2104) under one key. Thread-safe. */
final class KeyedDigest {

    private final SecretKeySpec key;
    /** Has its key and nothing else, and is only ever copied: to make one takes longer than to use it. */
    private final Mac fresh;

    KeyedDigest(byte[] key) {
        this.key = new SecretKeySpec(key, "HmacSHA256");
        this.fresh = make();
    }

    byte[] of(byte[] bytes) {
        return copy().doFinal(bytes);
    }

    private Mac copy() {
        try {
            return (Mac) fresh.clone();
        } catch (CloneNotSupportedException e) {
            return make(); // as from a PKCS #11 device
        }
    }

    private Mac make() {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }
}
