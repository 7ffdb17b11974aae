package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.WrittenLog;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.EarlyServer;
import dev.secureruntime.core.okhttp.EarlyServer.End;
import dev.secureruntime.core.okhttp.EarlyServer.Then;
import dev.secureruntime.core.okhttp.FakeResolver;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import okhttp3.MediaType;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Servers that have answered, whole, while the request's body is still under way: a call is not over before its body is, and
 * its record says what became of that.
 */
@Timeout(60)
class EarlyAnswerTest {

    private static final String HOST = "localhost";
    private static final String SECRET = "upload-secret-0123456789";
    private static final byte[] BEGINNING = "begun ".repeat(16_000).getBytes(StandardCharsets.US_ASCII);

    @TempDir
    Path folder;

    /** A body that stops after its beginning, until the test says how it goes on. */
    private static final class StoppedBody extends InputStream {

        private final CompletableFuture<byte[]> rest = new CompletableFuture<>();
        private int at;

        void goOn(String with) {
            rest.complete(with.getBytes(StandardCharsets.US_ASCII));
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException("piece by piece");
        }

        @Override
        public int read(byte[] buffer, int offset, int count) {
            byte[] from = at < BEGINNING.length
                    ? BEGINNING
                    : rest.orTimeout(30, TimeUnit.SECONDS).join();
            int begin = from == BEGINNING ? at : at - BEGINNING.length;
            int length = Math.min(count, from.length - begin);
            System.arraycopy(from, begin, buffer, offset, length);
            at += length;
            return length == 0 ? -1 : length;
        }
    }

    /** A component that knows a secret, and may send to the server's {@code /upload}. */
    private final class World implements AutoCloseable {

        final EarlyServer server;
        final SecureRuntime runtime;
        final StoppedBody body = new StoppedBody();
        final String url;

        World(UploadingAdapter adapter, Then then) throws IOException {
            server = new EarlyServer(adapter.protocol(), then, HOST);
            url = "https://" + HOST + ":" + server.port() + "/upload";
            runtime = SecureRuntime.builder()
                    .policy(allowing("/upload"))
                    .auditLog(AuditSettings.in(folder.resolve("audit")))
                    .secret("key", () -> SECRET.getBytes(StandardCharsets.US_ASCII))
                    .resolver(new FakeResolver())
                    .trustManager(LoopbackServer.CLIENT.trustManager())
                    .build();
        }

        Policy allowing(String path) {
            Scope scope = Scope.HTTPS.onPort(server.port());
            Scope limited = new Scope(scope.ports(), scope.schemes(), Set.of(), Set.of(path));
            return Policy.builder()
                    .component(
                            "agent",
                            ComponentPolicy.builder()
                                    .allow(EgressRule.host(HOST, limited))
                                    .allow(EgressRule.cidr("127.0.0.1/32", scope))
                                    .secret("key")
                                    .build())
                    .secret("key", SecretPolicy.suppliedByCode())
                    .build();
        }

        JsonNode onlyCall() throws IOException {
            runtime.close();
            List<JsonNode> calls = new WrittenLog(folder.resolve("audit")).records("egress.call");
            assertThat(calls).hasSize(1);
            return calls.get(0);
        }

        void assertRefused() throws IOException {
            JsonNode call = onlyCall().path("attributes");
            assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("deny");
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
            assertThat(call.path("error.type").asText()).isEqualTo("SR-EGRESS-006");
            assertThat(call.path("secure_runtime.secret").asText()).isEqualTo("key");
            assertThat(call.path("secure_runtime.found_in").asText()).isEqualTo("body");
        }

        @Override
        public void close() throws IOException {
            body.goOn("");
            runtime.close();
            server.close();
        }
    }

