package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.error.ErrorCode;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Whether a method is one that guarded HTTP sends, whatever the rules say of it, and what would make another of it. */
public final class MethodForm {

    /** Headers by which some servers take a request for another method than it says: then the policy judged the wrong one. */
    public static final List<String> METHOD_OVERRIDES =
            List.of("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override");

    /** Headers by which some servers take a request for another path than it says. */
    public static final List<String> PATH_OVERRIDES = List.of("X-Original-URL", "X-Rewrite-URL");

    private static final Pattern WORD = Pattern.compile("[A-Za-z]{1,32}");

    private MethodForm() {}

    /** Whether it is a plain word, of letters alone. */
    public static boolean isWord(String method) {
        return WORD.matcher(method).matches();
    }

    /** Why no request of this method is sent, in words that quote nothing of it; null when one may be. */
    public static @Nullable String fault(String method) {
        if (!isWord(method)) {
            return "the method is no plain word";
        }
        return switch (method.toUpperCase(Locale.ROOT)) {
            case "CONNECT" -> "CONNECT asks for a proxy's tunnel, which is the guard's to open";
            case "TRACE", "TRACK" ->
                "the method asks for the request to be sent back, with the credentials attached to it";
            default -> null;
        };
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
