package dev.secureruntime.credential;

import dev.secureruntime.secret.SecretHandle;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.function.Consumer;

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
     * @param value the token; printable ASCII without spaces, as RFC 6750 has it
     * @param expiresAt when it ends
     * @throws IllegalArgumentException when the value can't be a token; the message doesn't show it
     */
    public static BearerToken of(String id, String value, Instant expiresAt) {
        // A line break in a header would begin another header of the token's own.
        if (value.isEmpty() || value.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw new IllegalArgumentException(
                    "token \"" + id + "\" is empty or holds something other than printable ASCII without spaces");
        }
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

    @Override
    public void lendSecrets(Consumer<byte[]> reader) {
        this.<Boolean, RuntimeException>use(bytes -> {
            reader.accept(bytes);
            return true;
        });
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
