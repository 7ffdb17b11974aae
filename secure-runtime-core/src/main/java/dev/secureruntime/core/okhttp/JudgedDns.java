package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import okhttp3.Dns;

/**
 * Looks up hosts, and judges all of a host's addresses together: one special address among public ones refuses the host,
 * because OkHttp would otherwise move on from address to address until one works.
 */
final class JudgedDns implements Dns {

    private final Gate gate;
    private final String scheme;
    private final int port;

    JudgedDns(Gate gate, String scheme, int port) {
        this.gate = gate;
        this.scheme = scheme;
        this.port = port;
    }

    @Override
    public List<InetAddress> lookup(String hostname) throws UnknownHostException {
        List<InetAddress> addresses = gate.resolve(hostname);
        Optional<Denied> denied = gate.deniedConnection(scheme, hostname, port, addresses);
        if (denied.isPresent()) {
            throw HardenedClient.sneaky(
                    new EgressDeniedException(gate.connection(scheme, hostname, port), denied.get()));
        }
        return addresses;
    }
}
