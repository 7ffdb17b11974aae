package dev.secureruntime.secret;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import org.jspecify.annotations.Nullable;

/** A secret was not handed out. The message names component, secret, reason and remedy, never the value. */
public final class SecretDeniedException extends SecureRuntimeException {

    private static final long serialVersionUID = 1L;

    /** A refusal. */
    public SecretDeniedException(ErrorCode code, String message) {
        this(code, message, null);
    }

    /** A refusal because of a failure. */
    public SecretDeniedException(ErrorCode code, String message, @Nullable Throwable cause) {
        super(code, message, cause);
    }
}
