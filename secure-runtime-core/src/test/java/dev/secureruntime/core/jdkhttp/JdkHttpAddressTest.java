package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.okhttp.FakeResolver;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.HostResolver;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.mockwebserver.SocketPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the JDK's client is let connect to, and who says which address that is. */
class JdkHttpAddressTest {

    @TempDir
    Path folder;

    private static HttpRequest get(String url) {
        return HttpRequest.newBuilder(URI.create(url))
                .timeout(Duration.ofSeconds(30))
                .build();
    }

    private static void assertDeniedAt(Layer layer, HttpClient client, String url) {
        assertThatThrownBy(() -> client.send(get(url), BodyHandlers.ofString()))
                .isInstanceOfSatisfying(EgressDeniedException.class, denied -> {
                    assertThat(denied.decision().reason()).isEqualTo(Reason.SPECIAL_ADDRESS);
                    assertThat(denied.decision().layer()).isEqualTo(layer);
                });
    }

    @Test
    void send_toEveryBypassUrl_asksNoNameServerAndConnectsNowhere() throws Exception {
        ObjectMapper json = new ObjectMapper();
        List<String> urls = new ArrayList<>();
        try (InputStream file = getClass().getResourceAsStream("/vectors/egress/ssrf_bypass_urls.jsonl")) {
            for (String line : new String(file.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                urls.add(json.readTree(line).get("url").asText());
            }
        }
        assertThat(urls).hasSize(146);
        FakeResolver resolver = new FakeResolver();
        int sent = 0;
        try (SecureRuntime runtime = SecureRuntime.builder()
                .policy(Policy.builder()
                        .component(
                                "agent",
                                ComponentPolicy.builder()
                                        .allowHost("api.openai.com")
                                        .build())
                        .build())
                .auditLog(AuditSettings.in(folder.resolve("audit")))
                .resolver(resolver)
                .build()) {
            HttpClient client = GuardedJdkHttp.client(runtime.component("agent"));
            for (String url : urls) {
                HttpRequest request;
                try {
                    request = get(url);
                } catch (IllegalArgumentException e) {
                    continue; // the JDK itself builds no request from it
                }
                sent++;
                assertThatThrownBy(() -> client.send(request, BodyHandlers.ofString()))
                        .as(url)
                        .isInstanceOf(EgressDeniedException.class)
                        .isInstanceOfSatisfying(
                                EgressDeniedException.class,
                                denied -> assertThat(denied.decision().layer()).isEqualTo(Layer.REQUEST));
            }
        }
        assertThat(sent).isGreaterThan(60);
        assertThat(resolver.lookups()).isEmpty();
    }

    @Test
    void send_toAHostWithASpecialOrMixedAddress_isRefused_asAnAddressOfItsOwnIs() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder);
                ServerSocket local = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.2"))) {
            HttpClient client = GuardedJdkHttp.client(world.agent);
            for (String address : List.of("127.0.0.2", "169.254.169.254", "10.0.0.1", "::1", "fd00:ec2::254")) {
                world.resolver.set(GuardedWorld.OPENAI, address);
                assertDeniedAt(Layer.LOOKUP, client, world.url(GuardedWorld.OPENAI, "/"));
            }
            world.resolver.set(GuardedWorld.OPENAI, "127.0.0.1", "127.0.0.2");
            assertDeniedAt(Layer.LOOKUP, client, world.url(GuardedWorld.OPENAI, "/"));
            assertThat(world.provider.connections()).isZero();
            assertThatThrownBy(() -> client.send(
                            get("https://127.0.0.2:" + local.getLocalPort() + "/"), BodyHandlers.ofString()))
                    .isInstanceOf(EgressDeniedException.class);
        }
    }

    /** Answers differently at each look-up. */
    private static HostResolver rebinding(AtomicInteger lookups, String... answers) {
        return host -> List.of(InetAddress.getByAddress(
                host,
                InetAddress.getByName(answers[Math.min(lookups.getAndIncrement(), answers.length - 1)])
                        .getAddress()));
    }

    @Test
    void rebinding_checkThenConnect_reachesLoopback_withoutTheRelay() throws Exception {
        try (LoopbackServer server = new LoopbackServer("localhost")) {
            server.answer(LoopbackServer.json("{}"));
            HostResolver first = rebinding(new AtomicInteger(), "203.0.113.7");
            assertThat(first.resolve("localhost").get(0).isLoopbackAddress()).isFalse(); // the check
            HttpClient bare = HttpClient.newBuilder()
                    .sslContext(LoopbackServer.CLIENT.sslContext())
                    .build();
            bare.send(get("https://localhost:" + server.port() + "/"), BodyHandlers.discarding()); // looks up by itself
            assertThat(server.connections()).isEqualTo(1);
        }
    }

    @Test
    void rebinding_theAddressThatIsConnectedTo_isTheOneThatWasJudged() throws Exception {
        AtomicInteger lookups = new AtomicInteger();
        try (GuardedWorld world = new GuardedWorld(
                        folder, settings -> settings.resolver(rebinding(lookups, "127.0.0.1", "127.0.0.2")));
                ServerSocket rebound = new ServerSocket(world.provider.port(), 1, InetAddress.getByName("127.0.0.2"))) {
            HttpClient client = GuardedJdkHttp.builder(world.agent)
                    .version(HttpClient.Version.HTTP_1_1)
                    .build();
            String url = world.url(GuardedWorld.OPENAI, "/");
            world.provider.answer(
                    LoopbackServer.json("{}"),
                    LoopbackServer.json("{}").setSocketPolicy(SocketPolicy.DISCONNECT_AT_END));
            client.send(get(url), BodyHandlers.ofString());
            assertThat(lookups).hasValue(1); // nobody asked behind our back
            client.send(get(url), BodyHandlers.ofString());
            assertThat(world.provider.awaitOpen(0)).isTrue();

            assertDeniedAt(Layer.LOOKUP, client, url);

            assertThat(lookups).hasValue(2);
            rebound.setSoTimeout(1);
            assertThatThrownBy(rebound::accept).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void proxies_setForTheWholeMachine_areNotAsked_thoughABareClientAsks() throws Exception {
        List<URI> asked = Collections.synchronizedList(new ArrayList<>());
        ProxySelector before = ProxySelector.getDefault();
        try (GuardedWorld world = new GuardedWorld(folder);
                ServerSocket proxy = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"))) {
            System.setProperty("https.proxyHost", "127.0.0.1");
            System.setProperty("https.proxyPort", Integer.toString(proxy.getLocalPort()));
            System.setProperty("socksProxyHost", "127.0.0.1");
            System.setProperty("socksProxyPort", Integer.toString(proxy.getLocalPort()));
            ProxySelector.setDefault(new ProxySelector() {
                @Override
                public List<Proxy> select(URI uri) {
                    asked.add(uri);
                    return List.of(
                            new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", proxy.getLocalPort())));
                }

                @Override
                public void connectFailed(URI uri, SocketAddress address, IOException failure) {}
            });
            HttpClient bare = HttpClient.newBuilder().build();
            CompletableFuture<?> attempt =
                    bare.sendAsync(get(world.url(GuardedWorld.OPENAI, "/")), BodyHandlers.discarding());
            proxy.setSoTimeout(100);
            int proxied = 0;
            while (!attempt.isDone()) {
                proxied += accepts(proxy) ? 1 : 0;
            }
            assertThat(proxied).isPositive();
            assertThat(asked).isNotEmpty();
            asked.clear();

            world.provider.answer(LoopbackServer.json("{}"));
            GuardedJdkHttp.client(world.agent).send(get(world.url(GuardedWorld.OPENAI, "/")), BodyHandlers.ofString());

            assertThat(world.provider.connections()).isEqualTo(1);
            assertThat(asked).isEmpty();
            assertThat(accepts(proxy)).isFalse();
        } finally {
            ProxySelector.setDefault(before);
            List.of("https.proxyHost", "https.proxyPort", "socksProxyHost", "socksProxyPort")
                    .forEach(System::clearProperty);
        }
    }

    private static boolean accepts(ServerSocket proxy) throws IOException {
        try {
            proxy.accept().close();
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    @Test
    void send_whereNobodyListens_failsAsTheJdksDoes() throws Exception {
        int free;
        try (ServerSocket reserved = new ServerSocket(0)) {
            free = reserved.getLocalPort();
        }
        try (SecureRuntime runtime = SecureRuntime.builder()
                .policy(Policy.builder()
                        .component(
                                "agent",
                                ComponentPolicy.builder()
                                        .allow(EgressRule.host("api.openai.com", Scope.HTTPS.onPort(free)))
                                        .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(free)))
                                        .build())
                        .build())
                .auditLog(AuditSettings.in(folder.resolve("audit")))
                .resolver(new FakeResolver())
                .build()) {
            assertThatThrownBy(() -> GuardedJdkHttp.client(runtime.component("agent"))
                            .send(get("https://api.openai.com:" + free + "/"), BodyHandlers.ofString()))
                    .isInstanceOf(ConnectException.class);
        }
    }
}
