package dev.secureruntime.credential;

import dev.secureruntime.secret.SecretHandle;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;

/**
 * A short-lived token that is sent in a header.
 *
 * <p>It doesn't print or serialize its value; {@link #use} lends a copy that is overwritten afterwards. Thread-safe.
 */
public final class BearerToken implements Credential {

    private final String id;
    private final Instant expiresAt;
    private final byte[] value;

    private BearerToken(String id, Instant expiresAt, byte[] value) {
        this.id = id;
        this.expiresAt = expiresAt;
        this.value = value;
    }

    /**
     * A token.
     *
     * @param id what names it in logs; not secret
     * @param value the token; printable ASCII
     * @param expiresAt when it ends
     */
    public static BearerToken of(String id, String value, Instant expiresAt) {
        return new BearerToken(id, expiresAt, value.getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public Instant expiresAt() {
        return expiresAt;
    }

    /** Lends the token's bytes to {@code reader}, in a copy that is overwritten afterwards. */
    public <T, X extends Exception> T use(SecretHandle.Reader<T, X> reader) throws X {
        byte[] copy = value.clone();
        try {
            return reader.read(copy);
        } finally {
            Arrays.fill(copy, (byte) 0);
        }
    }

    @Override
    public String toString() {
        return "BearerToken[" + id + ", expires " + expiresAt + "]";
    }
}
