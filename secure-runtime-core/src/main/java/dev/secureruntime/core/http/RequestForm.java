package dev.secureruntime.core.http;

import dev.secureruntime.core.egress.MethodForm;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.error.ErrorCode;
import org.jspecify.annotations.Nullable;

/** The form of a request, looked at before the policy is asked: what can be read in two ways is refused. */
public final class RequestForm {

    private RequestForm() {}

    /** The refusal of a request of a method that is never sent; null when one of it may be. Asked before {@link #malformed}. */
    public static @Nullable Denied refusalOfMethod(String method) {
        return MethodForm.refusal(method);
    }

    /** The refusal of a request whose parts don't say one thing. */
    public static Denied malformed(String what) {
        return new Denied(
                ErrorCode.EGRESS_MALFORMED_TARGET,
                Reason.MALFORMED_TARGET,
                what,
                null,
                "write the request so that method, URL and headers say one thing");
    }

    /** The refusal of a request that would leave through something other than the guard. */
    public static Denied bypassed(String how) {
        return new Denied(
                ErrorCode.EGRESS_GUARD_BYPASSED,
                Reason.GUARD_BYPASSED,
                how,
                null,
                "find out which code did this, and keep it from doing so");
    }
}
