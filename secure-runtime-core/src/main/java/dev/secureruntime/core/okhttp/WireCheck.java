package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.util.Optional;
import okhttp3.Connection;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/**
 * The last look before bytes are written: the request still is the one that was judged, and says so in its {@code Host}
 * header. Nothing of ours changes either; this stands against whatever would. OkHttp doesn't ask it about WebSockets.
 */
final class WireCheck implements Interceptor {

    private final Gate gate;

    WireCheck(Gate gate) {
        this.gate = gate;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        Hop hop = request.tag(Hop.class);
        String host = request.header("Host");
        if (hop == null
                || !hop.isAbout(request)
                || host == null
                || !RequestParts.origin(request.url()).isNamedBy(host)
                || RequestParts.faultOfHeaders(request, hop) != null) {
            throw new IOException("SR-EGRESS-005 the request changed after it was judged; nothing was sent");
        }
        requireConnectionAllowed(chain, hop);
        hop.record().sent();
        return chain.proceed(request);
    }

    /** A policy that came into force since the hop began has looked through the hops that it knew the connections of. */
    private void requireConnectionAllowed(Chain chain, Hop hop) throws IOException {
        Connection connection = chain.connection();
        if (connection == null) {
            throw new IOException("SR-EGRESS-005 a request without a connection of ours; nothing was sent");
        }
        hop.runsOver(connection.route());
        ComponentSnapshot inForce = gate.inForce();
        if (inForce != hop.snapshot()) {
            Optional<Denied> denied = hop.deniedConnection(inForce, gate);
            if (denied.isPresent()) {
                throw new EgressDeniedException(hop.asked(), denied.get().at(Layer.CONNECTION));
            }
        }
    }
}