    /** What becomes of a call: the answer's body, or the failure in words. */
    private static CompletableFuture<String> outcome(Callable<String> call) {
        CompletableFuture<String> outcome = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                outcome.complete(call.call());
            } catch (Exception e) {
                outcome.complete(e.toString());
            }
        });
        thread.setDaemon(true);
        thread.start();
        return outcome;
    }

    @ParameterizedTest
    @EnumSource
    void secret_behindTheAnswer_withoutTheGuard_arrives(UploadingAdapter adapter) throws Exception {
        try (World world = new World(adapter, Then.READS)) {
            CompletableFuture<String> outcome = outcome(() -> adapter.bare(world.url, world.body));
            assertThat(world.server.awaitArrived("begun")).isTrue();

            world.body.goOn(SECRET + "yyyy");

            assertThat(outcome.get(30, TimeUnit.SECONDS)).isEqualTo(EarlyServer.ANSWER);
            assertThat(world.server.awaitArrived(SECRET)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource
    void secret_behindTheAnswer_isRefused_andTheRecordSaysSo(UploadingAdapter adapter) throws Exception {
        try (World world = new World(adapter, Then.READS)) {
            CompletableFuture<String> outcome =
                    outcome(() -> adapter.post(world.runtime.component("agent"), world.url, world.body));
            assertThat(world.server.awaitArrived("begun")).isTrue();

            world.body.goOn(SECRET + "yyyy");

            assertThat(outcome.get(30, TimeUnit.SECONDS)).contains("SR-EGRESS-006");
            assertThat(world.server.awaitEnd()).isIn(End.RESET, End.DISCONNECTED);
            assertThat(world.server.arrived()).doesNotContain("upload-secret");
            world.assertRefused();
        }
    }

    @ParameterizedTest
    @EnumSource
    void upload_behindTheAnswer_isCutByAPolicyThatRefusesItsPathAlone(UploadingAdapter adapter) throws Exception {
        try (World world = new World(adapter, Then.READS)) {
            CompletableFuture<String> outcome =
                    outcome(() -> adapter.post(world.runtime.component("agent"), world.url, world.body));
            assertThat(world.server.awaitArrived("begun")).isTrue();

            assertThat(world.runtime.reload(world.allowing("/other")).cutCalls())
                    .isEqualTo(1);

            assertThat(world.server.awaitEnd()).isIn(End.RESET, End.DISCONNECTED);
            world.body.goOn("end");
            assertThat(outcome.get(30, TimeUnit.SECONDS)).contains("SR-EGRESS-");
            assertThat(world.server.arrived()).doesNotContain("end");
            JsonNode call = world.onlyCall().path("attributes");
            assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("deny");
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
        }
    }

    @ParameterizedTest
    @EnumSource
    void upload_behindTheAnswer_arrivesWhole_andIsCommittedTo(UploadingAdapter adapter) throws Exception {
        try (World world = new World(adapter, Then.READS)) {
            CompletableFuture<String> outcome =
                    outcome(() -> adapter.post(world.runtime.component("agent"), world.url, world.body));
            assertThat(world.server.awaitArrived("begun")).isTrue();

            world.body.goOn("the end");

            assertThat(outcome.get(30, TimeUnit.SECONDS)).isEqualTo(EarlyServer.ANSWER);
            assertThat(world.server.awaitArrived("the end")).isTrue();
            JsonNode record = world.onlyCall();
            assertThat(record.toString()).contains("http.request.body");
            JsonNode call = record.path("attributes");
            assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("allow");
            assertThat(call.path("secure_runtime.complete").asBoolean()).isTrue();
        }
    }

    /** A body that is handed over piece by piece, by the test, as the client asks for it. */
    private static final class HandedBody implements Publisher<ByteBuffer>, Subscription {

        private final CompletableFuture<Subscriber<? super ByteBuffer>> client = new CompletableFuture<>();
        private final Semaphore asked = new Semaphore(0);

        @Override
        public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
            subscriber.onSubscribe(this);
            client.complete(subscriber);
        }

        @Override
        public void request(long n) {
            asked.release((int) Math.min(n, 1_000));
        }

        @Override
        public void cancel() {
            // What comes all the same is what the test is about.
        }

        void hand(String piece) throws Exception {
            assertThat(asked.tryAcquire(20, TimeUnit.SECONDS)).isTrue();
            client.get(20, TimeUnit.SECONDS).onNext(ByteBuffer.wrap(piece.getBytes(StandardCharsets.US_ASCII)));
        }
    }

    /** Newer clients of the JDK hand out an answer whose server asks for no more, and take no failure of the body any more. */
    @Test
    void secret_behindAnAnswerThatAsksToStop_isRefused_andWhoReadsTheAnswerIsTold() throws Exception {
        try (World world = new World(UploadingAdapter.JDK_2, Then.ASKS_TO_STOP)) {
            HandedBody body = new HandedBody();
            CompletableFuture<HttpResponse<Publisher<List<ByteBuffer>>>> sent = GuardedJdkHttp.client(
                            world.runtime.component("agent"))
                    .sendAsync(
                            HttpRequest.newBuilder(URI.create(world.url))
                                    .POST(BodyPublishers.fromPublisher(body))
                                    .build(),
                            BodyHandlers.ofPublisher());
            body.hand("begun ".repeat(2_000)); // one frame, and more than is held back
            assertThat(world.server.awaitArrived("begun")).isTrue();
            if (Runtime.version().feature() >= 25) {
                sent.get(30, TimeUnit.SECONDS);
            }

            body.hand(SECRET + "yyyy");

            CompletableFuture<String> outcome = sent.thenCompose(answer -> {
                BodySubscriber<String> reader = BodySubscribers.ofString(StandardCharsets.US_ASCII);
                answer.body().subscribe(reader);
                return reader.getBody();
            });
            assertThatThrownBy(() -> outcome.get(30, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(EgressDeniedException.class)
                    .hasMessageContaining("SR-EGRESS-006");
            assertThat(world.server.arrived()).doesNotContain("upload-secret");
            world.assertRefused();
        }
    }

    /** A body that goes on until it is told that the server takes no more, and writes its last words all the same. */
    private static RequestBody stubborn(String lastWords) {
        return new RequestBody() {
            @Override
            public MediaType contentType() {
                return null;
            }

            @Override
            public void writeTo(BufferedSink sink) throws IOException {
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
                try {
                    while (System.nanoTime() < end) {
                        sink.write(BEGINNING, 0, 6_000)
                                .flush(); // what is left of it fits into one look with the last words
                    }
                } catch (IOException stopped) {
                    sink.writeUtf8(lastWords).flush();
                }
            }
        };
    }

    private static Response posted(World world, RequestBody body) throws IOException {
        return GuardedOkHttp.callFactory(world.runtime.component("agent"))
                .newCall(new Request.Builder().url(world.url).post(body).build())
                .execute();
    }

    /** OkHttp tells a body of the server's wish, and forgives it every failure from then on. */
    @Test
    void secret_thatABodyWritesAfterTheServerAskedToStop_isRefused_andTheRecordSaysSo() throws Exception {
        try (World world = new World(UploadingAdapter.OKHTTP_2, Then.ASKS_TO_STOP)) {
            assertThatThrownBy(() -> posted(world, stubborn(SECRET + "yyyy")))
                    .isInstanceOf(EgressDeniedException.class)
                    .hasMessageContaining("SR-EGRESS-006");

            assertThat(world.server.arrived()).doesNotContain("upload-secret");
            world.assertRefused();
        }
    }

    @Test
    void answerThatAsksToStop_isHandedOut_andTheRecordCommitsToNoBody() throws Exception {
        try (World world = new World(UploadingAdapter.OKHTTP_2, Then.ASKS_TO_STOP)) {
            try (Response response = posted(world, stubborn("the end"))) {
                assertThat(response.body().string()).isEqualTo(EarlyServer.ANSWER);
            }

            assertThat(world.server.arrived()).doesNotContain("the end");
            JsonNode record = world.onlyCall();
            assertThat(record.toString()).doesNotContain("http.request.body");
            assertThat(record.path("attributes").path("secure_runtime.verdict").asText())
                    .isEqualTo("allow");
        }
    }
}
