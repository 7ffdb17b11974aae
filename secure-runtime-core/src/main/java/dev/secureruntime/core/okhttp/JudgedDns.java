package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ApprovedProxy;
import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import okhttp3.Dns;

/**
 * Looks up hosts, and judges all of a host's addresses together: one special address among public ones refuses the host,
 * because OkHttp would otherwise move on from address to address until one works. A host that no request under way is
 * about is not looked up at all: not when something else than the guard followed a redirect, and not behind a proxy.
 *
 * <p>Newer releases ask {@code newCall}, whose default asks {@link #lookup}; a test holds them to it. It can't be overridden
 * here, since the release that this is compiled against doesn't have it; nobody else can, since this class is final.
 */
final class JudgedDns implements Dns {

    private final Gate gate;
    private final ComponentSnapshot snapshot;
    private final String scheme;
    private final int port;
    private final LiveExchanges live;

    JudgedDns(Gate gate, ComponentSnapshot snapshot, String scheme, int port, LiveExchanges live) {
        this.gate = gate;
        this.snapshot = snapshot;
        this.scheme = scheme;
        this.port = port;
        this.live = live;
    }

    @Override
    public List<InetAddress> lookup(String hostname) throws UnknownHostException {
        EgressRequest asked = gate.connection(scheme, hostname, port);
        ApprovedProxy proxy = gate.egressProxy();
        if (proxy != null && hostname.equals(proxy.host())) {
            return named(hostname, gate.resolve(hostname)); // approved by name: its addresses are the operator's
        }
        if (proxy != null || !live.anyAbout(hostname)) {
            throw refusal(asked, unasked());
        }
        List<InetAddress> addresses = gate.resolve(hostname);
        Optional<Denied> denied = snapshot.deniedConnection(asked, addresses, Layer.LOOKUP);
        if (denied.isPresent()) {
            throw refusal(asked, denied.get());
        }
        return named(hostname, addresses);
    }

    /** Of the kind that OkHttp expects wherever it asks; the guard finds the refusal in it. */
    private static UnknownHostException refusal(EgressRequest asked, Denied denied) {
        UnknownHostException refusal = new UnknownHostException("refused by the guard: " + asked.host());
        refusal.initCause(new EgressDeniedException(asked, denied));
        return refusal;
    }

    private Denied unasked() {
        return new Denied(
                        ErrorCode.EGRESS_GUARD_BYPASSED,
                        Reason.GUARD_BYPASSED,
                        "a host was to be looked up that no request under way is about",
                        null,
                        "find out which code did this, and keep it from doing so")
                .at(Layer.LOOKUP)
                .under(snapshot.version());
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
