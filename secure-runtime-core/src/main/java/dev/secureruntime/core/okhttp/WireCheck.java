package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.ProtocolException;
import java.util.Optional;
import okhttp3.Address;
import okhttp3.Connection;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.Route;
import org.jspecify.annotations.Nullable;

/**
 * The last look before bytes are written: the request still is the one that was judged, says so in its {@code Host} header
 * (which HTTP/2 sends as {@code :authority}), and runs over a connection that this client opened as it was made. Nothing of
 * ours changes either; this stands against whatever would. OkHttp doesn't ask it about WebSockets: see {@link UpgradeCheck}.
 */
final class WireCheck implements Interceptor {

    private final Gate gate;
    private final OkHttpClient client;

    /** A check that all is as it is in {@code client}. */
    WireCheck(Gate gate, OkHttpClient client) {
        this.gate = gate;
        this.client = client;
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
            throw Hop.changed(hop);
        }
        Connection connection = requireConnectionAllowed(chain, hop);
        hop.record().sent();
        Response response = chain.proceed(request);
        requireFinal(response, connection);
        return response;
    }

    /**
     * Refuses an interim answer (RFC 9110, section 15.2) in a final one's place: 101, which nobody asked for, or one that OkHttp
     * doesn't skip. It would keep the connection, and take what comes there next for the answer to the next request.
     */
    private static void requireFinal(Response response, Connection connection) throws IOException {
        if (response.code() >= 200) {
            return;
        }
        response.close();
        if (response.protocol() != Protocol.HTTP_2) { // there its stream has ended by itself
            connection.socket().close();
        }
        throw new ProtocolException("the server answered " + response.code() + ", which is no final answer here");
    }

    /** What is not the client's own, of the call and of the connection that it runs over; null when all is. */
    private @Nullable String foreign(Chain chain, Route route) {
        Address opened = route.address();
        if (opened.dns() != client.dns()) {
            return "a connection of another resolver";
        }
        if (opened.socketFactory() != client.socketFactory()) {
            return "a connection of another socket factory";
        }
        if (!route.proxy().equals(client.proxy())) {
            return "a connection through another proxy";
        }
        if (opened.sslSocketFactory() != null
                && (opened.sslSocketFactory() != client.sslSocketFactory()
                        || opened.hostnameVerifier() != client.hostnameVerifier())) {
            return "a connection with other TLS settings";
        }
        String swapped = ChainParts.swapped(chain, client);
        return swapped == null ? null : "another " + swapped;
    }

    /** The connection. A policy that came into force since the hop began has looked through the hops that it knew the connections of. */
    private Connection requireConnectionAllowed(Chain chain, Hop hop) throws IOException {
        Connection connection = chain.connection();
        if (connection == null) {
            throw hop.bypassed("the request has no connection of ours");
        }
        String foreign = foreign(chain, connection.route());
        if (foreign != null) {
            throw hop.bypassed("the call runs on something else than the guard gave it: " + foreign);
        }
        hop.runsOver(connection.route());
        hop.noteGrant(gate);
        ComponentSnapshot inForce = gate.inForce();
        if (inForce != hop.snapshot()) {
            Optional<Denied> denied = hop.deniedConnection(inForce, gate);
            if (denied.isPresent()) {
                throw new EgressDeniedException(hop.asked(), denied.get().at(Layer.CONNECTION));
            }
        }
        return connection;
    }
}
