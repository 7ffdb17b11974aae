package dev.secureruntime.core.jdkhttp;

import static dev.secureruntime.core.jdkhttp.JdkCalls.taken;
import static dev.secureruntime.core.jdkhttp.JdkCalls.to;
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
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
