package dev.secureruntime.core.jdkhttp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.net.Authenticator;
import java.net.CookieManager;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okhttp3.mockwebserver.SocketPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GuardedJdkHttpTest {

    @TempDir
    Path folder;

    private static HttpRequest.Builder to(String url) {
        return HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30));
    }

    private static RecordedRequest taken(LoopbackServer server) throws InterruptedException {
        RecordedRequest request = server.server.takeRequest(20, TimeUnit.SECONDS);
        assertThat(request).isNotNull();
        return request;
    }

    @ParameterizedTest
    @EnumSource(Version.class)
    void send_toAnAllowedHost_carriesTheBoundKey_andShowsItToNobody(Version version) throws Exception {
        if (version != Version.HTTP_1_1 && version != Version.HTTP_2) {
            return; // HTTP/3 of later Java is refused, see below
        }
        try (GuardedWorld world = new GuardedWorld(folder)) {
            world.provider.answer(LoopbackServer.json("{\"ok\":true}"));
            HttpClient client =
                    GuardedJdkHttp.builder(world.agent).version(version).build();
            HttpRequest request = to(world.url(GuardedWorld.OPENAI, "/v1/models?x=1"))
                    .header("Authorization", "Bearer placeholder")
                    .POST(BodyPublishers.ofString("{\"model\":\"m\"}"))
                    .build();

            HttpResponse<String> response = client.send(request, BodyHandlers.ofString());

            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.body()).isEqualTo("{\"ok\":true}");
            assertThat(response.version()).isEqualTo(version);
            assertThat(response.request()).isSameAs(request);
            assertThat(response.sslSession()).isEmpty();
            assertThat(response.previousResponse()).isEmpty();
            RecordedRequest seen = taken(world.provider);
            assertThat(seen.getHeaders().values("Authorization")).containsExactly("Bearer " + GuardedWorld.OPENAI_KEY);
            assertThat(LoopbackServer.clear(seen.getHeaders())).doesNotContainIgnoringCase("proxy");
            assertThat(seen.getPath()).isEqualTo("/v1/models?x=1");
            assertThat(seen.getBody().readUtf8()).isEqualTo("{\"model\":\"m\"}");
            assertThat(world.resolver.lookups()).containsExactly(GuardedWorld.OPENAI);
            world.runtime.close();
            List<JsonNode> records = world.records("egress.call");
            assertThat(records).hasSize(1);
            JsonNode call = records.get(0);
            assertThat(call.path("attributes").path("secure_runtime.action").asText())
                    .isEqualTo("allow");
            assertThat(call.path("attributes").path("secure_runtime.complete").asBoolean())
                    .isTrue();
            assertThat(call.path("attributes").path("network.protocol.name").asText())
                    .isEqualTo(version == Version.HTTP_2 ? "h2" : "http/1.1");
            assertThat(call.toString()).contains("http.request.body").contains("http.response.body");
            assertThat(world.everythingLogged()).doesNotContain(GuardedWorld.OPENAI_KEY);
        }
    }

    @Test
    void sendAsync_manyAtOnce_allAnswered() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient client = GuardedJdkHttp.client(world.agent);
            List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                world.provider.answer(LoopbackServer.json("x".repeat(100_000)));
                answers.add(client.sendAsync(
                        to(world.url(GuardedWorld.OPENAI, "/" + i)).build(), BodyHandlers.ofString()));
            }
            for (CompletableFuture<HttpResponse<String>> answer : answers) {
                assertThat(answer.get(30, TimeUnit.SECONDS).body()).hasSize(100_000);
            }
            world.runtime.close();
            assertThat(world.records("egress.call")).hasSize(20);
        }
    }

    @Test
    void send_toAHostThatNobodyAllowed_isRefusedBeforeItIsLookedUp() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient client = GuardedJdkHttp.client(world.agent);

            assertThatThrownBy(() ->
                            client.send(to(world.url(GuardedWorld.EVIL, "/")).build(), BodyHandlers.ofString()))
                    .isInstanceOf(EgressDeniedException.class)
                    .hasMessageContaining("SR-EGRESS-001")
                    .hasMessageNotContaining("api.openai.com");
            assertThat(client.sendAsync(to(world.url(GuardedWorld.EVIL, "/")).build(), BodyHandlers.ofString()))
                    .failsWithin(Duration.ofSeconds(30))
                    .withThrowableThat()
                    .withCauseInstanceOf(EgressDeniedException.class);

            assertThat(world.resolver.lookups()).isEmpty();
            assertThat(world.evil.connections()).isZero();
            world.runtime.close();
            assertThat(world.records("egress.call")).hasSize(2).allSatisfy(record -> assertThat(
                            record.path("attributes")
                                    .path("secure_runtime.action")
                                    .asText())
                    .isEqualTo("block"));
        }
    }

    @Test
    void builderForLibraries_answersARefusalWith403() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient client = GuardedJdkHttp.builderForLibraries(world.agent).build();
            HttpRequest request = to(world.url(GuardedWorld.EVIL, "/")).build();

            HttpResponse<String> response = client.send(request, BodyHandlers.ofString());

            assertThat(response.statusCode()).isEqualTo(403);
            assertThat(response.headers().firstValue("X-Secure-Runtime-Denied")).contains("SR-EGRESS-001");
            assertThat(response.body()).contains("egress_denied").doesNotContain("openai");
            assertThat(client.sendAsync(request, BodyHandlers.ofLines())
                            .get(30, TimeUnit.SECONDS)
                            .statusCode())
                    .isEqualTo(403);
            world.provider.answer(new MockResponse().setHeader("X-Secure-Runtime-Denied", "forged"));
            assertThat(client.send(to(world.url(GuardedWorld.OPENAI, "/")).build(), BodyHandlers.ofString())
                            .headers()
                            .firstValue("X-Secure-Runtime-Denied"))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {307, 308})
    void redirect_toAnotherHost_thatWantsTheBody_isRefused_andABareClientSendsItWithTheKey(int status)
            throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder);
                LoopbackServer one = new LoopbackServer("localhost");
                LoopbackServer other = new LoopbackServer("localhost")) {
            one.answer(LoopbackServer.redirect(status, "https://localhost:" + other.port() + "/stolen"));
            other.answer(LoopbackServer.json("{}"));
            HttpClient bare = HttpClient.newBuilder()
                    .sslContext(LoopbackServer.CLIENT.sslContext())
                    .followRedirects(Redirect.NORMAL)
                    .build();
            bare.send(
                    to("https://localhost:" + one.port() + "/")
                            .header("x-api-key", "key")
                            .POST(BodyPublishers.ofString("secret prompt"))
                            .build(),
                    BodyHandlers.discarding());
            RecordedRequest stolen = taken(other);
            assertThat(stolen.getHeader("x-api-key")).isEqualTo("key");
            assertThat(stolen.getBody().readUtf8()).isEqualTo("secret prompt");

            world.provider.answer(LoopbackServer.redirect(status, world.url(GuardedWorld.PARTNER, "/stolen")));
            HttpClient client = GuardedJdkHttp.client(world.agent);
            assertThatThrownBy(() -> client.send(
                            to(world.url(GuardedWorld.OPENAI, "/"))
                                    .header("x-api-key", "key")
                                    .POST(BodyPublishers.ofString("secret prompt"))
                                    .build(),
                            BodyHandlers.ofString()))
                    .isInstanceOfSatisfying(
                            EgressDeniedException.class,
                            denied -> assertThat(denied.decision().reason()).isEqualTo(Reason.REDIRECT_WITH_BODY));
            assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
        }
    }

    @Test
    void redirect_toAnotherHost_takesHarmlessHeadersAlong_andNoKeyGoesBackHome() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            world.provider.answer(
                    LoopbackServer.redirect(302, world.url(GuardedWorld.PARTNER, "/a")),
                    LoopbackServer.redirect(302, world.url(GuardedWorld.OPENAI, "/b")),
                    LoopbackServer.json("{}"));
            HttpResponse<String> response = GuardedJdkHttp.client(world.agent)
                    .send(
                            to(world.url(GuardedWorld.OPENAI, "/"))
                                    .header("x-custom", "secret")
                                    .header("Accept", "text/plain")
                                    .POST(BodyPublishers.ofString("prompt"))
                                    .build(),
                            BodyHandlers.ofString());

            assertThat(response.uri().getPath()).isEqualTo("/b");
            assertThat(response.previousResponse().orElseThrow().uri().getHost())
                    .isEqualTo(GuardedWorld.PARTNER);
            assertThat(taken(world.provider).getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);
            for (int i = 0; i < 2; i++) {
                RecordedRequest next = taken(world.provider);
                assertThat(next.getMethod()).isEqualTo("GET");
                assertThat(next.getHeader("Authorization")).isNull();
                assertThat(next.getHeader("x-custom")).isNull();
                assertThat(next.getHeader("Accept")).isEqualTo("text/plain");
                assertThat(next.getBodySize()).isZero();
            }
        }
    }

    @Test
    void redirect_toAHostThatNobodyAllowed_isRefused_andOneWithinTheOriginSendsTheBodyAgain() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient client = GuardedJdkHttp.client(world.agent);
            world.provider.answer(LoopbackServer.redirect(302, world.url(GuardedWorld.EVIL, "/")));
            assertThatThrownBy(() ->
                            client.send(to(world.url(GuardedWorld.OPENAI, "/")).build(), BodyHandlers.ofString()))
                    .isInstanceOf(EgressDeniedException.class);
            assertThat(world.evil.connections()).isZero();
            taken(world.provider);

            world.provider.answer(LoopbackServer.redirect(307, "/again"), LoopbackServer.json("{}"));
            HttpRequest post = to(world.url(GuardedWorld.OPENAI, "/"))
                    .POST(BodyPublishers.ofString("prompt"))
                    .build();
            assertThat(client.send(post, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
            taken(world.provider);
            RecordedRequest again = taken(world.provider);
            assertThat(again.getPath()).isEqualTo("/again");
            assertThat(again.getBody().readUtf8()).isEqualTo("prompt");
            assertThat(again.getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);

            world.provider.answer(LoopbackServer.redirect(307, "/again"));
            assertThat(GuardedJdkHttp.builder(world.agent)
                            .build()
                            .send(post, BodyHandlers.ofString())
                            .statusCode())
                    .isEqualTo(307);
        }
    }

    /** A request of the caller's own class, which builds nothing with the JDK's checks. */
    private static HttpRequest forged(List<URI> uris, String method, Map<String, List<String>> headers) {
        return new HttpRequest() {
            private int asked;

            @Override
            public Optional<BodyPublisher> bodyPublisher() {
                return Optional.empty();
            }

            @Override
            public String method() {
                return method;
            }

            @Override
            public Optional<Duration> timeout() {
                return Optional.empty();
            }

            @Override
            public boolean expectContinue() {
                return false;
            }

            @Override
            public URI uri() {
                return uris.get(Math.min(asked++, uris.size() - 1));
            }

            @Override
            public Optional<Version> version() {
                return Optional.empty();
            }

            @Override
            public HttpHeaders headers() {
                return HttpHeaders.of(headers, (name, value) -> true);
            }
        };
    }

    @Test
    void send_ofARequestThatSaysTwoThings_isRefused() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient client = GuardedJdkHttp.client(world.agent);
            URI home = URI.create(world.url(GuardedWorld.OPENAI, "/"));
            List<HttpRequest> forged = List.of(
                    forged(List.of(home), "GET", Map.of("Host", List.of("evil.example"))),
                    forged(List.of(home), "GET", Map.of("x", List.of("a\r\nHost: evil.example"))),
                    forged(List.of(home), "GET", Map.of("x y", List.of("a"))),
                    forged(List.of(home), "GET", Map.of("Upgrade", List.of("websocket"))),
                    forged(List.of(home), "GET", Map.of("X-HTTP-Method-Override", List.of("DELETE"))),
                    forged(List.of(home), "GET", Map.of("X-Original-URL", List.of("/admin"))),
                    forged(List.of(home), "CONNECT", Map.of()),
                    forged(List.of(home), "TRACE", Map.of()),
                    forged(List.of(home), "GET / HTTP/1.1\r\nx: ", Map.of()),
                    forged(List.of(URI.create("https://user@" + home.getAuthority() + "/")), "GET", Map.of()),
                    forged(List.of(URI.create("https://api.openai.com.:" + home.getPort() + "/")), "GET", Map.of()),
                    forged(List.of(URI.create("file:///etc/passwd")), "GET", Map.of()));
            for (HttpRequest request : forged) {
                assertThatThrownBy(() -> client.send(request, BodyHandlers.ofString()))
                        .isInstanceOfSatisfying(
                                EgressDeniedException.class,
                                denied -> assertThat(denied.code().code()).isEqualTo("SR-EGRESS-003"));
            }
            assertThat(world.resolver.lookups()).isEmpty();
            assertThat(world.provider.connections()).isZero();

            world.provider.answer(LoopbackServer.json("{}"));
            HttpRequest twoFaced =
                    forged(List.of(home, URI.create(world.url(GuardedWorld.EVIL, "/"))), "GET", Map.of());
            assertThat(client.send(twoFaced, BodyHandlers.ofString()).statusCode())
                    .isEqualTo(200);
            assertThat(world.evil.connections()).isZero();
        }
    }

    @Test
    void body_isHeldToWhatItAnnounced_andToWhatWasLookedAt() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient client = GuardedJdkHttp.client(world.agent);
            String url = world.url(GuardedWorld.OPENAI, "/");
            byte[] changed = "looked at".getBytes();
            ByteBuffer part = ByteBuffer.wrap(changed);
            world.provider.answer(LoopbackServer.json("{}"));
            client.send(to(url).POST(publisher(9, part, () -> changed[0] = 'X')).build(), BodyHandlers.ofString());
            assertThat(taken(world.provider).getBody().readUtf8()).isEqualTo("looked at");

            assertThatThrownBy(() -> client.send(
                            to(url).POST(publisher(3, ByteBuffer.wrap("GET /x HTTP/1.1".getBytes()), () -> {}))
                                    .build(),
                            BodyHandlers.ofString()))
                    .isInstanceOf(IOException.class)
                    .hasStackTraceContaining("announced");
            assertThatThrownBy(() -> client.send(
                            to(url).POST(publisher(300, ByteBuffer.wrap("short".getBytes()), () -> {}))
                                    .build(),
                            BodyHandlers.ofString()))
                    .isInstanceOf(IOException.class)
                    .hasStackTraceContaining("announced 300");
        }
    }

    private static BodyPublisher publisher(long length, ByteBuffer part, Runnable afterwards) {
        return new BodyPublisher() {
            @Override
            public long contentLength() {
                return length;
            }

            @Override
            public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
                assertThat(subscriber.getClass().getName()).startsWith("dev.secureruntime.");
                subscriber.onSubscribe(new Subscription() {
                    private boolean done;

                    @Override
                    public void request(long n) {
                        if (!done) {
                            done = true;
                            subscriber.onNext(part);
                            afterwards.run();
                            subscriber.onComplete();
                        }
                    }

                    @Override
                    public void cancel() {
                        done = true;
                    }
                });
            }
        };
    }

    /** Looks around in what it is handed. */
    private static final class Prying implements BodySubscriber<String> {

        private final CompletableFuture<String> found = new CompletableFuture<>();
        private final StringBuilder seen = new StringBuilder();

        @Override
        public CompletionStage<String> getBody() {
            return found;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            seen.append(subscription.getClass().getName()).append('\n');
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(List<ByteBuffer> parts) {
            for (ByteBuffer part : parts) {
                part.clear(); // opens the window as wide as it goes
                seen.append(part.isReadOnly()).append(part.hasArray()).append(UTF_8.decode(part));
            }
        }

        @Override
        public void onError(Throwable failure) {
            found.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            found.complete(seen.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP_1_1", "HTTP_2"})
    void subscriber_getsTheBodysBytesAlone(String version) throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder);
                LoopbackServer local = new LoopbackServer("localhost")) {
            MockResponse answer = LoopbackServer.json("the body").setHeader("X-Neighbour", "of the body");
            local.answer(answer);
            world.provider.answer(answer);
            HttpClient bare = HttpClient.newBuilder()
                    .sslContext(LoopbackServer.CLIENT.sslContext())
                    .version(Version.valueOf(version))
                    .build();
            String unguarded = bare.send(
                            to("https://localhost:" + local.port() + "/").build(), head -> new Prying())
                    .body();
            HttpClient client = GuardedJdkHttp.builder(world.agent)
                    .version(Version.valueOf(version))
                    .build();

            String guarded = client.send(to(world.url(GuardedWorld.OPENAI, "/")).build(), head -> new Prying())
                    .body();

            assertThat(unguarded).startsWith("jdk.internal.");
            assertThat(guarded).startsWith("dev.secureruntime.").contains("truefalsethe body");
            assertThat(guarded.substring(guarded.indexOf('\n'))
                            .replace("truefalse", "")
                            .strip())
                    .isEqualTo("the body");
        }
    }

    @Test
    void builder_refusesWhatLeadsAroundTheGuard() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient.Builder builder = GuardedJdkHttp.builder(world.agent);
            List<Runnable> refused = List.of(
                    () -> builder.proxy(ProxySelector.of(new InetSocketAddress("127.0.0.1", 1))),
                    () -> builder.cookieHandler(new CookieManager()),
                    () -> builder.authenticator(new Authenticator() {}),
                    () -> builder.sslContext(LoopbackServer.CLIENT.sslContext()),
                    () -> builder.sslParameters(new SSLParameters()));
            for (Runnable setting : refused) {
                assertThatThrownBy(setting::run)
                        .isInstanceOf(SecureRuntimeException.class)
                        .hasMessageContaining("SR-RUNTIME-001");
            }
            HttpClient client =
                    builder.proxy(HttpClient.Builder.NO_PROXY).priority(3).build();
            assertThat(client.sslContext()).isSameAs(SSLContext.getDefault());
            assertThat(client.followRedirects()).isEqualTo(Redirect.NEVER);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jdk.httpclient.HttpClient.log", "jdk.internal.httpclient.disableHostnameVerification"})
    void client_whenTheJdksIsUndermined_isNotMade(String property) throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            System.setProperty(property, "headers");
            try {
                assertThatThrownBy(() -> GuardedJdkHttp.client(world.agent))
                        .isInstanceOf(SecureRuntimeException.class)
                        .hasMessageContaining(property);
            } finally {
                System.clearProperty(property);
            }
        }
    }

    @Test
    void timeout_andCancellation_endTheCall_andAClosedRuntimeRefuses() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            HttpClient client = GuardedJdkHttp.client(world.agent);
            String url = world.url(GuardedWorld.OPENAI, "/");
            world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
            assertThatThrownBy(() -> client.send(
                            HttpRequest.newBuilder(URI.create(url))
                                    .timeout(Duration.ofMillis(300))
                                    .build(),
                            BodyHandlers.ofString()))
                    .isInstanceOf(HttpTimeoutException.class);
            taken(world.provider);

            world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
            CompletableFuture<HttpResponse<String>> answer = client.sendAsync(to(url).build(), BodyHandlers.ofString());
            taken(world.provider);
            assertThat(answer.cancel(true)).isTrue();

            world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
            CompletableFuture<HttpResponse<String>> open = client.sendAsync(to(url).build(), BodyHandlers.ofString());
            taken(world.provider);
            world.runtime.close();
            assertThat(open)
                    .failsWithin(Duration.ofSeconds(30))
                    .withThrowableThat()
                    .withCauseInstanceOf(IOException.class);
            assertThatThrownBy(() -> client.send(to(url).build(), BodyHandlers.ofString()))
                    .isInstanceOfSatisfying(
                            EgressDeniedException.class,
                            denied -> assertThat(denied.decision().reason()).isEqualTo(Reason.RUNTIME_CLOSED));
            assertThat(world.records("egress.call")).hasSize(3);
        }
    }
}
