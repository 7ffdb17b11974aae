package dev.secureruntime.core.apache;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedConnector;
import dev.secureruntime.core.http.JudgedSocket;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.http.LiveExchanges;
import dev.secureruntime.core.http.OpenSockets;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.apache.hc.client5.http.ssl.DefaultHostnameVerifier;
import org.jspecify.annotations.Nullable;

/**
 * The connections that a component opened under one version of the policy, so that no request rides on a connection that
 * another version let be opened.
 *
 * <p>What begins here is entered first and asks afterwards whether its version still is the one in force; who puts another in
 * force writes that first and looks through what is entered afterwards. So one of the two sees the other. Thread-safe.
 */
final class Generation {

    private static final DefaultHostnameVerifier HOSTNAMES = new DefaultHostnameVerifier();

    private final Gate gate;
    private final ComponentSnapshot snapshot;
    private final SSLSocketFactory tls;
    private final JudgedConnector connector;
    private final LiveExchanges live;
    private final KeptConnections kept = new KeptConnections();
    private final AtomicInteger underWay = new AtomicInteger();

    Generation(Gate gate, ComponentSnapshot snapshot, SSLSocketFactory tls, OpenSockets sockets, LiveExchanges live) {
        this.gate = gate;
        this.snapshot = snapshot;
        this.tls = tls;
        this.connector = new JudgedConnector(gate, sockets);
        this.live = live;
    }

    ComponentSnapshot snapshot() {
        return snapshot;
    }

    /** Enters a hop that is about to begin; refuses it when the policy in force by now does. */
    LiveExchange begin(Hop hop) throws EgressDeniedException {
        LiveExchange exchange = new LiveExchange(hop, hop::cancel, this::ended);
        underWay.incrementAndGet();
        live.enter(exchange);
        exchange.requireStillAllowed(gate);
        return exchange;
    }

    private void ended(LiveExchange exchange) {
        if (live.leave(exchange) && underWay.decrementAndGet() == 0 && isOver()) {
            kept.end();
        }
    }

    /** Whether another version is in force. */
    private boolean isOver() {
        return gate.inForce() != snapshot;
    }

    boolean isIdle() {
        return underWay.get() == 0;
    }

    /** An idle connection to the origin; null when there is none. */
    @Nullable
    Wire kept(Origin origin) {
        return kept.take(origin);
    }

    /** Keeps a connection whose answer was read to its end. */
    void keep(Wire wire) {
        if (isOver()) {
            wire.retire();
            return;
        }
        kept.keep(wire);
        if (isOver() && isIdle()) {
            kept.end(); // who put the new version in force may have looked before the connection was here
        }
    }

    boolean closeOld() {
        return kept.closeOld();
    }

    /** Closes what is idle, and keeps nothing any more. */
    void end() {
        kept.end();
    }

    /** Opens a connection. */
    Wire open(Origin origin, Hop hop, int timeoutMillis) throws IOException {
        JudgedSocket socket = connector.connect(snapshot, origin, timeoutMillis, hop);
        boolean opened = false;
        try {
            SSLSocket secured = origin.scheme().equals("https") ? secured(socket, origin, timeoutMillis) : null;
            Wire wire = new Wire(gate.connection(origin.scheme(), origin.host(), origin.port()), socket, secured);
            opened = true;
            return wire;
        } finally {
            if (!opened) {
                socket.close();
            }
        }
    }

    private SSLSocket secured(JudgedSocket socket, Origin origin, int timeoutMillis) throws IOException {
        SSLSocket secured = (SSLSocket) tls.createSocket(socket, origin.host(), origin.port(), true);
        SSLParameters parameters = secured.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        parameters.setApplicationProtocols(new String[] {"http/1.1"});
        secured.setSSLParameters(parameters);
        secured.setSoTimeout(timeoutMillis);
        secured.startHandshake();
        // Asked again here: whether the platform's TLS does it depends on the trust manager, which may be the
        // application's.
        if (!HOSTNAMES.verify(origin.host(), secured.getSession())) {
            throw new SSLPeerUnverifiedException("the certificate is not one of " + origin.host());
        }
        return secured;
    }
}
