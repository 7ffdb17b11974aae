package dev.secureruntime.core.http;

import dev.secureruntime.core.ApprovedProxy;
import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.ConnectionBudget;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A socket that judges the address that it is told to connect to: the one that is judged is the one that is used, also for
 * hosts that were written as an address and never looked up. Each byte is taken off the component's budgets before it is written.
 * It can be cut, and what is read or written then says why.
 */
public final class JudgedSocket extends Socket {

    private final Gate gate;
    private final ComponentSnapshot snapshot;
    private final String scheme;
    /** Where the approved proxy is to lead; null when there is none. */
    private final @Nullable EgressRequest tunnel;

    private final OpenSockets open;
    private volatile @Nullable EgressRequest target;
    private volatile @Nullable ConnectionBudget budget;
    private volatile @Nullable Denied cut;

    public JudgedSocket(Gate gate, ComponentSnapshot snapshot, String scheme, OpenSockets open) {
        this(gate, snapshot, scheme, null, open);
    }

    /** A socket to the approved proxy, which is to lead on to {@code tunnel}. */
    public JudgedSocket(
            Gate gate, ComponentSnapshot snapshot, String scheme, @Nullable EgressRequest tunnel, OpenSockets open) {
        super(Proxy.NO_PROXY); // a SOCKS proxy set for the JVM would see the connection instead
        this.gate = gate;
        this.snapshot = snapshot;
        this.scheme = scheme;
        this.tunnel = tunnel;
        this.open = open;
    }

    @Override
    public void connect(SocketAddress endpoint) throws IOException {
        connect(endpoint, 0);
    }

    @Override
    public void connect(SocketAddress endpoint, int timeout) throws IOException {
        if (!(endpoint instanceof InetSocketAddress to) || to.getAddress() == null) {
            throw new IOException("guarded sockets connect to resolved addresses only");
        }
        EgressRequest asked = tunnel != null ? tunnel : gate.connection(scheme, to.getHostString(), to.getPort());
        // A client that knows nothing of the proxy doesn't get around it either.
        Optional<Denied> denied = tunnel != null || gate.egressProxy() != null
                ? besidesTheProxy(to)
                : snapshot.deniedConnection(asked, List.of(to.getAddress()), Layer.CONNECTION);
        if (denied.isPresent()) {
            throw new EgressDeniedException(asked, denied.get());
        }
        ConnectionBudget room = gate.budget(asked);
        room.requireRoom(); // a client that tries again after a cut would connect for nothing
        target = asked;
        budget = room;
        open.enter(this);
        try {
            super.connect(endpoint, timeout);
            requireStillAllowed(asked, to.getAddress());
            open.connected(this);
        } catch (IOException e) {
            close();
            throw told(e);
        }
    }

    /** Another policy may have come into force before this socket could be found and closed. */
    private void requireStillAllowed(EgressRequest asked, InetAddress address) throws EgressDeniedException {
        ComponentSnapshot inForce = gate.inForce();
        if (inForce != snapshot) {
            Optional<Denied> denied = deniedOpen(inForce, asked, address);
            if (denied.isPresent()) {
                throw new EgressDeniedException(asked, denied.get().at(Layer.CONNECTION));
            }
        }
    }

    /** Why the policy refuses that this connection stays; one that isn't connected yet will ask by itself. */
    public Optional<Denied> denied(ComponentSnapshot inForce) {
        InetAddress address = getInetAddress();
        return address == null ? Optional.empty() : deniedOpen(inForce, target(), address);
    }

    /** The address that was judged and is connected to; null where the approved proxy leads on to one that it knows alone. */
    public @Nullable InetAddress judgedAddress() {
        return tunnel != null ? null : getInetAddress();
    }

    /** Tells a hop of this connection, if the hop's request could be written to it. */
    void mayCarry(GuardedHop hop) {
        InetAddress address = judgedAddress();
        if (address != null && hop.snapshot() == snapshot && Origin.of(target()).equals(Origin.of(hop.asked()))) {
            hop.runsOver(target(), address);
        }
    }

    private Optional<Denied> deniedOpen(ComponentSnapshot inForce, EgressRequest asked, InetAddress address) {
        return tunnel != null ? inForce.deniedTunnel(asked) : inForce.deniedOpen(asked, address);
    }

    /** Where there is a proxy, nothing else is connected to. */
    private Optional<Denied> besidesTheProxy(InetSocketAddress to) {
        ApprovedProxy proxy = gate.egressProxy();
        if (proxy != null && proxy.isAt(to)) {
            return Optional.empty();
        }
        return Optional.of(RequestForm.bypassed("a connection was to be made to something else than the approved proxy")
                .at(Layer.CONNECTION)
                .under(snapshot.version()));
    }

    /** Closes it for a reason; false when it was closed before. */
    boolean cut(Denied reason) {
        synchronized (this) {
            if (cut != null || isClosed()) {
                return false;
            }
            cut = reason;
        }
        end();
        return true;
    }

    /** Closes it under whoever uses it. */
    void end() {
        try {
            close();
        } catch (IOException e) {
            // Closed for whoever reads or writes, whatever the system says of it.
        }
    }

    public EgressRequest target() {
        EgressRequest known = target;
        if (known == null) {
            throw new IllegalStateException("a socket is entered when it has a target");
        }
        return known;
    }

    /** Takes bytes off the component's budgets before they are written; what doesn't fit ends the connection. */
    private void spend(int bytes) throws IOException {
        ConnectionBudget counted = budget;
        if (counted == null) {
            throw new IOException("a guarded socket that has no target writes nothing");
        }
        try {
            counted.spend(bytes);
        } catch (EgressDeniedException e) {
            cut(e.decision());
            throw told(e);
        }
    }

    /** Out-of-band data would go past the output stream, uncounted. */
    @Override
    public void sendUrgentData(int data) throws IOException {
        throw new IOException("guarded sockets send no urgent data");
    }

    private IOException told(IOException failure) {
        Denied reason = cut;
        return reason == null ? failure : new EgressDeniedException(target(), reason);
    }

    @Override
    public void close() throws IOException {
        open.leave(this);
        super.close();
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new FilterInputStream(super.getInputStream()) {
            @Override
            public int read() throws IOException {
                try {
                    return in.read();
                } catch (IOException e) {
                    throw told(e);
                }
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                try {
                    return in.read(buffer, offset, length);
                } catch (IOException e) {
                    throw told(e);
                }
            }
        };
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
        return new FilterOutputStream(super.getOutputStream()) {
            @Override
            public void write(int b) throws IOException {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] buffer, int offset, int length) throws IOException {
                spend(length);
                try {
                    out.write(buffer, offset, length);
                } catch (IOException e) {
                    throw told(e);
                }
            }
        };
    }
}
