package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.error.ErrorCode;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Whether a method is one that guarded HTTP sends, whatever the rules say of it. */
public final class MethodForm {

    private static final Pattern WORD = Pattern.compile("[A-Za-z]{1,32}");

    private MethodForm() {}

    /** Why no request of this method is sent, in words that quote nothing of it; null when one may be. */
    public static @Nullable String fault(String method) {
        if (!WORD.matcher(method).matches()) {
            return "the method is no plain word";
        }
        return method.equalsIgnoreCase("CONNECT")
                ? "CONNECT asks for a proxy's tunnel, which is the guard's to open"
                : null;
    }

    /** The refusal of a request of this method; null when one may be sent. */
    public static @Nullable Denied refusal(String method) {
        String fault = fault(method);
        return fault == null
                ? null
                : new Denied(
                        ErrorCode.EGRESS_MALFORMED_TARGET,
                        Reason.MALFORMED_TARGET,
                        fault,
                        null,
                        "use another method, such as GET or POST");
    }
}
