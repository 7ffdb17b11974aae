package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.http.DenialAnswer;
import dev.secureruntime.egress.EgressDeniedException;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;

/** The refusal as a response of OkHttp's. */
final class DenialResponse {

    private DenialResponse() {}

    static Response to(Request request, EgressDeniedException denial) {
        DenialAnswer answer = DenialAnswer.to(denial);
        return new Response.Builder()
                .request(request)
                .protocol(Protocol.HTTP_1_1)
                .code(DenialAnswer.STATUS)
                .message(DenialAnswer.REASON)
                .header("Content-Type", DenialAnswer.CONTENT_TYPE)
                .header(DenialAnswer.HEADER, answer.code())
                .header(DenialAnswer.RETRY_HEADER, "false")
                .body(ResponseBody.create(answer.json(), MediaType.get(DenialAnswer.CONTENT_TYPE)))
                .build();
    }
}
