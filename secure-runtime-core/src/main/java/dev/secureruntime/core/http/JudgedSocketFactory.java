package dev.secureruntime.core.http;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.SocketFactory;

/** Makes the sockets of one scheme under one version of the policy. */
public final class JudgedSocketFactory extends SocketFactory {

    private final Gate gate;
    private final ComponentSnapshot snapshot;
    private final String scheme;
    private final OpenSockets open;

    public JudgedSocketFactory(Gate gate, ComponentSnapshot snapshot, String scheme, OpenSockets open) {
        this.gate = gate;
        this.snapshot = snapshot;
        this.scheme = scheme;
        this.open = open;
    }

    @Override
    public Socket createSocket() {
        return new JudgedSocket(gate, snapshot, scheme, open);
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
