package dev.secureruntime.secret;

import java.io.IOException;

/** Where a secret comes from. Implementations must be thread-safe. */
@FunctionalInterface
public interface SecretSource {

    /**
     * Reads the secret. The caller owns the array, and overwrites it when it is done.
     *
     * @throws IOException when it can't be read; the message must not contain the secret
     */
    byte[] read() throws IOException;
}
