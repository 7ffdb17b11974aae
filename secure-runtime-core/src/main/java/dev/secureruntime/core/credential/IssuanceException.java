package dev.secureruntime.core.credential;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Why an issuance gave no credential. The message is ours; the issuer's own words stay in the cause. */
final class IssuanceException extends Exception {

    private static final long serialVersionUID = 1L;

    private final CredentialEvent.Reason reason;

    private IssuanceException(CredentialEvent.Reason reason, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    static IssuanceException issuerFailed(Throwable cause) {
        return new IssuanceException(
                CredentialEvent.Reason.ISSUER_FAILED,
                "its issuer failed with " + cause.getClass().getSimpleName(),
                cause);
    }

    static IssuanceException endsTooSoon(Instant expiresAt) {
        return new IssuanceException(
                CredentialEvent.Reason.ENDS_TOO_SOON,
                "its issuer gave one that ends at " + expiresAt + ", which is too soon by this machine's clock",
                null);
    }

    static IssuanceException notRecorded(RuntimeException cause) {
        return new IssuanceException(
                CredentialEvent.Reason.NOT_RECORDED, "its issuance could not be recorded, so it was dropped", cause);
    }

    static IssuanceException notStarted(Throwable cause) {
        return new IssuanceException(
                CredentialEvent.Reason.NOT_STARTED, "the executor that asks for it takes no work", cause);
    }

    CredentialEvent.Failed event(String scope) {
        Throwable shown = getCause() == null ? this : getCause();
        return new CredentialEvent.Failed(scope, reason, shown.getClass().getName());
    }
}
