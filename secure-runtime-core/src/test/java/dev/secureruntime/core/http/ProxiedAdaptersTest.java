package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.egress.Squid;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.core.okhttp.TunnelProxy;
import dev.secureruntime.egress.EgressProxy;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.PolicyReload;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.Protocol;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Each guarded client beside the one proxy that was approved: a real one, which keeps all that it was told. */
class ProxiedAdaptersTest {

    private static final String LOGIN = "corporate-user:correct-horse";
    private static final String BASIC = "Basic Y29ycG9yYXRlLXVzZXI6Y29ycmVjdC1ob3JzZQ==";

    private static final Path NCSA_AUTH = Path.of("/usr/lib/squid/basic_ncsa_auth");
    private static final String APR1_OF_CORRECT_HORSE = "$apr1$loopback$qY.ein7VgMup.ZT7KaDV91";

    @TempDir
    Path folder;

    private GuardedWorld world(TunnelProxy proxy, String host) throws IOException {
        return new GuardedWorld(
                folder,
                builder -> builder.egressProxy(EgressProxy.at(host + ":" + proxy.port())
                        .login(() -> LOGIN.getBytes(StandardCharsets.US_ASCII))));
    }

    /** The body, or what the client said instead. */
    private static String get(EveryAdapter adapter, GuardedWorld world, String url) {
        try {
            return adapter.call(world.agent, url);
        } catch (Exception e) {
            return e.toString();
        }
    }

