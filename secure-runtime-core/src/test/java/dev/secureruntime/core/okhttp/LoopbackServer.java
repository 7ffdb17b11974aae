package dev.secureruntime.core.okhttp;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;
import okhttp3.Headers;
import okhttp3.Protocol;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.MockWebServer;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;

/** A real HTTP server over TLS on loopback that answers to any of the given names and counts connections. */
public final class LoopbackServer implements AutoCloseable {

    public static final HeldCertificate ROOT = new HeldCertificate.Builder()
            .certificateAuthority(0)
            .commonName("loopback root")
            .build();
    public static final HandshakeCertificates CLIENT = new HandshakeCertificates.Builder()
            .addTrustedCertificate(ROOT.certificate())
            .build();

    public final MockWebServer server = new MockWebServer();
    private final AtomicInteger connections = new AtomicInteger();
    private final Object lock = new Object();
    private int open;

    public LoopbackServer(String... names) throws IOException {
        this(List.of(Protocol.HTTP_2, Protocol.HTTP_1_1), names);
    }

    public LoopbackServer(List<Protocol> protocols, String... names) throws IOException {
        server.setProtocols(protocols);
        HeldCertificate.Builder certificate =
                new HeldCertificate.Builder().signedBy(ROOT).commonName(names[0]);
        for (String name : names) {
            certificate.addSubjectAlternativeName(name);
        }
        HandshakeCertificates certificates = new HandshakeCertificates.Builder()
                .heldCertificate(certificate.build())
                .build();
        server.setServerSocketFactory(new CountingServerSocketFactory());
        server.useHttps(certificates.sslSocketFactory(), false);
        server.start(InetAddress.getByName("127.0.0.1"), 0);
    }

    public int port() {
        return server.getPort();
    }

    /** Connections accepted so far: one is a byte too many where nothing may arrive. */
    public int connections() {
        return connections.get();
    }

    /** Waits until this many connections are open, as the server sees it; false when that takes too long. */
    public boolean awaitOpen(int expected) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        synchronized (lock) {
            for (long left = end - System.nanoTime(); open != expected && left > 0; left = end - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(lock, left);
            }
            return open == expected;
        }
    }

    private void opened(int more) {
        synchronized (lock) {
            open += more;
            lock.notifyAll();
        }
    }

    public void answer(MockResponse... responses) {
        for (MockResponse response : responses) {
            server.enqueue(response);
        }
    }

    /** All headers in the clear: OkHttp's own {@code toString} would hide the very ones that are looked for. */
    public static String clear(Headers headers) {
        StringBuilder text = new StringBuilder();
        headers.forEach(header -> text.append(header.getFirst())
                .append(": ")
                .append(header.getSecond())
                .append('\n'));
        return text.toString();
    }

    /** An answer whose end nobody waits for. */
    public static MockResponse slow() {
        return new MockResponse().setBody("x".repeat(400_000)).throttleBody(1_000, 2, TimeUnit.SECONDS);
    }

    public static MockResponse json(String body) {
        return new MockResponse().setHeader("Content-Type", "application/json").setBody(body);
    }

    public static MockResponse redirect(int status, String location) {
        return new MockResponse().setResponseCode(status).setHeader("Location", location);
    }

    @Override
    public void close() throws IOException {
        server.shutdown();
    }

    private final class CountingServerSocketFactory extends ServerSocketFactory {

        @Override
        public ServerSocket createServerSocket() throws IOException {
            return new ServerSocket() {
                @Override
                public Socket accept() throws IOException {
                    Socket socket = new CountedSocket(() -> opened(-1));
                    implAccept(socket);
                    opened(1);
                    connections.incrementAndGet();
                    return socket;
                }
            };
        }

        @Override
        public ServerSocket createServerSocket(int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public ServerSocket createServerSocket(int port, int backlog) {
            throw new UnsupportedOperationException();
        }

        @Override
        public ServerSocket createServerSocket(int port, int backlog, InetAddress address) {
            throw new UnsupportedOperationException();
        }
    }
}
