package dev.secureruntime.credential;

/**
 * Gets a new credential from whoever issues it: one call, no cache, no retry. Implementations must be thread-safe.
 *
 * @param <C> the kind of credential
 */
@FunctionalInterface
public interface CredentialIssuer<C extends Credential> {

    /**
     * Asks for a new credential.
     *
     * @throws Exception when none was issued; the message must not contain a secret
     */
    C issue() throws Exception;
}
