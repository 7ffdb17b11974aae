package dev.secureruntime.error;

import org.jspecify.annotations.Nullable;

/**
 * The root of the unchecked errors: each has a stable code, says what happened and what to do about it.
 *
 * <p>Security: a message never contains a secret's value, a request's body, its headers or its query.
 */
public class SecureRuntimeException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    /** An error whose message is preceded by its code. */
    public SecureRuntimeException(ErrorCode code, String message) {
        this(code, message, null);
    }

    /** As above, with the failure that led to it. */
    public SecureRuntimeException(ErrorCode code, String message, @Nullable Throwable cause) {
        super(code.code() + " " + message, cause);
        this.code = code;
    }

    /** The stable code. */
    public final ErrorCode code() {
        return code;
    }
}
