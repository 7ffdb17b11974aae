package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import java.net.URI;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JdkWebSocketTest {

    @TempDir
    Path folder;

    /** Remembers what it was told. */
    private static final class Told implements WebSocket.Listener {

        final CompletableFuture<String> text = new CompletableFuture<>();
        final CompletableFuture<Integer> closed = new CompletableFuture<>();
        final CompletableFuture<Throwable> failure = new CompletableFuture<>();
        final CompletableFuture<WebSocket> opened = new CompletableFuture<>();

        @Override
        public void onOpen(WebSocket webSocket) {
            opened.complete(webSocket);
            webSocket.request(10);
        }

        @Override
        public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            text.complete(data.toString());
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
            closed.complete(statusCode);
            return null;
        }

        @Override
        public void onError(WebSocket webSocket, Throwable error) {
            failure.complete(error);
        }
    }

    private static MockResponse echo() {
        return new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
            @Override
            public void onMessage(okhttp3.WebSocket socket, String text) {
                socket.send("echo " + text);
            }

            @Override
            public void onClosing(okhttp3.WebSocket socket, int code, String reason) {
                socket.close(code, reason);
            }

            @Override
            public void onFailure(okhttp3.WebSocket socket, Throwable failure, Response response) {}
        });
    }

    private static URI webSocket(String https) {
        return URI.create("wss" + https.substring("https".length()));
    }

    @Test
    void webSocket_toAnAllowedHost_carriesTheKey_leadsNowhere_andIsOneRecord() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            world.provider.answer(echo());
            Told told = new Told();
            WebSocket socket = GuardedJdkHttp.client(world.agent)
                    .newWebSocketBuilder()
                    .header("Authorization", "Bearer placeholder")
                    .buildAsync(webSocket(world.url(GuardedWorld.OPENAI, "/v1/realtime")), told)
                    .get(30, TimeUnit.SECONDS);

            assertThat(told.opened.get(30, TimeUnit.SECONDS)).isSameAs(socket);
            assertThat(socket.getClass().getName()).startsWith("dev.secureruntime.");
            assertThat(socket.sendText("hello", true).get(30, TimeUnit.SECONDS)).isSameAs(socket);
            assertThat(told.text.get(30, TimeUnit.SECONDS)).isEqualTo("echo hello");
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(30, TimeUnit.SECONDS);
            assertThat(told.closed.get(30, TimeUnit.SECONDS)).isEqualTo(WebSocket.NORMAL_CLOSURE);
            RecordedRequest opening = world.provider.server.takeRequest(20, TimeUnit.SECONDS);
            assertThat(opening.getHeaders().values("Authorization"))
                    .containsExactly("Bearer " + GuardedWorld.OPENAI_KEY);
            assertThat(LoopbackServer.clear(opening.getHeaders())).doesNotContainIgnoringCase("proxy");
            world.runtime.close();
            assertThat(world.records("egress.call")).hasSize(1);
            JsonNode call = world.records("egress.call").get(0).path("attributes");
            assertThat(call.path("network.protocol.name").asText()).isEqualTo("websocket");
            assertThat(call.path("secure_runtime.complete").asBoolean()).isTrue();
        }
    }

    @Test
    void webSocket_toAHostWithAKeyInAHeaderOfItsOwn_carriesThatOneAlone() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.runtime.reload(Policy.builder()
                    .component(
                            "agent",
                            ComponentPolicy.builder()
                                    .secret("left-key")
                                    .allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left))
                                    .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(world.left.port())))
                                    .build())
                    .secret(
                            "left-key",
                            SecretPolicy.suppliedByCode()
                                    .attachedAs(
                                            Attachment.header("x-own-key", ReloadWorld.LEFT + ":" + world.left.port())))
                    .build());
            world.left.answer(echo());

            GuardedJdkHttp.client(world.agent)
                    .newWebSocketBuilder()
                    .header("X-Own-Key", "another account's")
                    .subprotocols("realtime")
                    .buildAsync(webSocket(world.get(ReloadWorld.LEFT).url().toString()), new Told())
                    .handle((socket, failure) -> null) // the server chooses no subprotocol
                    .get(30, TimeUnit.SECONDS);

            RecordedRequest opening = world.left.server.takeRequest(20, TimeUnit.SECONDS);
            assertThat(opening.getHeaders().values("x-own-key")).containsExactly(ReloadWorld.LEFT_KEY);
            assertThat(opening.getHeaders().values("Sec-WebSocket-Protocol")).containsExactly("realtime");
        }
    }

    @Test
    void webSocket_toAHostThatNobodyAllowed_isRefusedUnasked_andAFailedOpeningShowsNoKey() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            WebSocket.Builder builder = GuardedJdkHttp.client(world.agent).newWebSocketBuilder();
            assertThatThrownBy(() -> builder.buildAsync(webSocket(world.url(GuardedWorld.EVIL, "/")), new Told())
                            .get(30, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(EgressDeniedException.class);
            assertThat(world.evil.connections()).isZero();
            assertThat(world.resolver.lookups()).isEmpty();

            world.provider.answer(new MockResponse().setResponseCode(400));
            assertThatThrownBy(() -> builder.buildAsync(webSocket(world.url(GuardedWorld.OPENAI, "/")), new Told())
                            .get(30, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(WebSocketHandshakeException.class, failed -> {
                        assertThat(failed.getResponse().statusCode()).isEqualTo(400);
                        assertThat(failed.getResponse().request().headers().map())
                                .isEmpty();
                    });
        }
    }

    @Test
    void webSocket_isCutByAPolicyThatRefusesIt() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.left.answer(echo());
            Told told = new Told();
            WebSocket socket = GuardedJdkHttp.client(world.agent)
                    .newWebSocketBuilder()
                    .buildAsync(webSocket(world.get(ReloadWorld.LEFT).url().toString()), told)
                    .get(30, TimeUnit.SECONDS);
            socket.sendText("hello", true).get(30, TimeUnit.SECONDS);
            told.text.get(30, TimeUnit.SECONDS);

            assertThat(world.runtime.reload(world.rightPolicy()).cutCalls()).isEqualTo(1);

            assertThat(told.failure.get(30, TimeUnit.SECONDS)).isInstanceOf(EgressDeniedException.class);
            assertThat(world.left.awaitOpen(0)).isTrue();
            world.runtime.close();
            JsonNode call = world.records("egress.call").get(0).path("attributes");
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
        }
    }
}
