package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedAddresses;
import dev.secureruntime.core.http.LiveExchanges;
import dev.secureruntime.core.http.RequestForm;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import okhttp3.Dns;

/**
 * Looks up hosts for OkHttp, which asks it for one host at a time and tells it neither scheme nor port. A host that no request
 * under way is about is not looked up at all: not when something else than the guard followed a redirect.
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
        try {
            if (gate.egressProxy() == null && !live.anyAbout(hostname)) {
                throw new EgressDeniedException(
                        gate.connection(scheme, hostname, port),
                        RequestForm.bypassed("a host was to be looked up that no request under way is about")
                                .at(Layer.LOOKUP)
                                .under(snapshot.version()));
            }
            return JudgedAddresses.of(gate, snapshot, scheme, hostname, port);
        } catch (EgressDeniedException e) {
            // Of the kind that OkHttp expects wherever it asks; the guard finds the refusal in it.
            UnknownHostException refusal = new UnknownHostException("refused by the guard: " + hostname);
            refusal.initCause(e);
            throw refusal;
        }
    }
}
