package dev.secureruntime.core.http;

import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A failure of the caller's code that speaks of a refusal: of another call's, or of one that it made up. It is none of this call,
 * whose record must not say that nothing left.
 */
public final class CallersFailure extends IOException {

    private static final long serialVersionUID = 1L;

    private CallersFailure(IOException failure) {
        super("the caller's code failed with a refusal that is not this call's", failure);
    }

    /**
     * What the caller's code threw, as it is told of.
     *
     * @param ours what was thrown through it before, or null: a refusal of ours counts, whatever the code made of it
     */
    public static IOException of(IOException thrown, @Nullable IOException ours) {
        if (ours != null && refusal(ours) != null) {
            return ours;
        }
        return refusal(thrown) == null ? thrown : new CallersFailure(thrown);
    }

    /** The refusal of this call that a failure stands for; null when it stands for none. */
    static @Nullable EgressDeniedException refusal(IOException failure) {
        for (Throwable cause = failure; cause != null && !(cause instanceof CallersFailure); cause = cause.getCause()) {
            if (cause instanceof EgressDeniedException denial) {
                return denial;
            }
        }
        return null;
    }
}
