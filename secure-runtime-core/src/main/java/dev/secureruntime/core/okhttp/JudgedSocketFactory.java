package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;
import javax.net.SocketFactory;

/**
 * Sockets that judge the address that they are told to connect to: the one that is judged is the one that is used, also
 * for hosts that were written as an address and never looked up.
 */
final class JudgedSocketFactory extends SocketFactory {

    private final Gate gate;
    private final String scheme;

    JudgedSocketFactory(Gate gate, String scheme) {
        this.gate = gate;
        this.scheme = scheme;
    }

    @Override
    public Socket createSocket() {
        return new JudgedSocket();
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        throw unconnectedOnly();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
        throw unconnectedOnly();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        throw unconnectedOnly();
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
            throws IOException {
        throw unconnectedOnly();
    }

    private static IOException unconnectedOnly() {
        return new IOException("guarded sockets are created unconnected");
    }

    private final class JudgedSocket extends Socket {

        JudgedSocket() {
            super(Proxy.NO_PROXY); // a SOCKS proxy set for the JVM would see the connection instead
        }

        @Override
        public void connect(SocketAddress endpoint) throws IOException {
            connect(endpoint, 0);
        }

        @Override
        public void connect(SocketAddress endpoint, int timeout) throws IOException {
            if (!(endpoint instanceof InetSocketAddress target) || target.getAddress() == null) {
                throw new IOException("guarded sockets connect to resolved addresses only");
            }
            String host = target.getHostString();
            Optional<Denied> denied =
                    gate.deniedConnection(scheme, host, target.getPort(), List.of(target.getAddress()));
            if (denied.isPresent()) {
                throw new EgressDeniedException(gate.connection(scheme, host, target.getPort()), denied.get());
            }
            super.connect(endpoint, timeout);
        }
    }
}
