package dev.secureruntime.core.http;

import dev.secureruntime.core.ApprovedProxy;
import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Opens the connections of adapters that connect by themselves: to an address that was judged together with all others of the
 * host, or, where there is an approved proxy, through a tunnel that the proxy opens. Thread-safe.
 */
public final class JudgedConnector {

    private final Gate gate;
    private final OpenSockets sockets;

    /** The sockets are entered where a reload finds them. */
    public JudgedConnector(Gate gate, OpenSockets sockets) {
        this.gate = gate;
        this.sockets = sockets;
    }

    /** Who wants a connection. */
    public interface Caller {

        /**
         * A socket is about to be connected.
         *
         * @throws IOException when it isn't wanted any more
         */
        default void connects(JudgedSocket socket) throws IOException {}

        /** Whether the next address is tried after this failure. */
        boolean triesNext(IOException failure);
    }

    /**
     * A connected socket that leads to the origin; over https it is yet to be secured.
     *
     * @param timeoutMillis for each address, and as long again for the proxy's answer; 0 means no limit
     * @throws EgressDeniedException when the host's addresses, or the one that is connected to, are refused
     * @throws IOException when no address can be connected to, or the proxy opens no tunnel
     */
    public JudgedSocket connect(ComponentSnapshot snapshot, Origin origin, int timeoutMillis, Caller caller)
            throws IOException {
        ApprovedProxy proxy = gate.egressProxy();
        String host = proxy == null ? origin.host() : proxy.host();
        int port = proxy == null ? origin.port() : proxy.port();
        EgressRequest tunnel = proxy == null ? null : gate.connection(origin.scheme(), origin.host(), origin.port());
        List<InetAddress> addresses = JudgedAddresses.of(gate, snapshot, origin.scheme(), host, port);
        IOException failure = null;
        for (InetAddress address : addresses) {
            JudgedSocket socket = new JudgedSocket(gate, snapshot, origin.scheme(), tunnel, sockets);
            try {
                caller.connects(socket);
                connect(socket, new InetSocketAddress(address, port), proxy, origin, timeoutMillis);
                return socket;
            } catch (EgressDeniedException e) {
                throw e;
            } catch (IOException e) {
                if (failure != null) {
                    e.addSuppressed(failure);
                }
                failure = e;
                if (!caller.triesNext(e)) {
                    break;
                }
            }
        }
        throw failure == null ? new UnknownHostException(host) : failure;
    }

    private static void connect(
            JudgedSocket socket,
            InetSocketAddress address,
            @Nullable ApprovedProxy proxy,
            Origin origin,
            int timeoutMillis)
            throws IOException {
        boolean connected = false;
        try {
            socket.setTcpNoDelay(true);
            socket.connect(address, timeoutMillis);
            if (proxy != null) {
                new ProxyTunnel(proxy, origin, timeoutMillis).open(socket);
            }
            connected = true;
        } finally {
            if (!connected) {
                socket.close();
            }
        }
    }
}
