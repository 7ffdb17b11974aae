package dev.secureruntime.core.apache;

import static dev.secureruntime.core.apache.ApacheCalls.post;
import static dev.secureruntime.core.apache.ApacheCalls.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.SocketPolicy;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.util.Timeout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How calls of Apache HttpClient 5 end: broken connections, time-outs, cancellation, closing. */
class ApacheEndsTest {

    @TempDir
    Path folder;

    private GuardedWorld world;
    private CloseableHttpClient client;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
        client = GuardedApache.throwingClient(world.agent);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    @Test
    void certificateOfAnotherName_isNotBelieved() {
        String literal = "https://127.0.0.1:" + world.provider.port() + "/";

        assertThatThrownBy(() -> text(client, new HttpGet(literal))).isInstanceOf(SSLException.class);

        assertThat(world.resolver.lookups()).as("an address is not looked up").isEmpty();
        assertThat(world.provider.server.getRequestCount()).isZero();
    }

    @Test
    void keptConnectionThatIsGone_isReplacedOnce_andCounted() throws Exception {
        world.provider.answer(
                LoopbackServer.json("{}"),
                new MockResponse().setSocketPolicy(SocketPolicy.DISCONNECT_AFTER_REQUEST),
                LoopbackServer.json("{}"));

        text(client, new HttpGet(world.url(GuardedWorld.OPENAI, "/")));
        assertThat(text(client, new HttpGet(world.url(GuardedWorld.OPENAI, "/"))))
                .isEqualTo("200 {}");

        world.runtime.close();
        assertThat(world.records("egress.call")
                        .get(1)
                        .at("/attributes/secure_runtime.attempts")
                        .asInt())
                .isEqualTo(2);
    }

    @Test
    void requestThatIsNotIdempotent_isNotSentTwice() throws Exception {
        world.provider.answer(
                LoopbackServer.json("{}"), new MockResponse().setSocketPolicy(SocketPolicy.DISCONNECT_AFTER_REQUEST));
        text(client, post(world, GuardedWorld.OPENAI));

        assertThatThrownBy(() -> text(client, post(world, GuardedWorld.OPENAI))).isInstanceOf(IOException.class);

        assertThat(world.provider.server.getRequestCount()).isEqualTo(2);
    }

    @Test
    void responseTimeout_ofTheCaller_isKept() {
        world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        HttpPost request = post(world, GuardedWorld.OPENAI);
        request.setConfig(RequestConfig.custom()
                .setResponseTimeout(Timeout.ofMilliseconds(200))
                .build());

        assertThatThrownBy(() -> text(client, request)).isInstanceOf(SocketTimeoutException.class);
    }

    @Test
    void cancelledRequest_endsTheOneUnderneath() throws Exception {
        world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        HttpPost request = post(world, GuardedWorld.OPENAI);
        CompletableFuture<String> call = CompletableFuture.supplyAsync(() -> {
            try {
                return text(client, request);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        world.take();

        assertThat(request.cancel()).isTrue();

        assertThatThrownBy(() -> call.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        assertThat(world.provider.awaitOpen(0)).isTrue();
    }

    @Test
    void stream_thatIsOpenWhenTheRuntimeCloses_ends() throws Exception {
        world.provider.answer(new MockResponse().setBody("x".repeat(400_000)).throttleBody(1_000, 2, TimeUnit.SECONDS));
        ClassicHttpResponse response = client.executeOpen(null, new HttpGet(world.url(GuardedWorld.OPENAI, "/")), null);
        InputStream content = response.getEntity().getContent();
        assertThat(content.readNBytes(5)).hasSize(5);

        world.runtime.close();

        assertThatThrownBy(content::readAllBytes).isInstanceOf(IOException.class);
        assertThat(world.provider.awaitOpen(0)).isTrue();
        assertThatThrownBy(() -> text(client, post(world, GuardedWorld.OPENAI))).isInstanceOf(IOException.class);
    }

    @Test
    void closedClient_refuses_andOthersOfTheComponentGoOn() throws Exception {
        CloseableHttpClient other = GuardedApache.throwingClient(world.agent);
        world.provider.answer(LoopbackServer.json("{}"));

        client.close();

        assertThatThrownBy(() -> text(client, post(world, GuardedWorld.OPENAI)))
                .isInstanceOf(IllegalStateException.class);
        assertThat(text(other, post(world, GuardedWorld.OPENAI))).isEqualTo("200 {}");
    }

    @Test
    void requestWithoutAHost_isNoRequest() {
        assertThatThrownBy(() -> client.executeOpen((HttpHost) null, new HttpGet("/relative"), null))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("names no host");
    }
}
