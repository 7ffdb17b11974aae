package dev.secureruntime.core.http;

import dev.secureruntime.core.ApprovedProxy;
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

/**
 * Looks up hosts, and judges all of a host's addresses together: one special address among public ones refuses the host,
 * because a client would otherwise move on from address to address until one works. Behind the approved proxy nothing but the
 * proxy itself is looked up.
 */
public final class JudgedAddresses {

    private JudgedAddresses() {}

    /**
     * The addresses that may be connected to.
     *
     * @param host a name that was allowed
     * @throws UnknownHostException when it has none
     * @throws EgressDeniedException when one of them is refused
     */
    public static List<InetAddress> of(Gate gate, ComponentSnapshot snapshot, String scheme, String host, int port)
            throws UnknownHostException, EgressDeniedException {
        EgressRequest asked = gate.connection(scheme, host, port);
        ApprovedProxy proxy = gate.egressProxy();
        if (proxy != null) {
            if (host.equals(proxy.host())) {
                return addresses(gate, host); // approved by name: its addresses are the operator's
            }
            throw new EgressDeniedException(
                    asked,
                    RequestForm.bypassed("a host was to be looked up that the approved proxy looks up")
                            .at(Layer.LOOKUP)
                            .under(snapshot.version()));
        }
        List<InetAddress> addresses = addresses(gate, host);
        if (isLiteral(host)) {
            return addresses; // decided on as the host that it is, and judged once more by the socket that connects
        }
        Optional<Denied> denied = snapshot.deniedConnection(asked, addresses, Layer.LOOKUP);
        if (denied.isPresent()) {
            throw new EgressDeniedException(asked, denied.get());
        }
        return addresses;
    }

    /** All of them; an address is its own. */
    private static List<InetAddress> addresses(Gate gate, String host) throws UnknownHostException {
        return named(host, isLiteral(host) ? List.of(InetAddress.getByName(host)) : gate.resolve(host));
    }

    /** Whether the host, which the policy took for well-formed, is an address: then there is nothing to look up. */
    private static boolean isLiteral(String host) {
        return host.indexOf(':') >= 0 || host.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'));
    }

    /** The same addresses with the name that was asked for, so that a socket knows whom it connects to. */
    private static List<InetAddress> named(String host, List<InetAddress> addresses) throws UnknownHostException {
        List<InetAddress> named = new ArrayList<>(addresses.size());
        for (InetAddress address : addresses) {
            boolean scoped = address instanceof Inet6Address six && six.getScopeId() != 0;
            named.add(scoped ? address : InetAddress.getByAddress(host, address.getAddress()));
        }
        return named;
    }
}
