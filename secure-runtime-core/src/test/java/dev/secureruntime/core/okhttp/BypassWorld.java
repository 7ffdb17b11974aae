package dev.secureruntime.core.okhttp;

import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedSocketFactory;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.SocketFactory;
import okhttp3.Authenticator;
import okhttp3.ConnectionPool;
import okhttp3.Dns;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.MockWebServer;
import okhttp3.mockwebserver.RecordedRequest;
import org.jspecify.annotations.Nullable;

/**
 * Servers that would receive what gets around the guard, and two components whose guarded clients lack some layers. Loopback
 * is opened on every port but that of {@link #inner} and, for {@link #agent}, of {@link #plain}: no address saves the day where
 * a name is what is attacked.
 */
final class BypassWorld implements AutoCloseable {

    /** What can be taken out; see {@link Layers}. */
    enum Layer {
        JUDGE,
        REDIRECTS,
        AUTHENTICATORS,
        PROXY,
        POOL,
        DNS,
        SOCKETS,
        WIRE,
        UPGRADE
    }

    static final String ALLOWED = "allowed.example";
    static final String PARTNER = "partner.example";
    static final String MIXED = "mixed.example";
    static final String REBOUND = "rebound.example";
    static final String EVIL = "evil.example";
    static final String PROMPT = "the user's secret plans";

    private static final int PATIENCE = 30;

    /** Servers and a runtime for many worlds, each of which takes components of its own. */
    static final class Ground implements AutoCloseable {

        private static final int WORLDS = 200;

        final LoopbackServer allowed;
        final LoopbackServer evil;
        final LoopbackServer inner;
        final MockWebServer plain = new MockWebServer();
        final FakeResolver resolver = new FakeResolver();
        final SecureRuntime runtime;
        private int worlds;

        Ground(Path folder, List<Protocol> protocols) throws IOException {
            allowed = new LoopbackServer(protocols, ALLOWED, PARTNER, MIXED, EVIL);
            evil = new LoopbackServer(protocols, EVIL, ALLOWED);
            inner = new LoopbackServer(protocols, REBOUND);
            plain.start(InetAddress.getByName("127.0.0.1"), 0);
            runtime = SecureRuntime.builder()
                    .policy(policy())
                    .auditLog(AuditSettings.in(folder.resolve("audit")))
                    .resolver(resolver)
                    .trustManager(LoopbackServer.CLIENT.trustManager())
                    .build();
        }

