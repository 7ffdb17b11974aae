package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several interim answers in front of the final one over HTTP/2; OkHttp 4.12 takes the second for the final one. */
@Timeout(60)
class Http2InterimAnswerTest {

    @TempDir
    Path folder;

    private static final class HintingServer extends Http2Server {

        HintingServer() throws IOException {
            super(ReloadWorld.BOTH);
            start();
        }

        @Override
        byte[] answer(Frame frame) throws IOException {
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            if (frame.type() == HEADERS) {
                ByteArrayOutputStream hints = new ByteArrayOutputStream();
                header(hints, ":status", "103");
                for (byte[] head : new byte[][] {hints.toByteArray(), hints.toByteArray(), STATUS_200}) {
                    answer.write(frame(HEADERS, END_HEADERS, frame.stream(), head));
                }
                answer.write(frame(DATA, END_STREAM, frame.stream(), "whole".getBytes(StandardCharsets.US_ASCII)));
            }
            return answer.toByteArray();
        }
    }

    @Test
    void hints_areNeverHandedOutAsTheAnswer() throws Exception {
        try (HintingServer server = new HintingServer();
                ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2)) {
            Scope scope = Scope.HTTPS.onPort(server.port());
            ComponentPolicy rules = ComponentPolicy.builder()
                    .allow(EgressRule.host(ReloadWorld.BOTH, scope))
                    .allow(EgressRule.cidr("127.0.0.1/32", scope))
                    .build();
            world.runtime.reload(Policy.builder().component("agent", rules).build());
            Request get = new Request.Builder()
                    .url("https://" + ReloadWorld.BOTH + ":" + server.port() + "/")
                    .build();

            boolean whole = false;
            try (Response response = world.calls.newCall(get).execute()) {
                whole = true;
                assertThat(response.code()).isEqualTo(200);
                assertThat(response.body().string()).isEqualTo("whole");
            } catch (ProtocolException e) {
                assertThat(e).hasMessageContaining("103");
            }

            JsonNode call = world.onlyCall();
            assertThat(call.path("http.response.status_code").asInt()).isEqualTo(whole ? 200 : 0);
            assertThat(call.path("secure_runtime.complete").asBoolean()).isEqualTo(whole);
        }
    }
}
