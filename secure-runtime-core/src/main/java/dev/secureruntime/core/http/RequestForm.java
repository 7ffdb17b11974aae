package dev.secureruntime.core.http;

import dev.secureruntime.core.egress.MethodForm;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.error.ErrorCode;
import org.jspecify.annotations.Nullable;

/** The form of a request, looked at before the policy is asked: what can be read in two ways is refused. */
public final class RequestForm {

    private RequestForm() {}

    /** Why no request of a method is sent; null when one may be. */
    public static @Nullable String faultOfMethod(String method) {
        return MethodForm.fault(method);
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
