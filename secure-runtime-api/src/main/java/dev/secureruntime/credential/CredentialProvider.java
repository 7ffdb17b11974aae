package dev.secureruntime.credential;

/**
 * Hands out a credential that is valid now, renewing it ahead of its end.
 *
 * <p>What holds: never an expired credential; at most one call to the issuer under way at any time, however many callers
 * wait; a credential that is still valid is served while the issuer is down. What happens on failure: when no valid
 * credential is left and none can be had, {@link #get} throws.
 *
 * <p>Thread-safe.
 *
 * @param <C> the kind of credential
 */
@FunctionalInterface
public interface CredentialProvider<C extends Credential> {

    /**
     * A credential that is valid now.
     *
     * @throws CredentialUnavailableException {@code SR-CREDENTIAL-001} when there is none
     */
    C get();
}
