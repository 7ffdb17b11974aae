package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the record of a WebSocket says, whatever the caller's listener throws. */
class WebSocketRecordsTest {

    /** The listener's methods that OkHttp calls before it is done with a WebSocket. */
    private enum Callback {
        OPEN,
        MESSAGE,
        CLOSING
    }

    @TempDir
    Path folder;

    /** The server's connection ended without a word. */
    private final CompletableFuture<Throwable> cut = new CompletableFuture<>();

    private LeakWorld leak;

    @BeforeEach
    void start() throws IOException {
        leak = new LeakWorld(folder);
        leak.world.provider.server.setProtocols(List.of(Protocol.HTTP_1_1));
        leak.world.provider.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
            @Override
            public void onOpen(WebSocket webSocket, Response response) {
                webSocket.send("welcome");
            }

            @Override
            public void onClosing(WebSocket webSocket, int code, String reason) {
                webSocket.close(code, null);
            }

            @Override
            public void onFailure(WebSocket webSocket, Throwable failure, Response response) {
                cut.complete(failure);
            }
        }));
    }

    @AfterEach
    void stop() throws IOException {
        leak.close();
    }

    @ParameterizedTest
    @EnumSource
    void refusalThatAListenerMakesUp_isItsOwnFailure(Callback callback) throws Exception {
        Throwable told = openWith(callback, madeUp());
        assertThat(told).isNotInstanceOf(EgressDeniedException.class).hasMessageContaining("caller's code");
        JsonNode said = record();
        assertThat(said.path("secure_runtime.verdict").asText()).isEqualTo("allow");
        assertThat(said.path("error.type").asText()).endsWith("CallersFailure");
        assertThat(said.path("secure_runtime.complete").asBoolean()).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void failureOfAListener_isToldAsItIs(Callback callback) throws Exception {
        IOException own = new IOException("disk full");
        assertThat(openWith(callback, own)).isSameAs(own);
        assertThat(record().path("error.type").asText()).isEqualTo(IOException.class.getName());
    }

    @Test
    void errorOfAListener_isRecordedWhileTheRuntimeRuns() throws Exception {
        leak.calls.newWebSocket(leak.partner().build(), new WebSocketListener() {
            @Override
            public void onMessage(WebSocket webSocket, String text) {
                throw new AssertionError("the listener's own");
            }
        });
        cut.get(30, TimeUnit.SECONDS);
        assertThat(record().path("error.type").asText()).isEqualTo(AssertionError.class.getName());
    }

    @Test
    void messageRefusedWhileBothSidesClose_cuts() throws Exception {
        CompletableFuture<Boolean> sent = new CompletableFuture<>();
        CompletableFuture<Object> end = new CompletableFuture<>();
        leak.calls.newWebSocket(leak.partner().build(), new WebSocketListener() {
            @Override
            public void onMessage(WebSocket webSocket, String text) {
                webSocket.close(1000, null);
            }

            @Override
            public void onClosing(WebSocket webSocket, int code, String reason) {
                sent.complete(webSocket.send(LeakWorld.OPENAI_KEY));
            }

            @Override
            public void onClosed(WebSocket webSocket, int code, String reason) {
                end.complete(code);
            }

            @Override
            public void onFailure(WebSocket webSocket, Throwable failure, Response response) {
                end.complete(failure);
            }
        });
        assertThat(sent.get(30, TimeUnit.SECONDS)).isFalse();
        end.get(30, TimeUnit.SECONDS);
        JsonNode said = record();
        assertThat(said.path("secure_runtime.action").asText()).isEqualTo("cut");
        assertThat(said.path("secure_runtime.found_in").asText()).isEqualTo("message");
    }

    /** Opens a WebSocket whose listener throws this in one of its methods, and waits for what it is told of. */
    private Throwable openWith(Callback where, Throwable thrown) throws Exception {
        CompletableFuture<Throwable> failed = new CompletableFuture<>();
        leak.calls.newWebSocket(leak.partner().build(), new WebSocketListener() {
            @Override
            public void onOpen(WebSocket webSocket, Response response) {
                throwIn(Callback.OPEN);
            }

            @Override
            public void onMessage(WebSocket webSocket, String text) {
                throwIn(Callback.MESSAGE);
                webSocket.close(1000, null);
            }

            @Override
            public void onClosing(WebSocket webSocket, int code, String reason) {
                throwIn(Callback.CLOSING);
            }

            @Override
            public void onFailure(WebSocket webSocket, Throwable failure, Response response) {
                failed.complete(failure);
            }

            private void throwIn(Callback here) {
                if (here == where) {
                    throw HardenedClient.<RuntimeException>sneaky(thrown);
                }
            }
        });
        return failed.get(30, TimeUnit.SECONDS);
    }

    private JsonNode record() throws IOException {
        leak.world.runtime.close();
        assertThat(leak.world.records("egress.call")).hasSize(1);
        return leak.world.records("egress.call").get(0).path("attributes");
    }

    private static EgressDeniedException madeUp() {
        return new EgressDeniedException(
                new EgressRequest("agent", "POST", "https", "elsewhere.example", 443, "/", List.of()),
                new Denied(ErrorCode.EGRESS_DENIED, Reason.DENY_RULE, "made up", null, ""));
    }
}
