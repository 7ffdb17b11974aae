package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.EOFException;
import java.io.IOException;
import java.net.URI;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How a WebSocket of the JDK's ends, and that its record says so. */
@Timeout(60)
class JdkWebSocketEndsTest {

    @TempDir
    Path folder;

    private ReloadWorld world;

    @BeforeEach
    void start() throws IOException {
        world = new ReloadWorld(folder, Protocol.HTTP_1_1);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    /** Remembers what it was told. */
    private static class Told implements WebSocket.Listener {

        final CompletableFuture<Object> end = new CompletableFuture<>();
        final CompletableFuture<Boolean> opened = new CompletableFuture<>();

        @Override
        public void onOpen(WebSocket webSocket) {
            opened.complete(true);
            webSocket.request(100);
        }

        @Override
        public CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
            end.complete(statusCode);
            return null;
        }

        @Override
        public void onError(WebSocket webSocket, Throwable failure) {
            end.complete(failure);
        }
    }

    private CompletableFuture<WebSocket> open(String path, Told told) {
        String url = "wss://" + ReloadWorld.LEFT + ":" + world.left.port() + path;
        return GuardedJdkHttp.client(world.agent).newWebSocketBuilder().buildAsync(URI.create(url), told);
    }

    /** A policy that allows one path of the left host. */
    private Policy allowing(String path, ByteBudget... budgets) {
        LoopbackServer left = world.left;
        ComponentPolicy.Builder component = ComponentPolicy.builder()
                .secret("left-key")
                .allow(EgressRule.host(
                        ReloadWorld.LEFT, new Scope(Set.of(left.port()), Set.of("https"), Set.of(), Set.of(path))))
                .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(left.port())));
        for (ByteBudget budget : budgets) {
            component.budget(budget);
        }
        return world.policy("left-key", component);
    }

    private static MockResponse silent() {
        return new MockResponse().withWebSocketUpgrade(new WebSocketListener() {});
    }

    @Test
    void usedUpBudget_cutsIt_andTheListenerIsToldWhy() throws Exception {
        world.runtime.reload(allowing("/**", ByteBudget.of(ReloadWorld.LEFT, 100_000, Duration.ofHours(1))));
        world.left.answer(silent());
        Told told = new Told();
        WebSocket socket = open("/", told).get(30, TimeUnit.SECONDS);
        for (int sent = 0; sent < 200_000 && !told.end.isDone(); sent += 10_000) {
            socket.sendBinary(ByteBuffer.wrap(new byte[10_000]), true)
                    .handle((done, failure) -> null)
                    .get(30, TimeUnit.SECONDS);
        }

        assertThat(told.end.get(30, TimeUnit.SECONDS))
                .isInstanceOfSatisfying(EgressDeniedException.class, denied -> assertThat(denied.code())
                        .isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT));

        JsonNode call = world.onlyCall();
        assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
        assertThat(call.path("error.type").asText()).isEqualTo("SR-EGRESS-007");
    }

    @Test
    void connectionThatEndsWithoutAWord_isNoWholeAnswer() throws Exception {
        world.left.answer(silent());
        Told told = new Told();
        open("/", told).get(30, TimeUnit.SECONDS);

        world.left.close();

        assertThat(told.end.get(30, TimeUnit.SECONDS)).isEqualTo(1006);
        JsonNode call = world.onlyCall();
        assertThat(call.path("secure_runtime.action").asText()).isEqualTo("allow");
        assertThat(call.path("secure_runtime.complete").asBoolean()).isFalse();
        assertThat(call.path("error.type").asText()).isEqualTo(EOFException.class.getName());
    }

    @Test
    void abort_isNoWholeAnswer() throws Exception {
        world.left.answer(silent());
        open("/", new Told()).get(30, TimeUnit.SECONDS).abort();

        JsonNode call = world.onlyCall();
        assertThat(call.path("secure_runtime.complete").asBoolean()).isFalse();
        assertThat(call.path("error.type").asText()).isEqualTo(IOException.class.getName());
    }

    @Test
    void refusalThatAListenerThrows_isItsOwnFailure() throws Exception {
        EgressDeniedException others = new EgressDeniedException(
                new EgressRequest("agent", "POST", "https", "elsewhere.example", 443, "/", List.of()),
                new Denied(ErrorCode.EGRESS_DENIED, Reason.DENY_RULE, "made up", null, "").at(Layer.UNDER_WAY));
        world.left.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
            @Override
            public void onOpen(okhttp3.WebSocket socket, Response response) {
                socket.send("welcome");
            }
        }));
        Told told = new Told() {
            @Override
            public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
                throw JdkWebSocketEndsTest.<RuntimeException>sneaky(others);
            }
        };
        open("/", told).get(30, TimeUnit.SECONDS);

        assertThat(told.end.get(30, TimeUnit.SECONDS)).isNotInstanceOf(EgressDeniedException.class);
        JsonNode call = world.onlyCall();
        assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("allow");
        assertThat(call.path("error.type").asText()).endsWith("CallersFailure");
    }

    /** As code in languages that check no exceptions throws it. */
    @SuppressWarnings("unchecked")
    private static <X extends Throwable> RuntimeException sneaky(Throwable failure) throws X {
        throw (X) failure;
    }

    @Test
    void policyThatRefusesIt_whileItIsOpened_failsTheOpening() throws Exception {
        world.runtime.reload(allowing("/before/**"));
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answered = new CountDownLatch(1);
        world.left.server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
                asked.countDown();
                answered.await(30, TimeUnit.SECONDS);
                return silent();
            }
        });
        Told told = new Told();
        CompletableFuture<WebSocket> opening = open("/before/all", told);
        assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();

        assertThat(world.runtime.reload(allowing("/after/**")).cutCalls()).isEqualTo(1);
        answered.countDown();

        assertThatThrownBy(() -> opening.get(30, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(EgressDeniedException.class);
        assertThat(told.opened).isNotDone();
        assertThat(world.left.awaitOpen(0)).isTrue();
        assertThat(world.onlyCall().path("secure_runtime.action").asText()).isEqualTo("cut");
    }
}
