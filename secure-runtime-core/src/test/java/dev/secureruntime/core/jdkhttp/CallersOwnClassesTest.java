package dev.secureruntime.core.jdkhttp;

import static dev.secureruntime.core.jdkhttp.JdkCalls.taken;
import static dev.secureruntime.core.jdkhttp.JdkCalls.to;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import okhttp3.mockwebserver.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests, publishers and subscribers of the caller's own class, which do without the JDK's checks. */
class CallersOwnClassesTest {

    @TempDir
    Path folder;

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
}
