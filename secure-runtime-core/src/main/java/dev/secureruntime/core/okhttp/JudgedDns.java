package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import okhttp3.Dns;

/**
 * Looks up hosts, and judges all of a host's addresses together: one special address among public ones refuses the host,
 * because OkHttp would otherwise move on from address to address until one works.
 */
final class JudgedDns implements Dns {

    private final Gate gate;
    private final ComponentSnapshot snapshot;
    private final String scheme;
    private final int port;

    JudgedDns(Gate gate, ComponentSnapshot snapshot, String scheme, int port) {
        this.gate = gate;
        this.snapshot = snapshot;
        this.scheme = scheme;
        this.port = port;
    }

    @Override
    public List<InetAddress> lookup(String hostname) throws UnknownHostException {
        List<InetAddress> addresses = gate.resolve(hostname);
        EgressRequest asked = gate.connection(scheme, hostname, port);
        Optional<Denied> denied = snapshot.deniedConnection(asked, addresses, Layer.LOOKUP);
        if (denied.isPresent()) {
            throw HardenedClient.sneaky(new EgressDeniedException(asked, denied.get()));
        }
        return named(hostname, addresses);
    }

    /** The same addresses with the name that was asked for, so that a socket knows whom it connects to. */
    private static List<InetAddress> named(String hostname, List<InetAddress> addresses) throws UnknownHostException {
        List<InetAddress> named = new ArrayList<>(addresses.size());
        for (InetAddress address : addresses) {
            boolean scoped = address instanceof Inet6Address six && six.getScopeId() != 0;
            named.add(scoped ? address : InetAddress.getByAddress(hostname, address.getAddress()));
        }
        return named;
    }
}
