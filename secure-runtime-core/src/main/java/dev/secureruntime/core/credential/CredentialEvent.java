package dev.secureruntime.core.credential;

import java.time.Instant;

/** What happened to a credential, without anything secret. */
public sealed interface CredentialEvent {

    /** What the credential is for. */
    String scope();

    /**
     * A credential was issued; it is handed out once the listener has returned.
     *
     * @param scope what it is for
     * @param id its name in logs
     * @param expiresAt when it ends, by the issuer's clock
     */
    record Issued(String scope, String id, Instant expiresAt) implements CredentialEvent {}

    /**
     * None was issued, or what was issued was not usable.
     *
     * @param scope what it would have been for
     * @param reason why there is none
     * @param errorType the class name of the failure behind it; its message is left out, being the issuer's own words
     */
    record Failed(String scope, Reason reason, String errorType) implements CredentialEvent {}

    /** Why there is no new credential. */
    enum Reason {
        /** The issuer failed or refused. */
        ISSUER_FAILED,
        /** The issued credential has ended already, or ends too soon to be of use. */
        ENDS_TOO_SOON,
        /** A listener could not record the issuance, so the credential was dropped. */
        NOT_RECORDED,
        /** The executor took no work. */
        NOT_STARTED
    }
}
