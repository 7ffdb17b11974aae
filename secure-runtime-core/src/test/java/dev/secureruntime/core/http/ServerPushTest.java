package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.WrittenLog;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.FakeResolver;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.PushingServer;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.PushPromiseHandler;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server pushes unasked reaches nobody, in the name of another authority or of its own. */
@Timeout(60)
class ServerPushTest {

    private static final String HOST = "api.example";
    private static final String ENABLE_PUSH = "jdk.httpclient.enablepush";
    private static final String EVIL = "evil.example";

    @TempDir
    Path folder;

    /** Takes whatever is promised. */
    private static final class Taking implements PushPromiseHandler<String> {

        final BlockingQueue<URI> promised = new LinkedBlockingQueue<>();
        final BlockingQueue<String> bodies = new LinkedBlockingQueue<>();

        @Override
        public void applyPushPromise(
                HttpRequest initiating,
                HttpRequest promise,
                Function<BodyHandler<String>, CompletableFuture<HttpResponse<String>>> acceptor) {
            promised.add(promise.uri());
            acceptor.apply(BodyHandlers.ofString()).thenAccept(response -> bodies.add(response.body()));
        }
    }

    private static HttpRequest get(String host, PushingServer server) {
        return HttpRequest.newBuilder(URI.create("https://" + host + ":" + server.port() + "/"))
                .build();
    }

    /** A component that may talk to the server, and what became of its one call. */
    private final class Guarded implements AutoCloseable {

        final PushingServer server;
        final FakeResolver resolver = new FakeResolver();
        final SecureRuntime runtime;

        Guarded(String promisedAuthority) throws IOException {
            server = new PushingServer(promisedAuthority, HOST);
            Scope scope = Scope.HTTPS.onPort(server.port());
            runtime = SecureRuntime.builder()
                    .policy(Policy.builder()
                            .component(
                                    "agent",
                                    ComponentPolicy.builder()
                                            .allow(EgressRule.host(HOST, scope))
                                            .allow(EgressRule.cidr("127.0.0.1/32", scope))
                                            .build())
                            .build())
                    .auditLog(AuditSettings.in(folder.resolve("audit")))
                    .resolver(resolver)
                    .trustManager(LoopbackServer.CLIENT.trustManager())
                    .build();
        }

        void assertPushWentNowhere(String how) throws Exception {
            assertThat(server.awaitRefusal()).isEqualTo(how);
            assertThat(server.connections()).isEqualTo(1);
            assertThat(resolver.lookups()).containsExactly(HOST);
            runtime.close();
            assertThat(new WrittenLog(folder.resolve("audit")).records("egress.call"))
                    .hasSize(1);
        }

        @Override
        public void close() throws IOException {
            runtime.close();
            server.close();
        }
    }

    @Test
    void push_inTheNameOfAnotherAuthority_reachesTheCallerOfABareClient() throws Exception {
        try (PushingServer server = new PushingServer(EVIL, "localhost")) {
            Taking taking = new Taking();
            HttpClient bare = HttpClient.newBuilder()
                    .sslContext(LoopbackServer.CLIENT.sslContext())
                    .build();

            HttpResponse<String> answer = bare.sendAsync(get("localhost", server), BodyHandlers.ofString(), taking)
                    .get(30, TimeUnit.SECONDS);

            assertThat(answer.body()).isEqualTo(PushingServer.ASKED);
            assertThat(taking.promised.poll(20, TimeUnit.SECONDS)).hasHost(EVIL);
            assertThat(taking.bodies.poll(20, TimeUnit.SECONDS)).isEqualTo(PushingServer.PUSHED);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {EVIL, HOST})
    void push_toTheJdksGuardedClient_isRefused_andTheHandlerNotAsked(String authority) throws Exception {
        try (Guarded guarded = new Guarded(authority)) {
            Taking taking = new Taking();

            CompletableFuture<HttpResponse<String>> answer = GuardedJdkHttp.client(guarded.runtime.component("agent"))
                    .sendAsync(get(HOST, guarded.server), BodyHandlers.ofString(), taking);

            // The server was told not to: pushing all the same is an error of the connection (RFC 9113, section 8.4).
            assertThatThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(IOException.class)
                    .hasMessageContaining("PUSH_PROMISE");
            guarded.assertPushWentNowhere(PushingServer.FORBIDDEN);
            assertThat(taking.promised).isEmpty();
            assertThat(taking.bodies).isEmpty();
        }
    }

    /** The JDK's own switch turns pushes on for all of its clients. */
    @Test
    void push_whereTheJdkIsToldToTakePushes_isReset_andTheHandlerNotAsked() throws Exception {
        System.setProperty(ENABLE_PUSH, "1");
        try (Guarded guarded = new Guarded(EVIL)) {
            Taking taking = new Taking();

            HttpResponse<String> answer = GuardedJdkHttp.client(guarded.runtime.component("agent"))
                    .sendAsync(get(HOST, guarded.server), BodyHandlers.ofString(), taking)
                    .get(30, TimeUnit.SECONDS);

            assertThat(answer.body()).isEqualTo(PushingServer.ASKED);
            guarded.assertPushWentNowhere(PushingServer.RESET);
            assertThat(taking.promised).isEmpty();
            assertThat(taking.bodies).isEmpty();
        } finally {
            System.clearProperty(ENABLE_PUSH);
        }
    }

    /** OkHttp has no way to take a push; that stays as it is under the guard. */
    @ParameterizedTest
    @ValueSource(strings = {EVIL, HOST})
    void push_toOkHttp_isRefused(String authority) throws Exception {
        try (Guarded guarded = new Guarded(authority)) {
            Request request = new Request.Builder()
                    .url("https://" + HOST + ":" + guarded.server.port() + "/")
                    .build();

            try (Response answer = GuardedOkHttp.callFactory(guarded.runtime.component("agent"))
                    .newCall(request)
                    .execute()) {
                assertThat(answer.body().string()).isEqualTo(PushingServer.ASKED);
                assertThat(answer.protocol()).isEqualTo(okhttp3.Protocol.HTTP_2);
            }

            guarded.assertPushWentNowhere(PushingServer.RESET);
        }
    }
}
