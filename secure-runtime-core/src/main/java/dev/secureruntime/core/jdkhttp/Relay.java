package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedConnector;
import dev.secureruntime.core.http.JudgedSocket;
import dev.secureruntime.core.http.OpenSockets;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.core.http.Target;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the JDK's client connects to instead of its target: a proxy of our own on the loopback interface, which connects to
 * the address that was judged. The JDK's client would look the host up by itself, after us, and could find another address.
 *
 * <p>The relay looks the host up for a hop that is under way, judges all of its addresses under the hop's policy, and hands
 * bytes back and forth: over https it sees nothing but TLS. A connection without the token of a live hop gets nothing. Each
 * token is random, 256 bits, and opens the hop's own target only.
 *
 * <p>Thread-safe; two threads for each connection.
 */
final class Relay implements AutoCloseable {

    /** The header that carries a hop's token; the JDK's client sends it to proxies and never through a tunnel. */
    static final String TOKEN_HEADER = "Proxy-Authorization";

    static final String SCHEME = "SecureRuntime ";

    static final int MAX_UNKNOWN = 256;

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");
    private static final int HEAD_TIMEOUT_MILLIS = 10_000;
    private static final long ACCEPT_PAUSE_NANOS = 100_000_000;
    private static final byte[] ESTABLISHED = ascii("HTTP/1.1 200 Connection established\r\n\r\n");
    private static final byte[] REFUSED =
            ascii("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

    private final Gate gate;
    private final Executor threads;
    private final JudgedConnector connector;
    private final ServerSocket listening;
    private final int headTimeoutMillis;
    private final Map<String, Admission> admitted = new ConcurrentHashMap<>();
    private final Set<Tunnel> tunnels = ConcurrentHashMap.newKeySet();
    /** Connections that have not shown a token yet: other processes on the machine can open those. */
    private final Semaphore unknown = new Semaphore(MAX_UNKNOWN);

    private record Admission(JdkHop hop, Generation generation) {}

    private Relay(Gate gate, Executor threads, OpenSockets sockets, ServerSocket listening, int headTimeoutMillis) {
        this.gate = gate;
        this.threads = threads;
        this.connector = new JudgedConnector(gate, sockets);
        this.listening = listening;
        this.headTimeoutMillis = headTimeoutMillis;
    }

    /** Begins to listen, on a port that the system chooses. */
    static Relay open(Gate gate, Executor threads, OpenSockets sockets) {
        return open(gate, threads, sockets, HEAD_TIMEOUT_MILLIS);
    }

    /** The same; a connection has so long to show its token. */
    static Relay open(Gate gate, Executor threads, OpenSockets sockets, int headTimeoutMillis) {
        try {
            ServerSocket listening = new ServerSocket(0, MAX_UNKNOWN, InetAddress.getLoopbackAddress());
            Relay relay = new Relay(gate, threads, sockets, listening, headTimeoutMillis);
            threads.execute(relay::accept);
            return relay;
        } catch (IOException e) {
            throw new UncheckedIOException("guarded java.net.http can't listen on the loopback interface", e);
        }
    }

    /** Where the client finds it. */
    InetSocketAddress address() {
        return (InetSocketAddress) listening.getLocalSocketAddress();
    }

    /** Lets connections of the hop through, until {@link #dismiss}. */
    void admit(JdkHop hop, Generation generation) {
        admitted.put(hop.token(), new Admission(hop, generation));
    }

    void dismiss(JdkHop hop) {
        admitted.remove(hop.token());
        hop.ends();
    }

    /** Closes the connections of a generation that is over. */
    void closeAll(Generation generation) {
        for (Tunnel tunnel : tunnels) {
            if (tunnel.generation() == generation) {
                tunnel.close();
            }
        }
    }

    @Override
    public void close() {
        try {
            listening.close();
        } catch (IOException e) {
            LOG.warn("the relay of component \"{}\" could not be closed", gate.name(), e);
        }
        tunnels.forEach(Tunnel::close);
        admitted.values().forEach(admission -> admission.hop().ends());
        admitted.clear();
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                Socket client = listening.accept();
                if (!unknown.tryAcquire()) {
                    client.close();
                    continue;
                }
                serve(client);
            } catch (IOException e) {
                if (!listening.isClosed()) {
                    LOG.warn("the relay of component \"{}\" could not accept a connection", gate.name(), e);
                    // No descriptors are left, most likely: asking again at once would take a core and flood the log.
                    LockSupport.parkNanos(ACCEPT_PAUSE_NANOS);
                }
            }
        }
    }

    private void serve(Socket client) throws IOException {
        try {
            threads.execute(() -> {
                try (client) {
                    open(client);
                } catch (IOException e) {
                    // The client closed, or sent what is no request: whoever waits for an answer is told by the client.
                }
            });
        } catch (RejectedExecutionException | OutOfMemoryError e) {
            // No thread could be had: this connection gets nothing, and the next one may.
            unknown.release();
            client.close();
        }
    }

    private void open(Socket client) throws IOException {
        InputStream in;
        RelayedHead head;
        Future<?> tooLate = null;
        try {
            client.setTcpNoDelay(true);
            // For the whole head: whoever sends a byte now and then must not keep others out.
            tooLate = gate.timer().schedule(() -> abandon(client), headTimeoutMillis, TimeUnit.MILLISECONDS);
            in = new BufferedInputStream(client.getInputStream(), 16 * 1024);
            head = RelayedHead.read(in);
        } catch (RejectedExecutionException e) {
            return; // the runtime is closing
        } finally {
            if (tooLate != null) {
                tooLate.cancel(false);
            }
            unknown.release();
        }
        Admission admission = admitted.get(head.token());
        if (admission == null || !head.isFor(admission.hop().target())) {
            if (admission != null) {
                admission.hop().unconnected(new IOException("SR-EGRESS-005 the request changed after it was judged"));
            }
            client.getOutputStream().write(REFUSED);
            return;
        }
        JudgedSocket server = connected(admission.hop());
        if (server == null) {
            client.getOutputStream().write(REFUSED);
            return;
        }
        Tunnel tunnel = new Tunnel(client, server, admission.generation());
        tunnels.add(tunnel);
        try (tunnel) {
            if (listening.isClosed()) {
                return;
            }
            if (head.isConnect()) {
                client.getOutputStream().write(ESTABLISHED);
                tunnel.run(threads, in);
            } else {
                tunnel.runPlain(threads, in, head, next -> belongsBehind(admission, next));
            }
        } finally {
            tunnels.remove(tunnel);
        }
    }

    private static void abandon(Socket client) {
        try {
            client.close();
        } catch (IOException e) {
            // Closed for whoever reads, whatever the system says of it.
        }
    }

    /** The target of a request that follows another one on its connection; null when that leads elsewhere. */
    private Target.@Nullable Read belongsBehind(Admission first, RelayedHead head) {
        Admission admission = admitted.get(head.token());
        if (admission == null
                || head.isConnect()
                || admission.generation() != first.generation()
                || !Origin.of(admission.hop().asked())
                        .equals(Origin.of(first.hop().asked()))
                || !head.isFor(admission.hop().target())) {
            return null;
        }
        return admission.hop().target();
    }

    private @Nullable JudgedSocket connected(JdkHop hop) {
        try {
            return connect(hop);
        } catch (SocketTimeoutException e) {
            hop.unconnected(new HttpConnectTimeoutException("HTTP connect timed out"));
        } catch (IOException e) {
            hop.unconnected(e);
        } catch (RuntimeException e) {
            hop.unconnected(new IOException("the guard failed; the call was refused", e));
        }
        return null;
    }

    private JudgedSocket connect(JdkHop hop) throws IOException {
        int timeout = (int) Math.min(Math.max(1, hop.connectTimeout().toMillis()), Integer.MAX_VALUE);
        JudgedSocket connected = connector.connect(hop.snapshot(), Origin.of(hop.asked()), timeout, hop);
        hop.connected(connected);
        return connected;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
