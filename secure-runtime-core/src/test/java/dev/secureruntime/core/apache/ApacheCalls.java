package dev.secureruntime.core.apache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.StringEntity;

/** Calls of Apache HttpClient 5, as its tests make them. */
final class ApacheCalls {

    private ApacheCalls() {}

    /** A call of a model with {@link GuardedWorld#PROMPT}, and with keys that are none. */
    static HttpPost post(GuardedWorld world, String host) {
        HttpPost request = new HttpPost(world.url(host, "/v1/chat/completions?beta=%2F"));
        request.setHeader("Authorization", "Bearer placeholder");
        request.setHeader("x-goog-api-key", "google-placeholder");
        request.setEntity(new StringEntity(GuardedWorld.PROMPT, ContentType.APPLICATION_JSON));
        return request;
    }

    /** The answer's code and body. */
    static String text(CloseableHttpClient client, HttpUriRequestBase request) throws IOException {
        return client.execute(
                request, response -> response.getCode() + " " + EntityUtils.toString(response.getEntity()));
    }

    static void assertDenied(CloseableHttpClient client, HttpUriRequestBase request, ErrorCode code, Reason reason) {
        assertThatThrownBy(() -> text(client, request)).isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
            assertThat(denial.code()).isEqualTo(code);
            assertThat(denial.decision().reason()).isEqualTo(reason);
        });
    }
}
