package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.internal.platform.Platform;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a client library could try that was given a guarded client and wants the key, or a request that nobody judged. It
 * uses what is public, and no reflection. Each attack is also run on a client without the guard, where it works.
 */
class HijackedLibraryTest {

    @TempDir
    Path folder;

    private GuardedWorld world;
    private OkHttpClient guarded;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
        guarded = GuardedOkHttp.client(world.agent);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    // ---- from an answer back to the client

    @Test
    void response_leadsToNoCallAndNoClient() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));

        try (Response bare =
                        world.bare().newCall(world.get(GuardedWorld.OPENAI)).execute();
                Response handed =
                        guarded.newCall(world.get(GuardedWorld.OPENAI)).execute()) {
            assertThat(bare.exchange()).isNotNull(); // and from there to the call, the client, its interceptors
            assertThat(handed.exchange()).isNull();
            assertThat(handed.networkResponse()).isNull();
            assertThat(handed.request().header("Authorization")).isNull();
        }
    }

    @Test
    void webSocket_leadsToNoCallAndNoClient() throws Exception {
        CompletableFuture<Boolean> exchange = new CompletableFuture<>();
        CompletableFuture<WebSocket> given = new CompletableFuture<>();
        world.provider.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {}));

        WebSocket socket = GuardedOkHttp.callFactory(world.agent)
                .newWebSocket(world.get(GuardedWorld.OPENAI), new WebSocketListener() {
                    @Override
                    public void onOpen(WebSocket webSocket, Response response) {
                        exchange.complete(response.exchange() == null);
                        given.complete(webSocket);
                    }
                });

        assertThat(exchange.get(10, TimeUnit.SECONDS)).isTrue();
        assertThat(given.get()).isSameAs(socket).isInstanceOf(GuardedWebSocket.class);
        assertThat(socket.request().tag(Hop.class)).isNull();
        socket.cancel();
    }

    @Test
    void clientThatWasHandedOut_askedForAWebSocket_sendsNothing() throws Exception {
        CompletableFuture<Throwable> failure = new CompletableFuture<>();

        guarded.newWebSocket(world.get(GuardedWorld.OPENAI), new WebSocketListener() {
            @Override
            public void onFailure(WebSocket webSocket, Throwable t, @Nullable Response response) {
                failure.complete(t);
            }
        });

        assertThat(failure.get(10, TimeUnit.SECONDS)).isNotNull();
        assertThat(world.provider.connections()).isZero();
    }

    @Test
    void request_askingForAnotherProtocol_isDenied() {
        Request upgrade = world.get(GuardedWorld.OPENAI)
                .newBuilder()
                .header("Connection", "Upgrade")
                .header("Upgrade", "foo")
                .build();

        world.assertMalformed(upgrade);
    }

    @Test
    void tagOfAnotherRequest_givesNoPermission() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));
        HardenedClient hardened = new HardenedClient(Gate.open(world.agent, MethodHandles.lookup()));
        Request allowed = world.get(GuardedWorld.OPENAI);
        Hop hop = Hop.first(hardened.gate(), allowed, Hop.Timeouts.INHERITED);
        Request tagged = allowed.newBuilder().tag(Hop.class, hop).build();
        Request stolen =
                tagged.newBuilder().url(world.url(GuardedWorld.PARTNER, "/")).build();
        try (LiveExchange begun = hardened.generation(hop.snapshot()).begin(hop, () -> {}, null)) {
            assertThat(begun.hop()).isSameAs(hop);
            hardened.generation(hop.snapshot())
                    .clientFor(tagged.url())
                    .newCall(tagged)
                    .execute()
                    .close();
        }

        assertThatThrownBy(() -> hardened.generation(hop.snapshot())
                        .clientFor(stolen.url())
                        .newCall(stolen)
                        .execute())
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> hardened.generation(hop.snapshot())
                        .clientFor(tagged.url())
                        .newCall(tagged)
                        .execute())
                .hasMessageContaining("SR-EGRESS-005");
        assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
        hardened.close();
    }

    // ---- what OkHttp stands on

    @Test
    void platformThatWasReplaced_isNotHandedAConnection() {
        Platform before = Platform.get();
        Platform.Companion.resetForTests(new Platform() {});
        try {
            assertBypassed();
        } finally {
            Platform.Companion.resetForTests(before);
        }
    }

    @Test
    void logHandlersInsideOkHttp_areNotRunWhileARequestIsWritten() {
        Logger frames = Logger.getLogger("okhttp3.internal.http2.Http2");
        Level before = frames.getLevel();
        frames.setLevel(Level.FINE);
        try {
            assertBypassed();
        } finally {
            frames.setLevel(before);
        }
    }

    /** TRACE asks the server to send the request back, with the key that was attached; CONNECT asks it to be a proxy. */
    @Test
    @Timeout(20)
    void requestThatAsksToSeeItsHeadersOrForATunnel_isDenied() {
        for (String method : List.of("TRACE", "trace", "TRACK", "CONNECT")) {
            world.assertMalformed(world.get(GuardedWorld.OPENAI)
                    .newBuilder()
                    .method(method, null)
                    .build());
        }
    }

    /** Some servers serve the path that a header names: the policy judged the URL's. */
    @Test
    @Timeout(20)
    void requestThatAsksForAnotherPath_isDenied() {
        for (String name : List.of("X-Original-URL", "x-rewrite-url")) {
            world.assertMalformed(world.get(GuardedWorld.OPENAI)
                    .newBuilder()
                    .header(name, "/admin")
                    .build());
        }
    }

    @Test
    void requestThatAsksForAnotherMethod_isDenied() {
        world.assertMalformed(world.get(GuardedWorld.OPENAI)
                .newBuilder()
                .header("X-HTTP-Method-Override", "DELETE")
                .build());
    }

    @Test
    @Timeout(20)
    void webSocketThatIsCancelledBeforeItRuns_blocksNobody() throws Exception {
        CompletableFuture<Throwable> failure = new CompletableFuture<>();
        Request refused = world.get(GuardedWorld.EVIL);

        GuardedOkHttp.callFactory(world.agent).newWebSocket(refused, new WebSocketListener() {
            @Override
            public void onFailure(WebSocket webSocket, Throwable t, @Nullable Response response) {
                webSocket.cancel();
                webSocket.send("x");
                failure.complete(t);
            }
        });

        assertThat(failure.get(10, TimeUnit.SECONDS)).isInstanceOf(EgressDeniedException.class);
    }

    private void assertBypassed() {
        assertThatThrownBy(() -> GuardedOkHttp.callFactory(world.agent)
                        .newCall(world.get(GuardedWorld.OPENAI))
                        .execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_GUARD_BYPASSED));
        assertThat(world.provider.connections()).isZero();
    }

    // ---- redirects and retries that would move the key or hide a request

    @Test
    void redirectAwayAndBack_carriesNoKeyToAPathThatTheOtherHostChose() throws Exception {
        world.provider.answer(
                LoopbackServer.redirect(302, world.url(GuardedWorld.PARTNER, "/a")),
                LoopbackServer.redirect(302, world.url(GuardedWorld.OPENAI, "/v1/org/admin")),
                LoopbackServer.json("{}"));

        guarded.newCall(world.get(GuardedWorld.OPENAI)).execute().close();

        assertThat(world.take().getHeader("Authorization")).isNotNull();
        assertThat(world.take().getHeader("Authorization")).isNull();
        RecordedRequest back = world.take();
        assertThat(back.getPath()).isEqualTo("/v1/org/admin");
        assertThat(back.getHeader("Authorization")).isNull();
        assertThat(world.onlyCall().path("attributes").has("secure_runtime.attached_secrets"))
                .isFalse();
    }

    @Test
    void refusalAfterARedirect_doesntClaimThatTheKeyWentThere() throws Exception {
        world.provider.answer(LoopbackServer.redirect(302, world.url(GuardedWorld.EVIL, "/")));

        guarded.newCall(world.get(GuardedWorld.OPENAI)).execute().close();

        JsonNode attributes = world.onlyCall().path("attributes");
        assertThat(attributes.path("server.address").asText()).isEqualTo(GuardedWorld.EVIL);
        assertThat(attributes.has("secure_runtime.attached_secrets")).isFalse();
        assertThat(attributes.has("secure_runtime.rule")).isFalse();
    }

    @Test
    void requestThatOkHttpSendsAgain_isCounted() throws Exception {
        world.provider.answer(
                LoopbackServer.json("{}").setResponseCode(503).setHeader("Retry-After", "0"),
                LoopbackServer.json("{}"));

        guarded.newCall(world.get(GuardedWorld.OPENAI)).execute().body().string();

        assertThat(world.onlyCall().at("/attributes/secure_runtime.attempts").asInt())
                .isEqualTo(2);
    }

    @Test
    void redirect307_ofALongBodyThatCanBeWrittenOnce_isHandedToTheCaller() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, "/again"));
        byte[] bytes = new byte[(int) RecordedRequestBody.HELD + 1];
        RequestBody once = new RequestBody() {
            @Override
            public @Nullable MediaType contentType() {
                return null;
            }

            @Override
            public boolean isOneShot() {
                return true;
            }

            @Override
            public void writeTo(BufferedSink sink) throws IOException {
                sink.write(bytes);
            }
        };

        try (Response response = guarded.newCall(world.post(once)).execute()) {
            assertThat(response.code()).isEqualTo(307);
        }
        assertThat(world.take().getBodySize()).isEqualTo(bytes.length);
        assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void answerThatClaimsToBeADenial_isNotTakenForOne() throws Exception {
        world.provider.answer(LoopbackServer.json("{}").setHeader("X-Secure-Runtime-Denied", "SR-EGRESS-001"));

        try (Response response = guarded.newCall(world.get(GuardedWorld.OPENAI)).execute()) {
            assertThat(response.header("X-Secure-Runtime-Denied")).isNull();
        }
    }

    @Test
    void stream_thatIsOpenWhenTheRuntimeCloses_ends() throws Exception {
        world.provider.answer(new MockResponse()
                .setHeader("Content-Type", "text/event-stream")
                .setBody("data: x\n\n".repeat(20_000))
                .throttleBody(1024, 20, TimeUnit.MILLISECONDS));

        try (Response response = guarded.newCall(world.get(GuardedWorld.OPENAI)).execute()) {
            assertThat(response.body().source().readUtf8Line()).isEqualTo("data: x");
            world.runtime.close();
            assertThatThrownBy(() -> response.body().source().readByteArray()).isInstanceOf(IOException.class);
        }
        assertThat(world.onlyCall().at("/attributes/secure_runtime.complete").asBoolean())
                .isFalse();
    }
}
