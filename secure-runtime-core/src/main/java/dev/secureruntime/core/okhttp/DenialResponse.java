package dev.secureruntime.core.okhttp;

import dev.secureruntime.egress.EgressDeniedException;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;

/**
 * The refusal as a response: 403 with a JSON body. It names the code and nothing of the policy, since a model may read it.
 */
final class DenialResponse {

    static final String HEADER = "X-Secure-Runtime-Denied";
    private static final int FORBIDDEN = 403;

    private DenialResponse() {}

    static Response to(Request request, EgressDeniedException denial) {
        String code = denial.code().code();
        String json = "{\"error\":{\"code\":\"" + code
                + "\",\"type\":\"egress_denied\",\"message\":\"This request is not allowed and was not sent.\"}}";
        return new Response.Builder()
                .request(request)
                .protocol(Protocol.HTTP_1_1)
                .code(FORBIDDEN)
                .message("Denied by secure-runtime")
                .header("Content-Type", "application/json")
                .header(HEADER, code)
                .header("X-Should-Retry", "false")
                .body(ResponseBody.create(json, MediaType.get("application/json")))
                .build();
    }
}
