package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.MockResponse;
import okio.ByteString;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Secrets in what a WebSocket sends. */
class LeavingMessagesTest {

    @TempDir
    Path folder;

    private LeakWorld leak;

    @BeforeEach
    void start() throws IOException {
        leak = new LeakWorld(folder);
    }

    @AfterEach
    void stop() throws IOException {
        leak.close();
    }

    @ParameterizedTest
    @EnumSource
    void webSocketMessage_withASecret_isNotSent_andEndsTheSocket(SecretForm form) throws Exception {
        CompletableFuture<String> firstSeen = new CompletableFuture<>();
        CompletableFuture<String> moreSeen = new CompletableFuture<>();
        leak.world.provider.server.setProtocols(List.of(Protocol.HTTP_1_1));
        leak.world.provider.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
            @Override
            public void onMessage(WebSocket webSocket, String text) {
                if (!firstSeen.complete(text)) {
                    moreSeen.complete(text);
                }
            }

            @Override
            public void onMessage(WebSocket webSocket, ByteString bytes) {
                moreSeen.complete(bytes.utf8());
            }

            @Override
            public void onClosing(WebSocket webSocket, int code, String reason) {
                moreSeen.complete("closing " + reason);
            }

            @Override
            public void onFailure(WebSocket webSocket, Throwable t, Response response) {
                moreSeen.complete("cut");
            }
        }));
        CompletableFuture<WebSocket> open = new CompletableFuture<>();
        CompletableFuture<Throwable> failed = new CompletableFuture<>();
        WebSocket socket = leak.calls.newWebSocket(leak.partner().build(), new WebSocketListener() {
            @Override
            public void onOpen(WebSocket webSocket, Response response) {
                open.complete(webSocket);
            }

            @Override
            public void onFailure(WebSocket webSocket, Throwable t, Response response) {
                failed.complete(t);
            }
        });
        open.get(30, TimeUnit.SECONDS);
        assertThat(socket.send("hello")).isTrue();
        assertThat(firstSeen.get(30, TimeUnit.SECONDS)).isEqualTo("hello");

        String message = "{\"k\":\"" + form.of(LeakWorld.CRM) + "\"}";
        switch (form) {
            case PLAIN, JSON -> assertThat(socket.send(message)).isFalse();
            case HEX -> assertThat(socket.close(1000, form.of(LeakWorld.CRM))).isFalse();
            default -> assertThat(socket.send(ByteString.encodeUtf8(message))).isFalse();
        }
        assertThat(socket.send("after")).isFalse();

        assertThat(failed.get(30, TimeUnit.SECONDS))
                .isInstanceOfSatisfying(
                        EgressDeniedException.class,
                        refused -> assertThat(refused.decision().reason()).isEqualTo(Reason.SECRET_LEAVING));
        assertThat(moreSeen.get(30, TimeUnit.SECONDS)).isEqualTo("cut");
        leak.world.runtime.close();
        JsonNode said = leak.world.records("egress.call").get(0).path("attributes");
        assertThat(said.path("secure_runtime.action").asText()).isEqualTo("cut");
        assertThat(said.path("secure_runtime.found_in").asText()).isEqualTo("message");
    }

    @Test
    void webSocketOpening_withASecret_isRefusedWithoutLookup() throws Exception {
        CompletableFuture<Throwable> failed = new CompletableFuture<>();
        leak.calls.newWebSocket(
                leak.partner()
                        .header("Sec-WebSocket-Protocol", LeakWorld.OPENAI_KEY)
                        .build(),
                new WebSocketListener() {
                    @Override
                    public void onFailure(WebSocket webSocket, Throwable t, Response response) {
                        failed.complete(t);
                    }
                });
        assertThat(failed.get(30, TimeUnit.SECONDS)).hasMessageContaining("SR-EGRESS-006");
        assertThat(leak.world.resolver.lookups()).isEmpty();
    }
}
