package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.WrittenLog;
import dev.secureruntime.core.okhttp.EarlyServer;
import dev.secureruntime.core.okhttp.EarlyServer.End;
import dev.secureruntime.core.okhttp.EarlyServer.Then;
import dev.secureruntime.core.okhttp.FakeResolver;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
            return calls.get(0).path("attributes");
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
            JsonNode call = world.onlyCall();
            assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("deny");
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
            assertThat(call.path("error.type").asText()).isEqualTo("SR-EGRESS-006");
            assertThat(call.path("secure_runtime.secret").asText()).isEqualTo("key");
            assertThat(call.path("secure_runtime.found_in").asText()).isEqualTo("body");
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
            JsonNode call = world.onlyCall();
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
            JsonNode call = world.onlyCall();
            assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("allow");
            assertThat(call.path("secure_runtime.complete").asBoolean()).isTrue();
        }
    }
}
