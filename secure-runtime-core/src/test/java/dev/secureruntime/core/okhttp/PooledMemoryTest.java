package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import okio.Buffer;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The key in the memory that Okio keeps and hands out again unwiped. The server is the JDK's: one on Okio would leave copies
 * of its own in the same pools.
 */
class PooledMemoryTest {

    private static final String HOST = "api.openai.com";
    private static final String KEY = "sk-real-pooled-key-0123456789";

    @TempDir
    Path folder;

    private final AtomicReference<String> seen = new AtomicReference<>();
    private final AtomicReference<String> body = new AtomicReference<>();
    private volatile int status = 200;
    private HttpsServer server;
    private SecureRuntime runtime;
    private Component agent;

    @BeforeEach
    void start() throws IOException {
        HeldCertificate certificate = new HeldCertificate.Builder()
                .signedBy(LoopbackServer.ROOT)
                .addSubjectAlternativeName(HOST)
                .build();
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(new HandshakeCertificates.Builder()
                .heldCertificate(certificate)
                .build()
                .sslContext()));
        server.createContext("/", exchange -> {
            seen.set(exchange.getRequestHeaders().getFirst("Authorization"));
            body.set(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.US_ASCII));
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
        int port = server.getAddress().getPort();
        Scope scope = Scope.HTTPS.onPort(port);
        runtime = SecureRuntime.builder()
                .policy(Policy.builder()
                        .component(
                                "agent",
                                ComponentPolicy.builder()
                                        .allow(EgressRule.host(HOST, scope))
                                        .allow(EgressRule.cidr("127.0.0.1/32", scope))
                                        .secret("key")
                                        .build())
                        .secret("key", SecretPolicy.suppliedByCode().attachedAs(Attachment.bearer(HOST + ":" + port)))
                        .build())
                .auditLog(folder.resolve("audit"))
                .secret("key", () -> KEY.getBytes(StandardCharsets.US_ASCII))
                .resolver(host -> List.of(InetAddress.getByName("127.0.0.1")))
                .trustManager(LoopbackServer.CLIENT.trustManager())
                .build();
        agent = runtime.component("agent");
    }

    @AfterEach
    void stop() {
        runtime.close();
        server.stop(0);
    }

    private Request.Builder request() {
        return new Request.Builder()
                .url("https://" + HOST + ":" + server.getAddress().getPort() + "/v1/x");
    }

    @Test
    void afterACallAndInsideALongBody_noKeyIsFound() throws Exception {
        ScanningBody scanning = new ScanningBody((int) RecordedRequestBody.HELD + 1);

        GuardedOkHttp.client(agent)
                .newCall(request().post(scanning).build())
                .execute()
                .close();
        String after = scan();

        assertThat(seen.get()).isEqualTo("Bearer " + KEY);
        assertThat(scanning.found).isNull();
        assertThat(after).isNull();
    }

    @Test
    void insideABody_withoutTheGuard_theKeyIsFound() throws Exception {
        ScanningBody scanning = new ScanningBody(40_000);
        OkHttpClient bare = new OkHttpClient.Builder()
                .dns(host -> List.of(InetAddress.getByName("127.0.0.1")))
                .sslSocketFactory(LoopbackServer.CLIENT.sslSocketFactory(), LoopbackServer.CLIENT.trustManager())
                .build();

        bare.newCall(request()
                        .header("Authorization", "Bearer " + KEY)
                        .post(scanning)
                        .build())
                .execute()
                .close();

        assertThat(scanning.found).startsWith(KEY);
    }

    @Test
    void whenAWebSocketIsRefused_noKeyIsFound() throws Exception {
        status = 401;
        CompletableFuture<String> found = new CompletableFuture<>();

        GuardedOkHttp.callFactory(agent).newWebSocket(request().build(), new WebSocketListener() {
            @Override
            public void onFailure(WebSocket webSocket, Throwable t, @Nullable Response response) {
                found.complete(String.valueOf(scan()));
            }
        });

        assertThat(found.get(10, TimeUnit.SECONDS)).isEqualTo("null");
        assertThat(seen.get()).isEqualTo("Bearer " + KEY);
    }

    @Test
    void bodyThatChangesItsMemoryAfterItWasLookedAt_isSentAsItWasCommittedTo() throws Exception {
        RequestBody changing = new RequestBody() {
            @Override
            public @Nullable MediaType contentType() {
                return null;
            }

            @Override
            public long contentLength() {
                return 5;
            }

            @Override
            public void writeTo(BufferedSink sink) throws IOException {
                sink.writeUtf8("hello");
                byte[] memory;
                try (Buffer.UnsafeCursor cursor = new Buffer.UnsafeCursor()) {
                    sink.getBuffer().readAndWriteUnsafe(cursor);
                    cursor.seek(0);
                    memory = cursor.data;
                }
                sink.emit();
                System.arraycopy("EVIL!".getBytes(StandardCharsets.US_ASCII), 0, memory, 0, 5);
            }
        };

        GuardedOkHttp.client(agent)
                .newCall(request().post(changing).build())
                .execute()
                .close();

        assertThat(body.get()).isEqualTo("hello");
    }

    private static final class ScanningBody extends RequestBody {
        private final int length;
        private @Nullable String found;

        ScanningBody(int length) {
            this.length = length;
        }

        @Override
        public @Nullable MediaType contentType() {
            return null;
        }

        @Override
        public long contentLength() {
            return length;
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            sink.write(new byte[length]);
            sink.flush();
            found = scan();
        }
    }

    /** Takes memory from Okio and looks through it, as any code may. */
    private static @Nullable String scan() {
        String found = null;
        Buffer buffer = new Buffer();
        try (Buffer.UnsafeCursor cursor = new Buffer.UnsafeCursor()) {
            buffer.readAndWriteUnsafe(cursor);
            for (int segment = 0; segment < 16; segment++) {
                cursor.expandBuffer(8192);
                String memory = new String(cursor.data, StandardCharsets.ISO_8859_1);
                int at = memory.indexOf("sk-real-pooled");
                if (at >= 0) {
                    found = memory.substring(at, Math.min(memory.length(), at + 40));
                }
            }
        }
        return found;
    }
}
