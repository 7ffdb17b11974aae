package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.apache.GuardedApache;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.egress.EgressProxy;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.util.Timeout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Guarded clients beside an approved proxy that takes a connection and says nothing. */
class SilentProxyTest {

    @TempDir
    Path folder;

    @Test
    void proxyThatNeverAnswers_isWaitedForAsLongAsForAConnection() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                GuardedWorld world = new GuardedWorld(
                        folder, builder -> builder.egressProxy(EgressProxy.at("127.0.0.1:" + silent.getLocalPort())))) {
            URI url = URI.create(world.url(GuardedWorld.OPENAI, "/v1/models"));
            HttpClient jdk = GuardedJdkHttp.builder(world.agent)
                    .connectTimeout(Duration.ofMillis(200))
                    .build();
            assertThatThrownBy(() -> jdk.send(HttpRequest.newBuilder(url).build(), BodyHandlers.discarding()))
                    .isInstanceOf(HttpConnectTimeoutException.class);

            HttpGet get = new HttpGet(url);
            get.setConfig(RequestConfig.custom()
                    .setConnectTimeout(Timeout.ofMilliseconds(200))
                    .build());
            try (CloseableHttpClient apache = GuardedApache.throwingClient(world.agent)) {
                assertThatThrownBy(() -> apache.execute(get, response -> response.getCode()))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("didn't answer in time");
            }
        }
    }

    /** A proxy that takes a connection, hears what is asked, and says nothing until the connection ends. */
    private static CompletableFuture<Integer> silentProxy(ServerSocket server, CompletableFuture<Void> asked) {
        return CompletableFuture.supplyAsync(() -> {
            try (Socket client = server.accept()) {
                client.setSoTimeout(20_000);
                InputStream in = client.getInputStream();
                int last = in.read();
                asked.complete(null);
                while (last >= 0) {
                    last = in.read();
                }
                return last;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private GuardedWorld world(ServerSocket proxy) throws IOException {
        return new GuardedWorld(
                folder, builder -> builder.egressProxy(EgressProxy.at("127.0.0.1:" + proxy.getLocalPort())));
    }

    @Test
    void jdkCallThatIsCancelledWhileTheProxyOpensItsTunnel_closesTheConnection() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                GuardedWorld world = world(silent)) {
            CompletableFuture<Void> asked = new CompletableFuture<>();
            CompletableFuture<Integer> end = silentProxy(silent, asked);
            URI url = URI.create(world.url(GuardedWorld.OPENAI, "/v1/models"));
            CompletableFuture<?> call = GuardedJdkHttp.client(world.agent)
                    .sendAsync(HttpRequest.newBuilder(url).build(), BodyHandlers.discarding());
            asked.get(20, TimeUnit.SECONDS);

            call.cancel(true);

            assertThat(end.get(20, TimeUnit.SECONDS)).isEqualTo(-1);
        }
    }

    @Test
    void jdkWebSocketWhoseTunnelIsBeingOpened_endsWithTheRuntime() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                GuardedWorld world = world(silent)) {
            CompletableFuture<Void> asked = new CompletableFuture<>();
            CompletableFuture<Integer> end = silentProxy(silent, asked);
            CompletableFuture<?> opening = GuardedJdkHttp.client(world.agent)
                    .newWebSocketBuilder()
                    .buildAsync(
                            URI.create(
                                    "wss" + world.url(GuardedWorld.OPENAI, "/").substring("https".length())),
                            new java.net.http.WebSocket.Listener() {});
            asked.get(20, TimeUnit.SECONDS);

            world.runtime.close();

            assertThat(end.get(20, TimeUnit.SECONDS)).isEqualTo(-1);
            assertThatThrownBy(() -> opening.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        }
    }
}
