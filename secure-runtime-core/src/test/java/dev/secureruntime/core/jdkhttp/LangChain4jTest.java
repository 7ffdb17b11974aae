package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.http.client.HttpClient;
import dev.langchain4j.http.client.HttpMethod;
import dev.langchain4j.http.client.HttpRequest;
import dev.langchain4j.http.client.jdk.JdkHttpClient;
import dev.langchain4j.http.client.sse.DefaultServerSentEventParser;
import dev.langchain4j.http.client.sse.ServerSentEvent;
import dev.langchain4j.http.client.sse.ServerSentEventListener;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.error.ErrorCode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** LangChain4j's own client, which its model clients use, on a guarded {@code HttpClient.Builder}. */
@Timeout(60)
class LangChain4jTest {

    private static final String PATH = "/v1/chat/completions";

    @TempDir
    Path folder;

    private static HttpClient guarded(GuardedWorld world) {
        return JdkHttpClient.builder()
                .httpClientBuilder(GuardedJdkHttp.builderForLibraries(world.agent))
                .connectTimeout(Duration.ofSeconds(20))
                .readTimeout(Duration.ofSeconds(20))
                .build();
    }

    private static HttpRequest post(String url) {
        return HttpRequest.builder()
                .method(HttpMethod.POST)
                .url(url)
                .addHeader("Authorization", "Bearer placeholder")
                .addHeader("Content-Type", "application/json")
                .body("{\"model\":\"gpt-5\"}")
                .build();
    }

    /** Remembers what was streamed, and how it ended. */
    private static final class Told implements ServerSentEventListener {

        final List<String> events = new CopyOnWriteArrayList<>();
        final CompletableFuture<Throwable> end = new CompletableFuture<>();

        @Override
        public void onEvent(ServerSentEvent event) {
            events.add(event.data());
        }

        @Override
        public void onError(Throwable failure) {
            end.complete(failure);
        }

        @Override
        public void onClose() {
            end.complete(null);
        }
    }

    @Test
    void call_toAnAllowedHost_carriesItsKey_andIsOneRecord() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            world.provider.answer(LoopbackServer.json("{\"model\":\"gpt-5\",\"usage\":{\"prompt_tokens\":7}}"));

            assertThat(guarded(world)
                            .execute(post(world.url(GuardedWorld.OPENAI, PATH)))
                            .body())
                    .contains("gpt-5");

            assertThat(keyOf(world)).isEqualTo("Bearer " + GuardedWorld.OPENAI_KEY);
            assertAllowed(world);
        }
    }

    @Test
    void stream_fromAnAllowedHost_carriesItsKey_andIsOneRecord() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            world.provider.answer(new MockResponse()
                    .setHeader("Content-Type", "text/event-stream")
                    .setBody("data: one\n\ndata: two\n\n"));
            Told told = new Told();

            guarded(world)
                    .execute(post(world.url(GuardedWorld.OPENAI, PATH)), new DefaultServerSentEventParser(), told);

            assertThat(told.end.get(30, TimeUnit.SECONDS)).isNull();
            assertThat(told.events).containsExactly("one", "two");
            assertThat(keyOf(world)).isEqualTo("Bearer " + GuardedWorld.OPENAI_KEY);
            assertAllowed(world);
        }
    }

    private static String keyOf(GuardedWorld world) throws InterruptedException {
        RecordedRequest seen = world.provider.server.takeRequest(20, TimeUnit.SECONDS);
        return seen.getHeader("Authorization");
    }

    private static void assertAllowed(GuardedWorld world) throws Exception {
        world.runtime.close();
        assertThat(world.records("egress.call")).hasSize(1);
        JsonNode call = world.records("egress.call").get(0).path("attributes");
        assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("allow");
        assertThat(call.path("server.address").asText()).isEqualTo(GuardedWorld.OPENAI);
        assertThat(call.path("secure_runtime.complete").asBoolean()).isTrue();
    }

    @Test
    void call_toAHostThatNobodyAllowed_failsOnceWithTheExplanation_andReachesNobody() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            assertThatThrownBy(() -> guarded(world).execute(post(world.url(GuardedWorld.EVIL, PATH))))
                    .isInstanceOfSatisfying(HttpException.class, LangChain4jTest::assertExplained);

            assertRefused(world);
        }
    }

    @Test
    void stream_fromAHostThatNobodyAllowed_failsOnceWithTheExplanation_andReachesNobody() throws Exception {
        try (GuardedWorld world = new GuardedWorld(folder)) {
            Told told = new Told();

            guarded(world).execute(post(world.url(GuardedWorld.EVIL, PATH)), new DefaultServerSentEventParser(), told);

            assertThat(told.end.get(30, TimeUnit.SECONDS))
                    .isInstanceOfSatisfying(HttpException.class, LangChain4jTest::assertExplained);
            assertRefused(world);
        }
    }

    private static void assertExplained(HttpException refusal) {
        assertThat(refusal.statusCode()).isEqualTo(403);
        assertThat(refusal.getMessage())
                .contains(ErrorCode.EGRESS_DENIED.code(), "This request is not allowed and was not sent.");
    }

    private static void assertRefused(GuardedWorld world) throws Exception {
        assertThat(world.evil.connections()).isZero();
        assertThat(world.resolver.lookups()).isEmpty();
        world.runtime.close();
        assertThat(world.records("egress.call")).hasSize(1);
        JsonNode call = world.records("egress.call").get(0).path("attributes");
        assertThat(call.path("secure_runtime.action").asText()).isEqualTo("block");
    }

    /** What the guard stands against: the same library on a builder of its own. */
    @Test
    void call_onABareBuilder_reachesAHostThatNobodyAllowed() throws Exception {
        try (LoopbackServer evil = new LoopbackServer("localhost")) {
            evil.answer(LoopbackServer.json("{}"));
            SSLContext trusting = LoopbackServer.CLIENT.sslContext();

            JdkHttpClient.builder()
                    .httpClientBuilder(java.net.http.HttpClient.newBuilder().sslContext(trusting))
                    .build()
                    .execute(post("https://localhost:" + evil.port() + PATH));

            assertThat(evil.server.takeRequest(20, TimeUnit.SECONDS).getBody().readUtf8())
                    .contains("gpt-5");
        }
    }
}