        private Policy policy() {
            Policy.Builder policy = Policy.builder();
            for (int i = 1; i <= WORLDS; i++) {
                ComponentPolicy.Builder agent = rules();
                for (LoopbackServer server : List.of(allowed, evil)) {
                    agent.allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())));
                }
                policy.component("agent-" + i, agent.build());
                ComponentPolicy.Builder opener = rules().allow(EgressRule.cidr("127.0.0.1/32", http()));
                policy.component("opener-" + i, opener.build());
            }
            return policy.build();
        }

        private ComponentPolicy.Builder rules() {
            Scope https = Scope.HTTPS.onPort(allowed.port());
            return ComponentPolicy.builder()
                    .allow(EgressRule.host(
                            ALLOWED, new Scope(https.ports(), https.schemes(), https.methods(), Set.of("/v1/**"))))
                    .allow(EgressRule.host(PARTNER, https))
                    .allow(EgressRule.host(MIXED, https))
                    .allow(EgressRule.host(REBOUND, Scope.HTTPS.onPort(inner.port())))
                    .allow(EgressRule.host(ALLOWED, http()));
        }

        private Scope http() {
            return new Scope(Set.of(plain.getPort()), Set.of("http"), Set.of(), Set.of());
        }

        @Override
        public void close() throws IOException {
            runtime.close();
            allowed.close();
            evil.close();
            inner.close();
            plain.shutdown();
        }
    }

    /** What a server received. */
    record Arrived(String server, String authority, String path, String head, String body) {}

    final LoopbackServer allowed;
    final LoopbackServer evil;
    final LoopbackServer inner;
    final MockWebServer plain;
    final FakeResolver resolver;
    final List<Arrived> arrived = new CopyOnWriteArrayList<>();
    final GuardedCallFactory agent;
    final GuardedCallFactory opener;
    private final ConnectionPool sharedPool = new ConnectionPool();
    private final Dns bareDns;
    private final Set<Layer> out;

    /** Code that got into the client behind the last of our interceptors. */
    volatile Interceptor meddler = chain -> chain.proceed(chain.request());
    /** What the client asks, once its own is taken out. */
    volatile Authenticator authenticator = Authenticator.NONE;
    /** What the allowed server answers. */
    volatile Function<RecordedRequest, MockResponse> answer = request -> new MockResponse().setBody("{}");
    /** How the last call or WebSocket failed; null when none did. */
    volatile @Nullable Throwable failure;

    BypassWorld(Ground ground, Set<Layer> out) throws IOException {
        this.out = EnumSet.noneOf(Layer.class);
        this.out.addAll(out);
        allowed = ground.allowed;
        evil = ground.evil;
        inner = ground.inner;
        plain = ground.plain;
        resolver = ground.resolver;
        bareDns = resolver::resolve;
        resolver.set(MIXED, "127.0.0.1");
        resolver.set(REBOUND, "127.0.0.1");
        keep("allowed", allowed.server);
        keep("evil", evil.server);
        keep("inner", inner.server);
        keep("plain", plain);
        ground.worlds++;
        agent = guarded(ground.runtime.component("agent-" + ground.worlds));
        opener = guarded(ground.runtime.component("opener-" + ground.worlds));
    }

    private void keep(String name, MockWebServer server) {
        server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                String authority = request.getHeader(":authority");
                arrived.add(new Arrived(
                        name,
                        authority == null ? String.valueOf(request.getHeader("Host")) : authority,
                        String.valueOf(request.getPath()),
                        LoopbackServer.clear(request.getHeaders()),
                        request.getBody().readUtf8()));
                return name.equals("allowed") ? answer.apply(request) : new MockResponse().setBody("{}");
            }
        });
    }

    private GuardedCallFactory guarded(Component component) {
        Gate.open(component, MethodHandles.lookup())
                .transport(HardenedClient.class, gate -> new HardenedClient(gate, new Ablated(gate)));
        return GuardedOkHttp.callFactory(component);
    }

    /** The layers without those that are out. */
    private final class Ablated extends Layers {

        Ablated(Gate gate) {
            super(gate);
        }

        @Override
        EgressDecision decide(Hop hop, Request request) {
            return out.contains(Layer.JUDGE) ? new Allowed("nobody asked") : super.decide(hop, request);
        }

        @Override
        OkHttpClient.Builder redirects(OkHttpClient.Builder client) {
            client.addInterceptor(chain -> meddler.intercept(chain)); // behind ours, where nothing of a caller's gets
            return out.contains(Layer.REDIRECTS) ? client.followRedirects(true) : super.redirects(client);
        }

        @Override
        OkHttpClient.Builder authenticators(OkHttpClient.Builder client) {
            return out.contains(Layer.AUTHENTICATORS)
                    ? client.authenticator((route, response) -> authenticator.authenticate(route, response))
                    : super.authenticators(client);
        }

        @Override
        OkHttpClient.Builder proxy(OkHttpClient.Builder client) {
            return out.contains(Layer.PROXY) ? client.proxySelector(new SelectorOfTheJvm()) : super.proxy(client);
        }

        @Override
        ConnectionPool pool() {
            return out.contains(Layer.POOL) ? sharedPool : super.pool();
        }

        @Override
        Dns dns(JudgedDns ours) {
            return out.contains(Layer.DNS) ? bareDns : super.dns(ours);
        }

        @Override
        SocketFactory sockets(JudgedSocketFactory ours) {
            return out.contains(Layer.SOCKETS) ? SocketFactory.getDefault() : super.sockets(ours);
        }

        @Override
        OkHttpClient.Builder upgrades(OkHttpClient.Builder client, UpgradeCheck ours) {
            return out.contains(Layer.UPGRADE) ? client : super.upgrades(client, ours);
        }

        @Override
        List<Interceptor> onTheWire(WireCheck ours) {
            return out.contains(Layer.WIRE) ? List.of() : super.onTheWire(ours);
        }
    }

    /** What a client asks that is told nothing of proxies; OkHttp would keep the one that it finds when it is built. */
    private static final class SelectorOfTheJvm extends ProxySelector {

        @Override
        public List<Proxy> select(URI uri) {
            return ProxySelector.getDefault().select(uri);
        }

        @Override
        public void connectFailed(URI uri, SocketAddress address, IOException failure) {}
    }

    // ---- what attacks do

    String allowed(String path) {
        return "https://" + ALLOWED + ":" + allowed.port() + path;
    }

    String evil(String path) {
        return "https://" + EVIL + ":" + evil.port() + path;
    }

    static Request get(String url) {
        return new Request.Builder().url(url).build();
    }

    Request post(String url) {
        return new Request.Builder()
                .url(url)
                .header("x-api-key", "sk-of-the-allowed-host")
                .post(RequestBody.create(PROMPT, MediaType.get("text/plain")))
                .build();
    }

    /** Makes a call, and takes a refusal for an answer. */
    void call(GuardedCallFactory from, Request request) {
        try (Response response = from.newCall(request).execute()) {
            response.body().bytes();
        } catch (IOException e) {
            failure = e; // refused, or broken off: what counts is what arrived
        }
    }

    void call(Request request) {
        call(agent, request);
    }

    /** Opens a WebSocket, and waits until that has succeeded or failed. */
    void open(String url) {
        open(get(url));
    }

    void open(Request opening) {
        CompletableFuture<Void> over = new CompletableFuture<>();
        WebSocket socket = agent.newWebSocket(opening, new WebSocketListener() {
            @Override
            public void onOpen(WebSocket webSocket, Response response) {
                over.complete(null);
            }

            @Override
            public void onFailure(WebSocket webSocket, Throwable failed, @Nullable Response response) {
                failure = failed;
                over.complete(null);
            }
        });
        try {
            over.get(PATIENCE, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        } finally {
            socket.cancel();
        }
    }

    boolean arrivedAt(String server) {
        return arrived.stream().anyMatch(one -> one.server().equals(server));
    }

    boolean arrivedWithPath(String path) {
        return arrived.stream().anyMatch(one -> one.path().equals(path));
    }

    boolean arrivedFor(String host) {
        return arrived.stream().anyMatch(one -> one.authority().startsWith(host));
    }

    long arrivedInPlain() {
        return arrived.stream().filter(one -> one.server().equals("plain")).count();
    }

    /** What is pooled ends with the runtime. */
    @Override
    public void close() {
        sharedPool.evictAll();
    }
}
