package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.http.DenialAnswer;
import okhttp3.Request;
import okhttp3.Response;

/**
 * A response as a caller gets it: what the server said, and nothing of how it was asked. It is built anew, because a
 * response that OkHttp made leads to its call, its client, its connection and the request that carried the credential.
 */
final class HandedResponse {

    private HandedResponse() {}

    /** What {@code response} says, with the caller's own request, and without a body. */
    static Response.Builder of(Response response, Request callers) {
        return new Response.Builder()
                .request(callers)
                .protocol(response.protocol())
                .code(response.code())
                .message(response.message())
                .handshake(response.handshake())
                // Only the guard says that it denied something.
                .headers(response.headers()
                        .newBuilder()
                        .removeAll(DenialAnswer.HEADER)
                        .build())
                .sentRequestAtMillis(response.sentRequestAtMillis())
                .receivedResponseAtMillis(response.receivedResponseAtMillis());
    }
}
