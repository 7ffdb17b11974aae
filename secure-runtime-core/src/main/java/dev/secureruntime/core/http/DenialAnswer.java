package dev.secureruntime.core.http;

import dev.secureruntime.egress.EgressDeniedException;

/**
 * The refusal as a response: 403 with a JSON body. It names the code and nothing of the policy, since a model may read it.
 *
 * @param code the stable code
 * @param json the body
 */
public record DenialAnswer(String code, String json) {

    /** Tells the refusal from a server's own 403; only the guard may send it. */
    public static final String HEADER = "X-Secure-Runtime-Denied";

    public static final int STATUS = 403;
    public static final String REASON = "Denied by secure-runtime";
    public static final String CONTENT_TYPE = "application/json";

    /** Tells client libraries that know it not to try again: the value is {@code false}. */
    public static final String RETRY_HEADER = "X-Should-Retry";

    public static DenialAnswer to(EgressDeniedException denial) {
        String code = denial.code().code();
        return new DenialAnswer(
                code,
                "{\"error\":{\"code\":\"" + code
                        + "\",\"type\":\"egress_denied\",\"message\":\"This request is not allowed and was not sent.\"}}");
    }
}
