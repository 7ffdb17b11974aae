package dev.secureruntime.credential;

import java.time.Instant;
import java.util.function.Consumer;

/** A credential that ends by itself. Implementations never show secret parts in {@code toString}. */
public interface Credential {

    /** What names this credential in logs: an access key id, say, or a token's id. Not secret. */
    String id();

    /** When it ends, by the issuer's clock. */
    Instant expiresAt();

    /**
     * Lends each part that is secret, in a copy that is overwritten afterwards, so that the runtime can look for it in what
     * must not hold it. The default lends none: a type of your own that holds secrets overrides it, or they are not found.
     */
    default void lendSecrets(Consumer<byte[]> reader) {
        // Nothing is known of the parts of a type that doesn't say.
    }
}
