package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressProxy;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.PolicyReload;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Modifier;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import okhttp3.Dns;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.MockResponse;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Guarded requests that go through the one proxy that was approved: a real one, which keeps all that it was told. */
class ApprovedProxyTest {

    private static final String LOGIN = "corporate-user:correct-horse";
    private static final String BASIC = "Basic Y29ycG9yYXRlLXVzZXI6Y29ycmVjdC1ob3JzZQ==";

    @TempDir
    Path folder;

    private TunnelProxy proxy;

    @BeforeEach
    void start() throws IOException {
        proxy = new TunnelProxy(BASIC);
    }

    @AfterEach
    void stop() throws IOException {
        proxy.close();
    }

    private GuardedWorld world(String host) throws IOException {
        return new GuardedWorld(
                folder,
                builder -> builder.egressProxy(EgressProxy.at(host + ":" + proxy.port())
                        .login(() -> LOGIN.getBytes(StandardCharsets.US_ASCII))));
    }

    private static Request get(GuardedWorld world, String host) {
        return new Request.Builder().url(world.url(host, "/v1/models")).build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "proxy.internal"})
    void call_throughTheProxy_tellsItTheTargetAndItsLoginAndNothingElse(String host) throws Exception {
        try (GuardedWorld world = world(host)) {
            world.provider.answer(LoopbackServer.json("{}"));
            try (Response response = GuardedOkHttp.callFactory(world.agent)
                    .newCall(get(world, GuardedWorld.OPENAI))
                    .execute()) {
                assertThat(response.body().string()).isEqualTo("{}");
            }

            String target = GuardedWorld.OPENAI + ":" + world.provider.port();
            assertThat(proxy.heads()).singleElement().satisfies(head -> assertThat(head)
                    .startsWith("CONNECT " + target + " HTTP/1.1\r\n")
                    .contains("Proxy-Authorization: " + BASIC)
                    .doesNotContain(GuardedWorld.OPENAI_KEY, "/v1/models", "\r\nAuthorization"));
            String seen = LoopbackServer.clear(
                    world.provider.server.takeRequest(10, TimeUnit.SECONDS).getHeaders());
            assertThat(seen)
                    .contains(GuardedWorld.OPENAI_KEY)
                    .doesNotContainIgnoringCase("proxy-authorization")
                    .doesNotContain(BASIC);
            assertThat(world.resolver.lookups()).doesNotContain(GuardedWorld.OPENAI);
        }
    }

    @Test
    void log_ofCallsThroughTheProxy_namesIt_saysWhatIsNotJudged_andHoldsNoLogin() throws Exception {
        try (GuardedWorld world = world("127.0.0.1")) {
            world.provider.answer(LoopbackServer.json("{}"));
            GuardedOkHttp.callFactory(world.agent)
                    .newCall(get(world, GuardedWorld.OPENAI))
                    .execute()
                    .close();
            world.runtime.close();

            String named = "127.0.0.1:" + proxy.port();
            JsonNode start = world.records("runtime.start").get(0).path("attributes");
            assertThat(start.path("secure_runtime.proxy").asText()).isEqualTo(named);
            assertThat(start.path("secure_runtime.not_judged").path(0).asText()).isEqualTo("addresses");
            JsonNode call = world.records("egress.call").get(0).path("attributes");
            assertThat(call.path("secure_runtime.proxy").asText()).isEqualTo(named);
            assertThat(world.everythingLogged()).doesNotContain(LOGIN, "correct-horse", BASIC);
        }
    }

    @ParameterizedTest
    @EnumSource(Hiding.class)
    void passwordOfTheProxy_byItself_leavesForNowhere(Hiding hiding) throws Exception {
        try (GuardedWorld world = world("127.0.0.1")) {
            GuardedCallFactory calls = GuardedOkHttp.callFactory(world.agent);
            world.provider.answer(LoopbackServer.json("{}"));
            calls.newCall(hiding.holding(get(world, GuardedWorld.OPENAI), "wrong-horse"))
                    .execute()
                    .close();

            world.provider.answer(LoopbackServer.json("{}")); // what must not leave would be answered
            assertThatThrownBy(() -> calls.newCall(hiding.holding(get(world, GuardedWorld.OPENAI), "correct-horse"))
                            .execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
                        assertThat(denial.decision().code()).isEqualTo(ErrorCode.EGRESS_SECRET_LEAVING);
                        assertThat(denial.decision().detail()).contains("@egress-proxy-password");
                        assertThat(denial.decision().remedy()).doesNotContain("sendTo");
                    });
            assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
        }
    }

    private enum Hiding {
        URL {
            @Override
            Request holding(Request request, String word) {
                return request.newBuilder()
                        .url(request.url()
                                .newBuilder()
                                .addQueryParameter("q", word)
                                .build())
                        .build();
            }
        },
        HEADER {
            @Override
            Request holding(Request request, String word) {
                return request.newBuilder().header("X-Note", word).build();
            }
        },
        BODY {
            @Override
            Request holding(Request request, String word) {
                return request.newBuilder()
                        .post(RequestBody.create("{\"note\":\"" + word + "\"}", null))
                        .build();
            }
        };

        abstract Request holding(Request request, String word);
    }

    @Test
    void host_thatIsNotAllowed_isToldNeitherToTheProxyNorToTheNameServer() throws Exception {
        try (GuardedWorld world = world("proxy.internal")) {
            assertThatThrownBy(() -> GuardedOkHttp.callFactory(world.agent)
                            .newCall(get(world, GuardedWorld.EVIL))
                            .execute())
                    .isInstanceOf(EgressDeniedException.class);
            assertThat(proxy.connections()).isZero();
            assertThat(world.resolver.lookups()).isEmpty();
        }
    }

    @Test
    void redirect_toAnotherHost_isRefusedBehindTheProxyToo() throws Exception {
        try (GuardedWorld world = world("127.0.0.1")) {
            world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.EVIL, "/steal")));
            assertThatThrownBy(() -> GuardedOkHttp.callFactory(world.agent)
                            .newCall(get(world, GuardedWorld.OPENAI))
                            .execute())
                    .isInstanceOf(EgressDeniedException.class);
            assertThat(proxy.heads()).hasSize(1);
        }
    }

    @Test
    void plainHttp_isRefused_alsoWhereTheProxyWouldTakeIt() throws Exception {
        try (TunnelProxy open = new TunnelProxy();
                GuardedWorld world = new GuardedWorld(folder, builder -> builder.policy(Policy.builder()
                                .component(
                                        "agent",
                                        ComponentPolicy.builder()
                                                .allow(EgressRule.host(
                                                        GuardedWorld.OPENAI,
                                                        new Scope(Set.of(80), Set.of("http"), Set.of(), Set.of())))
                                                .build())
                                .build())
                        .egressProxy(EgressProxy.at("127.0.0.1:" + open.port())))) {
            Request plain = new Request.Builder()
                    .url("http://" + GuardedWorld.OPENAI + "/v1/models?key=1")
                    .build();

            assertThatThrownBy(() -> GuardedOkHttp.callFactory(world.agent)
                            .newCall(plain)
                            .execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(
                                    denial.decision().reason())
                            .isEqualTo(Reason.PLAIN_HTTP_THROUGH_PROXY));
            assertThat(open.connections()).isZero();

            world.bare()
                    .newBuilder()
                    .proxy(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", open.port())))
                    .build()
                    .newCall(plain)
                    .execute()
                    .close();
            assertThat(open.heads().get(0)).contains("/v1/models?key=1"); // what a proxy gets to read
        }
    }

    @Test
    void target_thatAsksForTheProxysLogin_doesNotGetIt() throws Exception {
        try (GuardedWorld world = world("127.0.0.1")) {
            world.provider.answer(new MockResponse()
                    .setResponseCode(407)
                    .setHeader("Proxy-Authenticate", "OkHttp-Preemptive")
                    .setBody("who are you?"));
            try (Response response = GuardedOkHttp.client(world.agent)
                    .newCall(get(world, GuardedWorld.OPENAI))
                    .execute()) {
                assertThat(response.code()).isEqualTo(407);
            }
            assertThat(LoopbackServer.clear(world.provider
                            .server
                            .takeRequest(10, TimeUnit.SECONDS)
                            .getHeaders()))
                    .doesNotContainIgnoringCase("proxy-authorization");
        }
    }

    /** OkHttp asks for the login when a CONNECT is answered with 407, whether the proxy or the target did so. */
    @Test
    void connect_ofTheCallersOwn_isRefused_andWouldNotGetTheLogin() throws Exception {
        try (GuardedWorld world = world("127.0.0.1")) {
            Request connect = get(world, GuardedWorld.OPENAI)
                    .newBuilder()
                    .method("CONNECT", null)
                    .build();
            assertThatThrownBy(() -> GuardedOkHttp.callFactory(world.agent)
                            .newCall(connect)
                            .execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
                        assertThat(denial.code()).isEqualTo(ErrorCode.EGRESS_MALFORMED_TARGET);
                        assertThat(denial.decision().detail()).contains("CONNECT");
                    });
            assertThat(proxy.connections()).isZero();

            Gate gate = Gate.open(world.agent, MethodHandles.lookup());
            Hop hop = Hop.first(gate, connect, Hop.Timeouts.INHERITED);
            assertThat(answerTo407(
                            gate, connect.newBuilder().tag(Hop.class, hop).build()))
                    .isNull();
            assertThat(answerTo407(gate, connect).header("Proxy-Authorization")).isEqualTo(BASIC);
        }
    }

    private static Request answerTo407(Gate gate, Request connect) throws IOException {
        return new ProxyLogin(gate.egressProxy())
                .authenticate(
                        null,
                        new Response.Builder()
                                .request(connect)
                                .protocol(Protocol.HTTP_1_1)
                                .code(407)
                                .message("")
                                .build());
    }

    @Test
    void webSocket_goesThroughTheProxy() throws Exception {
        try (GuardedWorld world = world("127.0.0.1")) {
            world.provider.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {}));
            CompletableFuture<Boolean> opened = new CompletableFuture<>();
            WebSocket socket = GuardedOkHttp.callFactory(world.agent)
                    .newWebSocket(get(world, GuardedWorld.OPENAI), new WebSocketListener() {
                        @Override
                        public void onOpen(WebSocket webSocket, Response response) {
                            opened.complete(true);
                        }

                        @Override
                        public void onFailure(WebSocket webSocket, Throwable failure, @Nullable Response response) {
                            opened.completeExceptionally(failure);
                        }
                    });
            assertThat(opened.get(30, TimeUnit.SECONDS)).isTrue();
            assertThat(proxy.heads()).hasSize(1);
            socket.cancel();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void reload_closesTheTunnelsThatTheNewPolicyRefuses_thoughAllLeadToOneProxy(Protocol protocol) throws Exception {
        try (TunnelProxy open = new TunnelProxy();
                ReloadWorld world = new ReloadWorld(
                        folder, protocol, builder -> builder.egressProxy(EgressProxy.at("127.0.0.1:" + open.port())))) {
            world.left.answer(LoopbackServer.json("{}"));
            world.both.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));
            world.calls.newCall(world.get(ReloadWorld.LEFT)).execute().close();
            // Under way, so that the old version's connections are not closed for being idle.
            try (Response kept =
                    world.calls.newCall(world.get(ReloadWorld.BOTH)).execute()) {
                assertThat(world.left.awaitOpen(1)).isTrue();

                PolicyReload done = world.runtime.reload(world.rightPolicy());

                assertThat(done.closed()).containsExactly("https://left.example:" + world.left.port());
                assertThat(world.left.awaitOpen(0)).isTrue();
                assertThat(kept.body().string()).isEqualTo("{}");
            }
        }
    }

    @Test
    void proxyThatIsSpelledInAnyOtherWay_isRefused() {
        for (String written : new String[] {
            "socks5://127.0.0.1:1080",
            "http://proxy.internal:3128",
            "proxy.internal",
            "proxy.internal:0",
            "proxy.internal:70000",
            "user:pw@proxy.internal:3128",
            "2130706433:3128",
            "0177.0.0.1:3128",
            "[fe80::1%1]:1",
            "\u212aproxy:3128",
            "proxy.internal:3128/"
        }) {
            assertThatThrownBy(() -> EgressProxy.at(written)).as(written).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(EgressProxy.at("Proxy.Internal:3128")).hasToString("proxy.internal:3128");
        assertThat(EgressProxy.at("[FD00::1]:3128").host()).isEqualTo("fd00::1");
        assertThat(EgressProxy.at("10.0.0.1:3128").login(() -> new byte[] {'p', 'w'}))
                .hasToString("10.0.0.1:3128");
    }

    /** OkHttp asks {@code newCall} since 5.5; what it has by default asks ours. */
    @Test
    void newerWayToLookUp_asksTheSameJudge() throws Exception {
        Assumptions.assumeTrue(SwappedParts.asksByCall());
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HardenedClient hardened = new HardenedClient(Gate.open(world.agent, MethodHandles.lookup()));
            Request request = get(world, GuardedWorld.OPENAI);
            Hop hop = Hop.first(hardened.gate(), request, Hop.Timeouts.INHERITED);
            Dns dns =
                    hardened.generation(hop.snapshot()).clientFor(request.url()).dns();

            assertThat(SwappedParts.lookUpByCall(dns, GuardedWorld.OPENAI))
                    .isInstanceOfSatisfying(UnknownHostException.class, failure -> assertThat(failure)
                            .hasCauseInstanceOf(EgressDeniedException.class));
            assertThat(world.resolver.lookups()).isEmpty();
            assertThat(JudgedDns.class.getModifiers() & Modifier.FINAL).isNotZero();
            hop.record().failed(new IOException("never sent"));
            hardened.close();
        }
    }
}
