package dev.secureruntime.credential;

import java.time.Instant;

/** A credential that ends by itself. Implementations never show secret parts in {@code toString}. */
public interface Credential {

    /** What names this credential in logs: an access key id, say, or a token's id. Not secret. */
    String id();

    /** When it ends, by the issuer's clock. */
    Instant expiresAt();
}
