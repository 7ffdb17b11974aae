package dev.secureruntime.core.http;

import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.error.ErrorCode;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The form of a request, looked at before the policy is asked: what can be read in two ways is refused. */
public final class RequestForm {

    private static final Pattern METHOD = Pattern.compile("[A-Za-z]{1,32}");

    private RequestForm() {}

    /** What is wrong with a method; null when nothing is. */
    public static @Nullable String faultOfMethod(String method) {
        if (!METHOD.matcher(method).matches()) {
            return "the method is no plain word";
        }
        return switch (method.toUpperCase(Locale.ROOT)) {
            case "CONNECT" -> "CONNECT asks the host to be a proxy";
            case "TRACE", "TRACK" ->
                "the method asks for the request to be sent back, with the credentials attached to it";
            default -> null;
        };
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
