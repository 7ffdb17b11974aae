package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What OkHttp leaves open by itself is closed all the same, and recorded as what it was. */
@Timeout(60)
class OkHttpEndsTest {

    @TempDir
    Path folder;

    /** What the caller's listener was told. */
    private final CompletableFuture<Throwable> failure = new CompletableFuture<>();

    /** Closes its side at once, and goes on listening. */
    private static final class ClosingServer extends WebSocketListener {

        final CompletableFuture<String> heard = new CompletableFuture<>();

        @Override
        public void onOpen(WebSocket webSocket, Response response) {
            webSocket.close(1000, null);
        }

        @Override
        public void onMessage(WebSocket webSocket, String text) {
            heard.complete(text);
        }

        @Override
        public void onFailure(WebSocket webSocket, Throwable failure, Response response) {
            heard.complete("nothing");
        }
    }

    /** A WebSocket that the server has closed and the caller hasn't: nobody reads on it any more. */
    private WebSocket halfClosed(ReloadWorld world, ClosingServer server) throws Exception {
        world.left.answer(new MockResponse().withWebSocketUpgrade(server));
        CompletableFuture<WebSocket> closing = new CompletableFuture<>();
        CompletableFuture<Thread> reader = new CompletableFuture<>();
        world.calls.newWebSocket(world.get(ReloadWorld.LEFT), new WebSocketListener() {
            @Override
            public void onClosing(WebSocket webSocket, int code, String reason) {
                reader.complete(Thread.currentThread());
                closing.complete(webSocket);
            }

            @Override
            public void onFailure(WebSocket webSocket, Throwable told, Response response) {
                failure.complete(told);
            }
        });
        WebSocket socket = closing.get(30, TimeUnit.SECONDS);
        awaitIdle(reader.get(30, TimeUnit.SECONDS));
        return socket;
    }

    /** Waits until OkHttp's dispatcher has forgotten the call: its thread waits for other work, or is over. */
    private static void awaitIdle(Thread thread) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (thread.getState() != Thread.State.TIMED_WAITING && thread.isAlive() && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    @Test
    void webSocket_thatTheServerAloneHasClosed_sendsNothingOnceTheRuntimeIsClosed() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            ClosingServer server = new ClosingServer();
            WebSocket socket = halfClosed(world, server);

            world.runtime.close();
            socket.send("behind the end");

            assertThat(server.heard.get(30, TimeUnit.SECONDS)).isEqualTo("nothing");
            assertThat(world.left.awaitOpen(0)).isTrue();
        }
    }

    @Test
    void webSocket_thatTheServerAloneHasClosed_isRecordedAsCut_andToldSo() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            ClosingServer server = new ClosingServer();
            halfClosed(world, server);

            assertThat(world.runtime.reload(world.rightPolicy()).cutCalls()).isEqualTo(1);

            assertThat(failure.get(30, TimeUnit.SECONDS)).isInstanceOf(EgressDeniedException.class);
            JsonNode call = world.onlyCall();
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
            assertThat(call.path("secure_runtime.layer").asText()).isEqualTo("under_way");
        }
    }

    @Test
    void webSockets_areNotHeldBack_howeverManyAreOpen() throws Exception {
        int many = 70; // more than a dispatcher of OkHttp's runs at a time by itself
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            CountDownLatch opened = new CountDownLatch(many);
            for (int i = 0; i < many; i++) {
                world.left.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {}));
                world.calls.newWebSocket(world.get(ReloadWorld.LEFT), new WebSocketListener() {
                    @Override
                    public void onOpen(WebSocket webSocket, Response response) {
                        opened.countDown();
                    }
                });
            }

            assertThat(opened.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void call_thatWasCancelledBeforeItBegan_sendsNothing(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            world.left.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));
            try (Response first =
                    world.calls.newCall(world.get(ReloadWorld.LEFT)).execute()) {
                // It leaves a connection that the next one need not wait for.
                assertThat(first.body().string()).isEqualTo("{}");
            }
            Call cancelled = world.calls.newCall(Budgets.post(world.get(ReloadWorld.LEFT), 10));
            cancelled.cancel();

            assertThatThrownBy(cancelled::execute)
                    .isInstanceOf(IOException.class)
                    .hasMessage("Canceled");

            assertThat(world.left.server.getRequestCount()).isEqualTo(1);
        }
    }

    @Test
    void http2Connection_withAnAnswerThatIsStillRead_isClosedWithTheRuntime() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2)) {
            world.left.answer(LoopbackServer.slow());
            try (Response response =
                    world.calls.newCall(world.get(ReloadWorld.LEFT)).execute()) {
                world.runtime.close();

                assertThat(world.left.awaitOpen(0)).isTrue();
                assertThatThrownBy(() -> response.body().bytes()).isInstanceOf(IOException.class);
            }
        }
    }
}
