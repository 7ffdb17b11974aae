package dev.secureruntime.credential;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import org.jspecify.annotations.Nullable;

/** No credential that is still valid can be had. */
public final class CredentialUnavailableException extends SecureRuntimeException {

    private static final long serialVersionUID = 1L;

    /** Says for which scope, and why. */
    public CredentialUnavailableException(String message, @Nullable Throwable cause) {
        super(ErrorCode.CREDENTIAL_UNAVAILABLE, message, cause);
    }
}
