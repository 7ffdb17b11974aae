package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.PolicyReload;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.SocketPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Calls on the JDK's client that a new policy meets under way. */
class JdkHttpReloadTest {

    @TempDir
    Path folder;

    private static HttpRequest get(ReloadWorld world, String host) {
        return HttpRequest.newBuilder(world.get(host).url().uri())
                .timeout(Duration.ofSeconds(60))
                .build();
    }

    private static HttpClient client(ReloadWorld world, Protocol protocol) {
        return GuardedJdkHttp.builder(world.agent)
                .version(protocol == Protocol.HTTP_2 ? Version.HTTP_2 : Version.HTTP_1_1)
                .build();
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void call_inWhoseMiddleAByteBudgetRunsOut_isCutAndToldWhy(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            ComponentPolicy.Builder budgeted = ComponentPolicy.builder()
                    .secret("left-key")
                    .allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left))
                    .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(world.left.port())))
                    .budget(ByteBudget.of(ReloadWorld.LEFT, 100_000, Duration.ofHours(1)));
            world.runtime.reload(world.policy("left-key", budgeted));
            HttpRequest large = HttpRequest.newBuilder(
                            world.get(ReloadWorld.LEFT).url().uri())
                    .timeout(Duration.ofSeconds(60))
                    .POST(BodyPublishers.ofByteArray(new byte[1_000_000]))
                    .build();

            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> client(world, protocol).send(large, BodyHandlers.discarding()))
                        .isInstanceOfSatisfying(EgressDeniedException.class, denied -> assertThat(denied.code())
                                .isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT));
            }
            world.runtime.close();
            assertThat(world.records("egress.call")
                            .get(0)
                            .path("attributes")
                            .path("error.type")
                            .asText())
                    .isEqualTo("SR-EGRESS-007");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void call_waitingForItsAnswer_isCutByAPolicyThatRefusesIt(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            world.left.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
            CompletableFuture<HttpResponse<String>> answer =
                    client(world, protocol).sendAsync(get(world, ReloadWorld.LEFT), BodyHandlers.ofString());
            assertThat(world.left.server.takeRequest(20, TimeUnit.SECONDS)).isNotNull();

            PolicyReload done = world.runtime.reload(world.rightPolicy());

            assertThat(done.cutCalls()).isEqualTo(1);
            assertThatThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOfSatisfying(EgressDeniedException.class, denied -> {
                        assertThat(denied.decision().layer()).isEqualTo(Layer.UNDER_WAY);
                        assertThat(denied.decision().policyVersion())
                                .isEqualTo(done.now().toString());
                    });
            assertThat(world.left.awaitOpen(0)).isTrue();
            world.runtime.close();
            JsonNode call = world.records("egress.call").get(0).path("attributes");
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void call_whoseBodyIsBeingRead_isCut_andItsReaderToldWhy(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            world.left.answer(
                    new MockResponse().setBody("x".repeat(1 << 20)).throttleBody(64 * 1024, 1, TimeUnit.SECONDS));
            HttpResponse<InputStream> response =
                    client(world, protocol).send(get(world, ReloadWorld.LEFT), BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                assertThat(body.read()).isEqualTo('x');

                world.runtime.reload(world.rightPolicy());

                assertThatThrownBy(body::readAllBytes).hasRootCauseInstanceOf(EgressDeniedException.class);
            }
            assertThat(world.left.awaitOpen(0)).isTrue();
            world.runtime.close();
            JsonNode call = world.records("egress.call").get(0).path("attributes");
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void call_stillAllowed_goesOnToItsEnd_andTheNextOneHasAConnectionOfItsOwn(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            HttpClient client = client(world, protocol);
            world.both.answer(
                    LoopbackServer.json("first").setBodyDelay(500, TimeUnit.MILLISECONDS),
                    LoopbackServer.json("second"));
            CompletableFuture<HttpResponse<String>> first =
                    client.sendAsync(get(world, ReloadWorld.BOTH), BodyHandlers.ofString());
            assertThat(world.both.server.takeRequest(20, TimeUnit.SECONDS).getHeader("x-api-key"))
                    .isEqualTo(ReloadWorld.LEFT_KEY);

            PolicyReload done = world.runtime.reload(world.rightPolicy());

            assertThat(done.cutCalls()).isZero();
            assertThat(client.send(get(world, ReloadWorld.BOTH), BodyHandlers.ofString())
                            .body())
                    .isEqualTo("second");
            assertThat(world.both.server.takeRequest(20, TimeUnit.SECONDS).getHeader("x-api-key"))
                    .isEqualTo(ReloadWorld.RIGHT_KEY);
            assertThat(first.get(30, TimeUnit.SECONDS).body()).isEqualTo("first");
            assertThat(world.both.connections()).isEqualTo(2);
            assertThat(world.both.awaitOpen(1)).isTrue(); // the old version's is closed when nothing is under way
            assertThatThrownBy(() -> client.send(get(world, ReloadWorld.LEFT), BodyHandlers.ofString()))
                    .isInstanceOf(EgressDeniedException.class);
        }
    }

    /**
     * The JDK takes a connection for idle, and with its end fails the answer, between its telling a subscriber of the body's end and
     * its handing out what that made of it.
     */
    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void answer_readToItsEnd_isHandedOut_thoughAReloadComesBefore(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            HttpClient client = client(world, protocol);
            world.both.answer(
                    LoopbackServer.json("first"), LoopbackServer.json("meanwhile"), LoopbackServer.json("second"));
            AskedLater asked = new AskedLater();
            CompletableFuture<HttpResponse<String>> first =
                    client.sendAsync(get(world, ReloadWorld.BOTH), info -> asked);
            Subscription subscription = asked.subscribed.get(20, TimeUnit.SECONDS);
            // By its end the first answer's body is there too: whoever asks for it is handed it, and the connection is
            // read meanwhile.
            client.send(get(world, ReloadWorld.BOTH), BodyHandlers.discarding());
            Thread asking = new Thread(() -> subscription.request(Long.MAX_VALUE));
            asking.start();
            asked.atItsEnd.get(20, TimeUnit.SECONDS);

            PolicyReload done = world.runtime.reload(world.rightPolicy());

            assertThat(done.cutCalls()).isZero();
            assertThat(client.send(get(world, ReloadWorld.BOTH), BodyHandlers.ofString())
                            .body())
                    .isEqualTo("second");
            asked.goOn.complete(null);
            assertThat(first.get(30, TimeUnit.SECONDS).body()).isEqualTo("first");
            asking.join(20_000);
            assertThat(world.both.awaitOpen(1)).isTrue();
        }
    }

    /** A body that is asked for when the test wants it, and that waits for the test once it is read. */
    private static final class AskedLater implements BodySubscriber<String> {

        final CompletableFuture<Subscription> subscribed = new CompletableFuture<>();
        final CompletableFuture<Void> atItsEnd = new CompletableFuture<>();
        final CompletableFuture<Void> goOn = new CompletableFuture<>();
        private final BodySubscriber<String> body = BodySubscribers.ofString(StandardCharsets.UTF_8);

        @Override
        public CompletionStage<String> getBody() {
            return body.getBody();
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            body.onSubscribe(new Subscription() {
                @Override
                public void request(long n) {
                    subscribed.complete(subscription);
                }

                @Override
                public void cancel() {
                    subscription.cancel();
                }
            });
        }

        @Override
        public void onNext(List<ByteBuffer> parts) {
            body.onNext(parts);
        }

        @Override
        public void onError(Throwable failure) {
            body.onError(failure);
        }

        @Override
        public void onComplete() {
            atItsEnd.complete(null);
            goOn.orTimeout(30, TimeUnit.SECONDS).join();
            body.onComplete();
        }
    }

    /** Who is about to send asks for the connections first, and a reload may come in between. */
    @Test
    void connections_thatAHopIsAboutToUse_areNotClosed_andClosedOnesAreUsedByNone() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            JdkTransport transport =
                    Gate.open(world.agent, MethodHandles.lookup()).transport(JdkTransport.class, JdkTransport::new);
            ComponentSnapshot old = transport.gate().inForce();
            JdkHop hop = JdkHop.first(
                    transport.gate(), SentRequest.of(get(world, ReloadWorld.BOTH)), Duration.ofSeconds(30));
            Generation generation = transport.entered(old);

            world.runtime.reload(world.rightPolicy());

            assertThat(generation.endWhenIdle()).isFalse();
            generation.begin(hop, () -> {}).close();
            assertThat(generation.enter()).isFalse();
            assertThat(transport.entered(old)).isNotSameAs(generation);
        }
    }
}
