package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import okhttp3.CertificatePinner;
import okhttp3.Cookie;
import okhttp3.CookieJar;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.MockResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ways around the guard that OkHttp and the virtual machine offer, WebSockets among them. */
class OkHttpDetoursTest {

    @TempDir
    Path folder;

    private GuardedWorld world;
    private GuardedCallFactory calls;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
        calls = GuardedOkHttp.callFactory(world.agent);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    @Test
    void client_strippedOfItsInterceptors_refusesEverything() {
        OkHttpClient.Builder stripped = GuardedOkHttp.client(world.agent).newBuilder();
        stripped.interceptors().clear();
        stripped.networkInterceptors().clear();
        OkHttpClient client = stripped.build();

        assertThatThrownBy(() -> client.newCall(world.post(GuardedWorld.OPENAI)).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_GUARD_BYPASSED));
        Request literal = new Request.Builder()
                .url("https://127.0.0.1:" + world.provider.port() + "/")
                .build();
        assertThatThrownBy(() -> client.newCall(literal).execute()).isInstanceOf(EgressDeniedException.class);
        assertThat(world.provider.connections()).isZero();
    }

    @Test
    void client_askedForAWebSocket_failsClosed() throws Exception {
        Request request = new Request.Builder()
                .url(world.url(GuardedWorld.EVIL, "/socket"))
                .build();
        CompletableFuture<Throwable> failure = new CompletableFuture<>();

        GuardedOkHttp.client(world.agent).newWebSocket(request, new WebSocketListener() {
            @Override
            public void onFailure(WebSocket webSocket, Throwable t, Response response) {
                failure.complete(t);
            }
        });

        assertThat(failure.get(10, TimeUnit.SECONDS)).isNotNull();
        world.assertNothingReachedEvil();
    }

    /** The documentation says so; what would be of use to an attacker among them is tested elsewhere. */
    @Test
    void settingsOfADerivedClient_haveNoEffect() throws Exception {
        OkHttpClient client = GuardedOkHttp.client(world.agent)
                .newBuilder()
                .followRedirects(false)
                .certificatePinner(new CertificatePinner.Builder()
                        .add(GuardedWorld.OPENAI, "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
                        .build())
                .cookieJar(new CookieJar() {
                    @Override
                    public List<Cookie> loadForRequest(HttpUrl url) {
                        throw new AssertionError("the jar was asked");
                    }

                    @Override
                    public void saveFromResponse(HttpUrl url, List<Cookie> cookies) {
                        throw new AssertionError("the jar was filled");
                    }
                })
                .build();
        world.provider.answer(
                LoopbackServer.redirect(302, "/moved").addHeader("Set-Cookie", "a=b"), LoopbackServer.json("{}"));

        try (Response response = client.newCall(world.get(GuardedWorld.OPENAI)).execute()) {
            assertThat(response.code()).isEqualTo(200);
        }

        world.take();
        assertThat(world.take().getPath()).isEqualTo("/moved");
    }

    @Test
    void proxySetForTheWholeJvm_hasNoEffect() throws Exception {
        ProxySelector before = ProxySelector.getDefault();
        try (ServerSocket proxy = new ServerSocket(0)) {
            ProxySelector.setDefault(ProxySelector.of(new InetSocketAddress("127.0.0.1", proxy.getLocalPort())));
            world.provider.answer(LoopbackServer.json("{}"));

            calls.newCall(world.post(GuardedWorld.OPENAI)).execute().close();

            assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
        } finally {
            ProxySelector.setDefault(before);
        }
    }

    @Test
    void proxyOfTheCallersClient_hasNoEffect() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));
        try (ServerSocket proxy = new ServerSocket(0)) {
            OkHttpClient client = new OkHttpClient.Builder()
                    .proxy(new Proxy(Proxy.Type.SOCKS, new InetSocketAddress("127.0.0.1", proxy.getLocalPort())))
                    .addInterceptor(GuardedOkHttp.interceptor(world.agent))
                    .build();

            client.newCall(world.post(GuardedWorld.OPENAI)).execute().close();

            assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
        }
    }

    @Test
    void interceptor_inForeignClient_judgesRedirectsToo() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.EVIL, "/steal")));
        OkHttpClient client = world.bare()
                .newBuilder()
                .addInterceptor(GuardedOkHttp.interceptor(world.agent))
                .build();

        try (Response response = client.newCall(world.post(GuardedWorld.OPENAI)).execute()) {
            assertThat(response.code()).isEqualTo(403);
            assertThat(response.header("X-Secure-Runtime-Denied")).isEqualTo("SR-EGRESS-001");
            assertThat(response.body().string())
                    .contains("SR-EGRESS-001")
                    .doesNotContain("fix", "nearest", "components.", GuardedWorld.EVIL);
        }
        world.assertNothingReachedEvil();
    }

    @Test
    void webSocket_toAllowedHost_opensWithTheKey_andHidesIt() throws Exception {
        CompletableFuture<String> opened = new CompletableFuture<>();
        CompletableFuture<String> message = new CompletableFuture<>();
        CompletableFuture<Integer> closed = new CompletableFuture<>();
        world.provider.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
            @Override
            public void onOpen(WebSocket webSocket, Response response) {
                webSocket.send("hello");
                webSocket.close(1000, "done");
            }
        }));
        Request request = new Request.Builder()
                .url(world.url(GuardedWorld.OPENAI, "/v1/realtime"))
                .build();

        WebSocket socket = calls.newWebSocket(request, new WebSocketListener() {
            @Override
            public void onOpen(WebSocket webSocket, Response response) {
                opened.complete(LoopbackServer.clear(response.request().headers()));
            }

            @Override
            public void onMessage(WebSocket webSocket, String text) {
                message.complete(text);
            }

            @Override
            public void onClosing(WebSocket webSocket, int code, String reason) {
                webSocket.close(1000, null);
            }

            @Override
            public void onClosed(WebSocket webSocket, int code, String reason) {
                closed.complete(code);
            }
        });

        assertThat(opened.get(10, TimeUnit.SECONDS)).doesNotContain(GuardedWorld.OPENAI_KEY);
        assertThat(message.get(10, TimeUnit.SECONDS)).isEqualTo("hello");
        assertThat(closed.get(10, TimeUnit.SECONDS)).isEqualTo(1000);
        assertThat(socket.request().header("Authorization")).isNull();
        assertThat(world.take().getHeader("Authorization")).isEqualTo("Bearer " + GuardedWorld.OPENAI_KEY);
        assertThat(world.onlyCall().at("/attributes/network.protocol.name").asText())
                .isEqualTo("websocket");
    }

    @Test
    void webSocket_toOtherHost_isDeniedWithoutLookup() throws Exception {
        CompletableFuture<Throwable> failure = new CompletableFuture<>();
        Request request = new Request.Builder()
                .url(world.url(GuardedWorld.EVIL, "/socket"))
                .build();

        calls.newWebSocket(request, new WebSocketListener() {
            @Override
            public void onFailure(WebSocket webSocket, Throwable t, Response response) {
                failure.complete(t);
            }
        });

        assertThat(failure.get(10, TimeUnit.SECONDS)).isInstanceOf(EgressDeniedException.class);
        world.assertNothingReachedEvil();
        assertThat(world.onlyCall().at("/attributes/secure_runtime.verdict").asText())
                .isEqualTo("deny");
    }

    @Test
    void call_afterTheRuntimeWasClosed_isDenied() throws Exception {
        world.runtime.close();

        assertThatThrownBy(() -> calls.newCall(world.post(GuardedWorld.OPENAI)).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.RUNTIME_CLOSED));
        assertThat(world.provider.connections()).isZero();
    }
}
