package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedSocketFactory;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.okhttp.Hop.Timeouts;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.PolicyReload;
import dev.secureruntime.secret.SecretDeniedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.invoke.MethodHandles;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okhttp3.mockwebserver.SocketPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PolicyReloadTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void call_waitingForItsAnswer_isCutByAPolicyThatRefusesIt(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            CountDownLatch cut = new CountDownLatch(1);
            world.left.server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
                    cut.await(20, TimeUnit.SECONDS);
                    return LoopbackServer.json("{}");
                }
            });
            CompletableFuture<Response> answer = enqueue(world, ReloadWorld.LEFT);
            assertThat(world.left.server.takeRequest(20, TimeUnit.SECONDS)).isNotNull();

            PolicyReload done = world.runtime.reload(world.rightPolicy());

            assertThat(done.cutCalls()).isEqualTo(1);
            assertThat(done.closed()).containsExactly("https://left.example:" + world.left.port());
            assertCut(answer, done.now().toString());
            cut.countDown(); // a server sees that the other end is gone when it writes or reads
            assertThat(world.left.awaitOpen(0)).isTrue();
            world.runtime.close();
            JsonNode call = world.records("egress.call").get(0).path("attributes");
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
            assertThat(call.path("secure_runtime.layer").asText()).isEqualTo("under_way");
            assertThat(call.path("secure_runtime.policy.version").asText())
                    .isEqualTo(done.now().toString());
            JsonNode reloaded = world.records("policy.reloaded").get(0).path("attributes");
            assertThat(reloaded.path("secure_runtime.policy.previous").asText())
                    .isEqualTo(done.before().toString());
            assertThat(reloaded.path("secure_runtime.cut_calls").asInt()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void answer_thatIsBeingRead_breaksOffWithTheNewPolicysWord(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            world.left.answer(LoopbackServer.slow());
            try (Response response =
                    world.calls.newCall(world.get(ReloadWorld.LEFT)).execute()) {
                response.body().source().require(1_000);

                world.runtime.reload(world.rightPolicy());

                assertThatThrownBy(() -> response.body().string())
                        .isInstanceOfSatisfying(
                                EgressDeniedException.class,
                                e -> assertThat(e.decision().layer()).isEqualTo(Layer.UNDER_WAY));
            }
            assertThat(world.left.awaitOpen(0)).isTrue();
        }
    }

    @Test
    void call_thatTheNewPolicyStillAllows_goesOn_andItsConnectionEndsWithIt() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2)) {
            CountDownLatch reloaded = new CountDownLatch(1);
            world.both.server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
                    reloaded.await(20, TimeUnit.SECONDS);
                    return LoopbackServer.json("{}");
                }
            });
            CompletableFuture<Response> answer = enqueue(world, ReloadWorld.BOTH);
            assertThat(world.both.server.takeRequest(20, TimeUnit.SECONDS).getHeader("x-api-key"))
                    .isEqualTo(ReloadWorld.LEFT_KEY);

            PolicyReload done = world.runtime.reload(world.rightPolicy());
            reloaded.countDown();

            assertThat(done.cutCalls()).isZero();
            try (Response response = answer.get(20, TimeUnit.SECONDS)) {
                assertThat(response.body().string()).isEqualTo("{}");
            }
            assertThat(world.both.awaitOpen(0)).isTrue();
            world.calls.newCall(world.get(ReloadWorld.BOTH)).execute().close();
            assertThat(world.both.server.takeRequest(20, TimeUnit.SECONDS).getHeader("x-api-key"))
                    .isEqualTo(ReloadWorld.RIGHT_KEY);
            assertThat(world.both.connections()).isEqualTo(2);
        }
    }

    /** OkHttp calls a connection idle before its reader has seen an answer's end: what begins must not get one that is being closed. */
    @Test
    void hop_ofTheOldPolicy_doesNotBeginWhileItsIdleConnectionsAreClosed() throws Exception {
        SlowToClose sockets = new SlowToClose();
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.both.answer(LoopbackServer.json("{}"));
            Gate gate = Gate.open(world.agent, MethodHandles.lookup());
            HardenedClient hardened = new HardenedClient(gate, new Layers(gate) {
                @Override
                SocketFactory sockets(JudgedSocketFactory ours) {
                    return sockets;
                }
            });
            Request request = world.get(ReloadWorld.BOTH);
            Hop hop = Hop.first(gate, request, Timeouts.INHERITED);
            Generation old = hardened.generation(hop.snapshot());
            LiveExchange first = old.begin(hop, () -> {}, null);
            Request tagged = request.newBuilder().tag(Hop.class, hop).build();
            old.clientFor(request.url()).newCall(tagged).execute().close();
            first.close();
            world.runtime.reload(world.rightPolicy());

            Thread closing = new Thread(() -> hardened.policyChanged(gate.inForce()));
            closing.start();
            assertThat(sockets.closing.await(20, TimeUnit.SECONDS)).isTrue();
            CompletableFuture<LiveExchange> begun = new CompletableFuture<>();
            Thread beginning = new Thread(() -> {
                try {
                    begun.complete(old.begin(Hop.first(gate, request, Timeouts.INHERITED), () -> {}, null));
                } catch (EgressDeniedException e) {
                    begun.completeExceptionally(e);
                }
            });
            beginning.start();
            awaitHalt(beginning);

            assertThat(beginning.getState()).isEqualTo(Thread.State.BLOCKED);
            assertThat(begun).isNotDone();
            sockets.goOn.countDown();
            begun.get(20, TimeUnit.SECONDS).close();
            closing.join(20_000);
        } finally {
            sockets.goOn.countDown();
        }
    }

    /** Returns when the thread is blocked or has ended, or after 20 seconds. */
    private static void awaitHalt(Thread thread) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (thread.getState() != Thread.State.BLOCKED
                && thread.getState() != Thread.State.TERMINATED
                && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    /** Sockets whose closing waits for the test. */
    private static final class SlowToClose extends SocketFactory {

        final CountDownLatch closing = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);

        @Override
        public Socket createSocket() {
            return new Socket() {
                @Override
                public void close() throws IOException {
                    closing.countDown();
                    try {
                        goOn.await(20, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        throw new InterruptedIOException();
                    }
                    super.close();
                }
            };
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void idleConnection_afterAReload_isClosed_whereABareClientKeepsIts() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.left.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));
            world.calls.newCall(world.get(ReloadWorld.LEFT)).execute().close();
            okhttp3.OkHttpClient bare = new okhttp3.OkHttpClient.Builder()
                    .dns(host -> java.util.List.of(java.net.InetAddress.getLoopbackAddress()))
                    .sslSocketFactory(LoopbackServer.CLIENT.sslSocketFactory(), LoopbackServer.CLIENT.trustManager())
                    .build();
            bare.newCall(world.get(ReloadWorld.LEFT)).execute().close();
            assertThat(world.left.awaitOpen(2)).isTrue();

            PolicyReload done = world.runtime.reload(world.rightPolicy());

            assertThat(done.closedConnections()).isEqualTo(1);
            assertThat(world.left.awaitOpen(1)).isTrue();
            assertThat(bare.connectionPool().idleConnectionCount()).isEqualTo(1);
            bare.connectionPool().evictAll();
            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.LEFT)).execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> assertThat(
                                    e.decision().policyVersion())
                            .isEqualTo(done.now().toString()));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void connection_toAnAddressThatTheNewPolicyDenies_isClosedUnderItsCall(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            world.left.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
            CompletableFuture<Response> answer = enqueue(world, ReloadWorld.LEFT);
            assertThat(world.left.server.takeRequest(20, TimeUnit.SECONDS)).isNotNull();

            Policy denying = world.policy(
                    "left-key",
                    ComponentPolicy.builder()
                            .allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left))
                            .deny(EgressRule.cidr("127.0.0.0/8", Scope.DEFAULT))
                            .secret("left-key"));
            PolicyReload done = world.runtime.reload(denying);

            assertThat(done.cutCalls()).isEqualTo(1);
            assertThat(done.closedConnections()).isEqualTo(1);
            EgressDeniedException denial = assertCut(answer, done.now().toString());
            assertThat(denial.code()).isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED);
            assertThat(denial.decision().rule()).contains("cidr 127.0.0.0/8");
        }
    }

    @Test
    void webSocket_thatTheNewPolicyRefuses_isCut() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.left.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {}));
            CompletableFuture<Void> open = new CompletableFuture<>();
            CompletableFuture<Throwable> failed = new CompletableFuture<>();
            world.calls.newWebSocket(world.get(ReloadWorld.LEFT), new WebSocketListener() {
                @Override
                public void onOpen(WebSocket webSocket, Response response) {
                    open.complete(null);
                }

                @Override
                public void onFailure(WebSocket webSocket, Throwable failure, Response response) {
                    failed.complete(failure);
                }
            });
            open.get(20, TimeUnit.SECONDS);

            PolicyReload done = world.runtime.reload(world.rightPolicy());

            assertThat(done.cutCalls()).isEqualTo(1);
            assertThat(failed.get(20, TimeUnit.SECONDS)).isInstanceOf(EgressDeniedException.class);
            assertThat(world.left.awaitOpen(0)).isTrue();
        }
    }

    @Test
    void component_thatTheNewPolicyDoesntHave_isRefusedEverything_andANewOneCanBeClaimed() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.runtime.reload(Policy.builder()
                    .component("newcomer", ComponentPolicy.builder().build())
                    .build());

            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.BOTH)).execute())
                    .isInstanceOf(EgressDeniedException.class);
            assertThatThrownBy(() -> world.agent.secrets().open("left-key"))
                    .isInstanceOfSatisfying(SecretDeniedException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.SECRET_NOT_ENTITLED));
            assertThat(world.runtime.component("newcomer").id().name()).isEqualTo("newcomer");
            assertThat(world.both.connections()).isZero();
        }
    }

    @Test
    void policy_thatNeedsASecretFromNowhere_isRefused_andTheOldOneStays() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            Policy lacking = Policy.builder()
                    .component(
                            "agent",
                            ComponentPolicy.builder().secret("from-nowhere").build())
                    .build();

            assertThatThrownBy(() -> world.runtime.reload(lacking))
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.RUNTIME_MISCONFIGURED));

            assertThat(world.runtime.policyVersion().number()).isEqualTo(1);
            world.both.answer(LoopbackServer.json("{}"));
            world.calls.newCall(world.get(ReloadWorld.BOTH)).execute().close();
            world.runtime.close();
            assertThat(world.records("policy.rejected")).hasSize(1);
        }
    }

    @Test
    void reload_ofWhatIsInForce_changesNothing() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            assertThat(world.runtime.reload(world.leftPolicy()).changed()).isFalse();
            assertThat(world.runtime.policyVersion().number()).isEqualTo(1);
            assertThat(world.runtime.reload(world.rightPolicy()).now().number()).isEqualTo(2);
        }
    }

    private static EgressDeniedException assertCut(CompletableFuture<Response> answer, String version) {
        try {
            answer.get(20, TimeUnit.SECONDS).close();
        } catch (ExecutionException e) {
            assertThat(e.getCause()).isInstanceOf(EgressDeniedException.class);
            EgressDeniedException denial = (EgressDeniedException) e.getCause();
            assertThat(denial.decision().layer()).isEqualTo(Layer.UNDER_WAY);
            assertThat(denial.decision().policyVersion()).isEqualTo(version);
            assertThat(denial.decision().detail()).contains("came into force while the call was under way");
            return denial;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("the call was not cut");
    }

    private static CompletableFuture<Response> enqueue(ReloadWorld world, String host) {
        CompletableFuture<Response> answer = new CompletableFuture<>();
        world.calls.newCall(world.get(host)).enqueue(new Callback() {
            @Override
            public void onFailure(Call call, IOException e) {
                answer.completeExceptionally(e);
            }

            @Override
            public void onResponse(Call call, Response response) {
                answer.complete(response);
            }
        });
        return answer;
    }
}
