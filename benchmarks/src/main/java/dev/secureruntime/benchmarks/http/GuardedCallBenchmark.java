package dev.secureruntime.benchmarks.http;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One call over TLS on loopback, HTTP/1.1 on a kept connection, bare and guarded: a prompt of 2 KiB, an answer of 1 KiB. The
 * guarded one is judged, gets its credential, is committed to and recorded. Loopback is the hardest case: a real model takes
 * a thousand times as long.
 */
@State(org.openjdk.jmh.annotations.Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 6, time = 2)
@Fork(2)
public class GuardedCallBenchmark {

    private static final String HOST = "api.openai.com";
    private static final byte[] ANSWER = answer();

    private final HeldCertificate root =
            new HeldCertificate.Builder().certificateAuthority(0).build();
    private ServerSocket server;
    private SecureRuntime runtime;
    private OkHttpClient bare;
    private OkHttpClient guarded;
    private Request request;

    /** Starts server, runtime and clients. */
    @Setup(Level.Trial)
    public void start() throws IOException {
        HeldCertificate certificate = new HeldCertificate.Builder()
                .signedBy(root)
                .addSubjectAlternativeName(HOST)
                .build();
        server = new HandshakeCertificates.Builder()
                .heldCertificate(certificate)
                .build()
                .sslContext()
                .getServerSocketFactory()
                .createServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        Thread acceptor = new Thread(this::accept, "server");
        acceptor.setDaemon(true);
        acceptor.start();

        HandshakeCertificates trust = new HandshakeCertificates.Builder()
                .addTrustedCertificate(root.certificate())
                .build();
        int port = server.getLocalPort();
        Scope scope = Scope.HTTPS.onPort(port);
        Path folder = Files.createTempDirectory("guarded-call");
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
                .secret("key", () -> "sk-benchmark".getBytes(StandardCharsets.US_ASCII))
                .resolver(host -> List.of(InetAddress.getLoopbackAddress()))
                .trustManager(trust.trustManager())
                .build();
        guarded = GuardedOkHttp.client(runtime.component("agent"));
        bare = new OkHttpClient.Builder()
                .dns(host -> List.of(InetAddress.getLoopbackAddress()))
                .sslSocketFactory(trust.sslSocketFactory(), trust.trustManager())
                .build();
        request = new Request.Builder()
                .url("https://" + HOST + ":" + port + "/v1/chat/completions")
                .header("Authorization", "Bearer placeholder")
                .post(RequestBody.create(
                        "{\"model\":\"m\",\"messages\":[\"" + "x".repeat(2_000) + "\"]}",
                        MediaType.get("application/json")))
                .build();
    }

    /** Ends them. */
    @TearDown(Level.Trial)
    public void stop() throws IOException {
        runtime.close();
        server.close();
    }

    /** A call on a client of OkHttp's own. */
    @Benchmark
    public int bare() throws IOException {
        return call(bare);
    }

    /** The same call on a guarded client. */
    @Benchmark
    public int guarded() throws IOException {
        return call(guarded);
    }

    private int call(OkHttpClient client) throws IOException {
        try (Response response = client.newCall(request).execute()) {
            return Objects.requireNonNull(response.body()).bytes().length;
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                Thread worker = new Thread(() -> serve(socket), "connection");
                worker.setDaemon(true);
                worker.start();
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    /** Answers requests of known length, one after the other. */
    private static void serve(Socket socket) {
        try (socket;
                InputStream in = new BufferedInputStream(socket.getInputStream());
                OutputStream out = socket.getOutputStream()) {
            socket.setTcpNoDelay(true);
            while (true) {
                int length = 0;
                String line = line(in);
                if (line.isEmpty()) {
                    return;
                }
                while (!line.isEmpty()) {
                    if (line.regionMatches(true, 0, "Content-Length:", 0, 15)) {
                        length = Integer.parseInt(line.substring(15).strip());
                    }
                    line = line(in);
                }
                in.skipNBytes(length);
                out.write(ANSWER);
                out.flush();
            }
        } catch (IOException e) {
            // The client went away.
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    private static byte[] answer() {
        String body = "{\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"" + "y".repeat(900)
                + "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":9}}";
        return ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n"
                        + body)
                .getBytes(StandardCharsets.US_ASCII);
    }
}
