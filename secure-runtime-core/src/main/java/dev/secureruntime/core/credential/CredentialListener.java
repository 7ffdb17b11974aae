package dev.secureruntime.core.credential;

/**
 * Is told of each issuance and each failure, on the thread that asked the issuer, before the credential is handed out.
 * Implementations must be thread-safe.
 */
@FunctionalInterface
public interface CredentialListener {

    /** Takes an event. Throwing on {@link CredentialEvent.Issued} drops the credential: what can't be recorded isn't used. */
    void on(CredentialEvent event);
}
