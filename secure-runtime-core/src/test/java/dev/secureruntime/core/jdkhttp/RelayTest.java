package dev.secureruntime.core.jdkhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.http.OpenSockets;
import dev.secureruntime.core.okhttp.FakeResolver;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.MockWebServer;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The relay's own doors, and requests in the clear, whose framing it has to know. */
class RelayTest {

    @TempDir
    Path folder;

    private SecureRuntime runtime(int... ports) {
        ComponentPolicy.Builder agent = ComponentPolicy.builder();
        for (int port : ports) {
            Scope scope = new Scope(Set.of(port), Set.of("http"), Set.of(), Set.of());
            agent.allow(EgressRule.host("plain.example", scope));
            agent.allow(EgressRule.host("other.example", scope));
            agent.allow(EgressRule.cidr("127.0.0.1/32", scope));
        }
        return SecureRuntime.builder()
                .policy(Policy.builder().component("agent", agent.build()).build())
                .auditLog(AuditSettings.in(folder.resolve("audit")))
                .resolver(new FakeResolver())
                .build();
    }

    private static HttpRequest.Builder to(String url) {
        return HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30));
    }

    @Test
    void send_inTheClear_arrivesAsAnOriginsRequest_withItsWholeBody() throws Exception {
        try (MockWebServer server = new MockWebServer()) {
            server.start(InetAddress.getByName("127.0.0.1"), 0);
            try (SecureRuntime runtime = runtime(server.getPort())) {
                HttpClient client = GuardedJdkHttp.client(runtime.component("agent"));
                String url = "http://plain.example:" + server.getPort() + "/a%20b?q=1";
                byte[] large = "y".repeat(300_000).getBytes(StandardCharsets.UTF_8);
                for (int i = 0; i < 3; i++) {
                    server.enqueue(new MockResponse().setBody("z".repeat(200_000)));
                }
                List<HttpRequest> requests = List.of(
                        to(url).build(),
                        to(url).POST(BodyPublishers.ofByteArray(large)).build(),
                        to(url).POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large)))
                                .build());
                for (HttpRequest request : requests) {
                    assertThat(client.send(request, BodyHandlers.ofString()).body())
                            .hasSize(200_000);
                    RecordedRequest seen = server.takeRequest(20, TimeUnit.SECONDS);
                    assertThat(seen.getRequestLine()).endsWith(" /a%20b?q=1 HTTP/1.1");
                    assertThat(seen.getHeader("Host")).isEqualTo("plain.example:" + server.getPort());
                    assertThat(seen.getHeaders().toString()).doesNotContainIgnoringCase("proxy");
                    assertThat(seen.getBodySize())
                            .isEqualTo(request.bodyPublisher().isPresent() ? 300_000 : 0);
                }
            }
        }
    }

    /** Answers and keeps the connection, whatever it was asked; remembers all bytes that it got. */
    private static final class Clinging implements AutoCloseable {

        final ServerSocket listening = new ServerSocket(0, 10, InetAddress.getByName("127.0.0.1"));
        final List<ByteArrayOutputStream> got = Collections.synchronizedList(new ArrayList<>());

        Clinging() throws IOException {
            Thread thread = new Thread(this::accept);
            thread.setDaemon(true);
            thread.start();
        }

        private void accept() {
            try {
                while (true) {
                    Socket socket = listening.accept();
                    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                    got.add(bytes);
                    Thread thread = new Thread(() -> serve(socket, bytes));
                    thread.setDaemon(true);
                    thread.start();
                }
            } catch (IOException e) {
                // closed
            }
        }

        private static void serve(Socket socket, ByteArrayOutputStream bytes) {
            byte[] chunk = new byte[8192];
            try (socket) {
                InputStream in = socket.getInputStream();
                for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
                    bytes.write(chunk, 0, read);
                    if (bytes.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
                        socket.getOutputStream()
                                .write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                        .getBytes(StandardCharsets.ISO_8859_1));
                    }
                }
            } catch (IOException e) {
                // closed
            }
        }

        @Override
        public void close() throws IOException {
            listening.close();
        }
    }

    @Test
    void server_thatKeepsAConnectionItWasAskedToClose_getsNoRequestThatIsMeantForAnother() throws Exception {
        try (Clinging evil = new Clinging();
                Clinging good = new Clinging();
                SecureRuntime runtime = runtime(evil.listening.getLocalPort(), good.listening.getLocalPort())) {
            HttpClient client = GuardedJdkHttp.client(runtime.component("agent"));
            String first = "http://plain.example:" + evil.listening.getLocalPort() + "/one";
            String second = "http://other.example:" + good.listening.getLocalPort() + "/two";
            assertThat(client.send(to(first).build(), BodyHandlers.ofString()).body())
                    .isEqualTo("ok");
            HttpResponse<String> answer =
                    client.send(to(second).header("x", "for the other").build(), BodyHandlers.ofString());

            assertThat(answer.body()).isEqualTo("ok");
            assertThat(good.got.get(0).toString(StandardCharsets.ISO_8859_1)).contains("for the other");
            assertThat(evil.got.toString()).doesNotContain("for the other").doesNotContain("SecureRuntime");
        }
    }

    @Test
    void relay_toWhoeverHasNoToken_givesNothing_andIsGoneWithTheRuntime() throws Exception {
        try (Clinging target = new Clinging();
                SecureRuntime runtime = runtime(target.listening.getLocalPort())) {
            int port = target.listening.getLocalPort();
            HttpClient client = GuardedJdkHttp.client(runtime.component("agent"));
            int relay = ((GuardedClient) client).transport().relay().address().getPort();
            for (String head : List.of(
                    "CONNECT plain.example:" + port + " HTTP/1.1\r\n\r\n",
                    "CONNECT plain.example:" + port + " HTTP/1.1\r\nProxy-Authorization: SecureRuntime \r\n\r\n",
                    "CONNECT plain.example:" + port + " HTTP/1.1\r\nProxy-Authorization: SecureRuntime AAAA\r\n\r\n",
                    "GET http://plain.example:" + port + "/ HTTP/1.1\r\n\r\n",
                    "\r\n\r\n")) {
                try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), relay)) {
                    socket.setSoTimeout(20_000);
                    socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
                    assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                            .startsWith("HTTP/1.1 502");
                }
            }
            assertThat(target.got).isEmpty();
            runtime.close();
            assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), relay))
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void relay_toWhoeverSendsAByteNowAndThen_closesAllTheSame() throws Exception {
        try (Clinging target = new Clinging();
                SecureRuntime runtime = runtime(target.listening.getLocalPort())) {
            JdkTransport transport = ((GuardedClient) GuardedJdkHttp.client(runtime.component("agent"))).transport();
            try (Relay relay = Relay.open(transport.gate(), transport.threads(), new OpenSockets(), 500);
                    Socket socket = new Socket(
                            InetAddress.getLoopbackAddress(), relay.address().getPort())) {
                socket.setSoTimeout(20); // between two bytes
                boolean closed = false;
                for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
                        !closed && System.nanoTime() < end; ) {
                    try {
                        socket.getOutputStream().write('x');
                        closed = socket.getInputStream().read() < 0;
                    } catch (SocketTimeoutException e) {
                        // Still open.
                    } catch (SocketException e) {
                        closed = true;
                    }
                }
                assertThat(closed).isTrue();
            }
        }
    }

    @Test
    void relay_withoutThreads_givesConnectionsNothing_andServesThoseThatComeLater() throws Exception {
        try (SecureRuntime runtime = runtime()) {
            JdkTransport transport = ((GuardedClient) GuardedJdkHttp.client(runtime.component("agent"))).transport();
            AtomicInteger threads = new AtomicInteger();
            Executor wanting = task -> {
                int thread = threads.getAndIncrement(); // the first one accepts
                if (thread >= 1 && thread <= Relay.MAX_UNKNOWN) {
                    throw new OutOfMemoryError("unable to create native thread");
                }
                transport.threads().execute(task);
            };
            try (Relay relay = Relay.open(transport.gate(), wanting, new OpenSockets())) {
                for (int i = 0; i < Relay.MAX_UNKNOWN; i++) {
                    assertThat(answer(relay)).isEmpty();
                }
                assertThat(answer(relay)).startsWith("HTTP/1.1 502");
            }
        }
    }

    /** What the relay says to a request without a token. */
    private static String answer(Relay relay) throws IOException {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), relay.address().getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write("\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        } catch (SocketException e) {
            return ""; // closed with the request unread
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 5\nhelloGET /|hello",
                "Content-Length: 0\nGET /|",
                "X: y\nGET /|",
                "Transfer-Encoding: chunked\n5\r\nhello\r\n0\r\n\r\nGET /|5\r\nhello\r\n0\r\n\r\n"
            })
    void plainBody_isCopiedToItsEnd_andNotAByteMore(String example) throws IOException {
        String header = example.substring(0, example.indexOf('\n'));
        String sent = example.substring(example.indexOf('\n') + 1, example.lastIndexOf('|'));
        String expected = example.substring(example.lastIndexOf('|') + 1);
        RelayedHead head = RelayedHead.read(new ByteArrayInputStream(
                ("POST http://a/ HTTP/1.1\r\n" + header + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1)));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        InputStream in = new ByteArrayInputStream(sent.getBytes(StandardCharsets.ISO_8859_1));

        PlainBody.of(head).copy(in, out);

        assertThat(out.toString(StandardCharsets.ISO_8859_1)).isEqualTo(expected);
        assertThat(new String(in.readAllBytes(), StandardCharsets.ISO_8859_1)).isEqualTo("GET /");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 5|hell",
                "Content-Length: -5|hello",
                "Content-Length: 5\r\nTransfer-Encoding: chunked|hello",
                "Transfer-Encoding: gzip, chunked|0\r\n\r\n",
                "Transfer-Encoding: chunked|5;x=y\r\nhello\r\n0\r\n\r\n",
                "Transfer-Encoding: chunked|5\nhello\n0\n\n",
                "Transfer-Encoding: chunked|5\r\nhelloo\r\n0\r\n\r\n",
                "Transfer-Encoding: chunked|0\r\nTrailer: x\r\n\r\n"
            })
    void plainBody_whoseEndIsInDoubt_fails(String example) throws IOException {
        String header = example.substring(0, example.indexOf('|'));
        String sent = example.substring(example.indexOf('|') + 1);
        RelayedHead head = RelayedHead.read(new ByteArrayInputStream(
                ("POST http://a/ HTTP/1.1\r\n" + header + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1)));
        assertThatThrownBy(() -> PlainBody.of(head)
                        .copy(
                                new ByteArrayInputStream(sent.getBytes(StandardCharsets.ISO_8859_1)),
                                new ByteArrayOutputStream()))
                .isInstanceOf(IOException.class);
    }
}