    private static JsonNode lastCall(GuardedWorld world) throws IOException {
        world.runtime.close();
        List<JsonNode> calls = world.records("egress.call");
        return calls.get(calls.size() - 1).path("attributes");
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void call_goesThroughTheProxy_whichHearsTheTargetAndItsLoginAndNothingElse(EveryAdapter adapter) throws Exception {
        for (String host : List.of("127.0.0.1", "proxy.internal")) {
            try (TunnelProxy proxy = new TunnelProxy(BASIC);
                    GuardedWorld world = world(proxy, host)) {
                world.provider.answer(LoopbackServer.json("{\"of\":\"" + host + "\"}"));

                assertThat(adapter.call(world.agent, world.url(GuardedWorld.OPENAI, "/v1/models")))
                        .isEqualTo("{\"of\":\"" + host + "\"}");

                assertThat(proxy.heads()).singleElement().satisfies(head -> assertThat(head)
                        .startsWith("CONNECT " + GuardedWorld.OPENAI + ":" + world.provider.port() + " HTTP/1.1\r\n")
                        .contains("Proxy-Authorization: " + BASIC)
                        .doesNotContain(GuardedWorld.OPENAI_KEY, "/v1/models", "\r\nAuthorization"));
                RecordedRequest seen = world.provider.server.takeRequest(10, TimeUnit.SECONDS);
                assertThat(LoopbackServer.clear(seen.getHeaders()))
                        .contains(GuardedWorld.OPENAI_KEY)
                        .doesNotContainIgnoringCase("proxy-authorization")
                        .doesNotContain(BASIC);
                assertThat(world.resolver.lookups()).doesNotContain(GuardedWorld.OPENAI);
                JsonNode call = lastCall(world);
                assertThat(call.path("secure_runtime.proxy").asText()).isEqualTo(host + ":" + proxy.port());
                assertThat(world.everythingLogged()).doesNotContain(LOGIN, "correct-horse", BASIC);
            }
        }
    }

    /** What the next tests would see if the proxy were stepped around. */
    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void withoutAnApprovedProxy_theSameCallGoesDirectly(EveryAdapter adapter) throws Exception {
        try (TunnelProxy proxy = new TunnelProxy(BASIC);
                GuardedWorld world = new GuardedWorld(folder)) {
            world.provider.answer(LoopbackServer.json("{}"));
            assertThat(adapter.call(world.agent, world.url(GuardedWorld.OPENAI, "/v1/models")))
                    .isEqualTo("{}");
            assertThat(proxy.connections()).isZero();
            assertThat(world.resolver.lookups()).contains(GuardedWorld.OPENAI);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void hostThatIsNotAllowed_isToldNeitherToTheProxyNorToTheNameServer(EveryAdapter adapter) throws Exception {
        try (TunnelProxy proxy = new TunnelProxy(BASIC);
                GuardedWorld world = world(proxy, "proxy.internal")) {
            get(adapter, world, world.url(GuardedWorld.EVIL, "/steal"));

            assertThat(proxy.connections()).isZero();
            assertThat(world.resolver.lookups()).isEmpty();
            assertThat(lastCall(world).path("secure_runtime.action").asText()).isEqualTo("block");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void redirectToAnotherHost_isNotFollowedThroughTheProxy(EveryAdapter adapter) throws Exception {
        try (TunnelProxy proxy = new TunnelProxy(BASIC);
                GuardedWorld world = world(proxy, "127.0.0.1")) {
            world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.EVIL, "/steal")));

            get(adapter, world, world.url(GuardedWorld.OPENAI, "/v1/models"));

            assertThat(proxy.heads()).hasSize(1);
            assertThat(world.evil.server.getRequestCount()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void plainHttp_isRefused_alsoWhereTheProxyWouldTakeIt(EveryAdapter adapter) throws Exception {
        Scope plain = new Scope(Set.of(80), Set.of("http"), Set.of(), Set.of());
        try (TunnelProxy proxy = new TunnelProxy();
                GuardedWorld world = new GuardedWorld(folder, builder -> builder.policy(Policy.builder()
                                .component(
                                        "agent",
                                        ComponentPolicy.builder()
                                                .allow(EgressRule.host(GuardedWorld.OPENAI, plain))
                                                .build())
                                .build())
                        .egressProxy(EgressProxy.at("127.0.0.1:" + proxy.port())))) {
            get(adapter, world, "http://" + GuardedWorld.OPENAI + "/v1/models?key=1");

            assertThat(proxy.connections()).isZero();
            assertThat(lastCall(world).path("secure_runtime.reason").asText()).isEqualTo("plain_http_through_proxy");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void loginThatTheProxyRefuses_failsTheCall_andShowsInNoMessageAndNoRecord(EveryAdapter adapter) throws Exception {
        try (TunnelProxy proxy = new TunnelProxy("Basic another");
                GuardedWorld world = world(proxy, "127.0.0.1")) {
            String told = get(adapter, world, world.url(GuardedWorld.OPENAI, "/v1/models"));

            assertThat(told).contains("Exception").doesNotContain("correct-horse", BASIC);
            if (adapter != EveryAdapter.OKHTTP) {
                assertThat(told)
                        .contains("no tunnel to api.openai.com:" + world.provider.port())
                        .contains("the egress proxy 127.0.0.1:" + proxy.port() + " answered 407");
            }
            assertThat(world.provider.server.getRequestCount()).isZero();
            assertThat(lastCall(world).has("error.type")).isTrue();
            assertThat(world.everythingLogged()).doesNotContain("correct-horse", BASIC);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void reload_closesTheTunnelsThatTheNewPolicyRefuses(EveryAdapter adapter) throws Exception {
        try (TunnelProxy proxy = new TunnelProxy();
                ReloadWorld world = new ReloadWorld(
                        folder,
                        Protocol.HTTP_2,
                        builder -> builder.egressProxy(EgressProxy.at("127.0.0.1:" + proxy.port())))) {
            world.left.answer(LoopbackServer.json("{}"));
            assertThat(adapter.call(
                            world.agent, world.get(ReloadWorld.LEFT).url().toString()))
                    .isEqualTo("{}");
            assertThat(world.left.awaitOpen(1)).isTrue();

            PolicyReload done = world.runtime.reload(world.rightPolicy());

            assertThat(done.closed()).containsExactly("https://left.example:" + world.left.port());
            assertThat(world.left.awaitOpen(0)).isTrue();
            world.both.answer(LoopbackServer.json("{\"still\":1}"));
            assertThat(adapter.call(
                            world.agent, world.get(ReloadWorld.BOTH).url().toString()))
                    .isEqualTo("{\"still\":1}");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void budgetOfTheTarget_countsWhatGoesThroughTheTunnel(EveryAdapter adapter) throws Exception {
        try (TunnelProxy proxy = new TunnelProxy();
                ReloadWorld world = new ReloadWorld(
                        folder,
                        Protocol.HTTP_2,
                        builder -> builder.egressProxy(EgressProxy.at("127.0.0.1:" + proxy.port())))) {
            ComponentPolicy.Builder least = ComponentPolicy.builder()
                    .secret("left-key")
                    .allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left))
                    .budget(ByteBudget.of(ReloadWorld.LEFT, 100, Duration.ofHours(1)));
            world.runtime.reload(world.policy("left-key", least));

            try {
                adapter.call(world.agent, world.get(ReloadWorld.LEFT).url().toString());
            } catch (Exception e) {
                // What the client says of it differs; the record doesn't.
            }

            assertThat(proxy.heads()).hasSizeLessThanOrEqualTo(1);
            assertThat(world.left.server.getRequestCount()).isZero();
            world.runtime.close();
            assertThat(world.records("egress.call")
                            .get(0)
                            .path("attributes")
                            .path("secure_runtime.reason")
                            .asText())
                    .isEqualTo("budget_spent");
        }
    }

    /** It asks for a login, and leads to one host that the policy allows, not to the other, and to one that it refuses. */
    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_NONE, names = ".*_WEB_SOCKET")
    void realProxy_leadsWhereItsOwnRulesAllowToo_forItsLoginOnly(EveryAdapter adapter) throws Exception {
        assumeTrue(Squid.isInstalled() && Files.isExecutable(NCSA_AUTH), "Squid is not installed");
        Path users = Files.writeString(folder.resolve("users"), "corporate-user:" + APR1_OF_CORRECT_HORSE + "\n");
        String rules =
                """
                auth_param basic program %s %s
                acl known proxy_auth REQUIRED
                acl open dstdomain %s %s
                http_access allow CONNECT known open
                http_access deny all
                """
                        .formatted(NCSA_AUTH, users, GuardedWorld.OPENAI, GuardedWorld.EVIL);
        Map<String, String> names = Map.of(
                GuardedWorld.OPENAI, "127.0.0.1", GuardedWorld.EVIL, "127.0.0.1", GuardedWorld.PARTNER, "127.0.0.1");
        try (Squid squid = new Squid(folder, names, "127.0.0.1", rules)) {
            AtomicReference<String> login = new AtomicReference<>("corporate-user:wrong");
            EgressProxy proxy = EgressProxy.at("127.0.0.1:" + squid.port())
                    .login(() -> login.get().getBytes(StandardCharsets.US_ASCII));
            try (GuardedWorld world = new GuardedWorld(folder, builder -> builder.egressProxy(proxy))) {
                String allowed = world.url(GuardedWorld.OPENAI, "/v1/models");
                assertThat(get(adapter, world, allowed)).contains("Exception").doesNotContain("wrong");
                login.set(LOGIN);

                world.provider.answer(LoopbackServer.json("{\"through\":\"squid\"}"));
                assertThat(adapter.call(world.agent, allowed)).isEqualTo("{\"through\":\"squid\"}");
                assertThat(get(adapter, world, world.url(GuardedWorld.PARTNER, "/")))
                        .contains("Exception", "403");
                get(adapter, world, world.url(GuardedWorld.EVIL, "/"));

                assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
                assertThat(world.evil.server.getRequestCount()).isZero();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.MATCH_ALL, names = ".*_WEB_SOCKET")
    void webSocket_goesThroughTheProxy(EveryAdapter adapter) throws Exception {
        try (TunnelProxy proxy = new TunnelProxy(BASIC);
                GuardedWorld world = world(proxy, "127.0.0.1")) {
            world.provider.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
                @Override
                public void onClosing(WebSocket socket, int code, String reason) {
                    socket.close(code, null);
                }
            }));

            adapter.call(world.agent, world.url(GuardedWorld.OPENAI, "/v1/realtime"));

            assertThat(proxy.heads()).singleElement().satisfies(head -> assertThat(head)
                    .startsWith("CONNECT " + GuardedWorld.OPENAI + ":" + world.provider.port() + " HTTP/1.1\r\n")
                    .contains("Proxy-Authorization: " + BASIC)
                    .doesNotContain(GuardedWorld.OPENAI_KEY, "/v1/realtime"));
        }
    }
}
