package dev.secureruntime.core.http;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/** Makes the sockets of one scheme under one version of the policy. */
public final class JudgedSocketFactory extends SocketFactory {

    private final Gate gate;
    private final ComponentSnapshot snapshot;
    private final String scheme;
    private final @Nullable EgressRequest tunnel;
    private final OpenSockets open;

    public JudgedSocketFactory(Gate gate, ComponentSnapshot snapshot, String scheme, OpenSockets open) {
        this(gate, snapshot, scheme, null, open);
    }

    /** Sockets to the approved proxy, which is to lead on to {@code tunnel}. */
    public JudgedSocketFactory(
            Gate gate, ComponentSnapshot snapshot, String scheme, @Nullable EgressRequest tunnel, OpenSockets open) {
        this.gate = gate;
        this.snapshot = snapshot;
        this.scheme = scheme;
        this.tunnel = tunnel;
        this.open = open;
    }

    @Override
    public Socket createSocket() {
        return new JudgedSocket(gate, snapshot, scheme, tunnel, open);
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
}
