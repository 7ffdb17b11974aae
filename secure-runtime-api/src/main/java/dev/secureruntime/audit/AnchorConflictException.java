package dev.secureruntime.audit;

import dev.secureruntime.error.ErrorCode;
import java.io.IOException;

/**
 * An anchor holds a checkpoint that the log's checkpoint contradicts ({@code SR-ANCHOR-003}): the log was rolled back or
 * forked, or the anchor was used with another log. An alarm, not a fault of the connection.
 */
public final class AnchorConflictException extends IOException {

    private static final long serialVersionUID = 1L;

    /** An alarm; the message says what the anchor holds and what it was given. */
    public AnchorConflictException(String message) {
        super(ErrorCode.ANCHOR_CONFLICT + " " + message);
    }

    /** Always {@code SR-ANCHOR-003}. */
    public ErrorCode code() {
        return ErrorCode.ANCHOR_CONFLICT;
    }
}
