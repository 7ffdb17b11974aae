package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedSocketFactory;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.http.LiveExchanges;
import dev.secureruntime.core.http.OpenSockets;
import dev.secureruntime.core.okhttp.CancellationRelay.Watch;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.SocketFactory;
import okhttp3.Dns;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;

/**
 * The connections that a component opened under one version of the policy: a pool of their own, so that no request rides on a
 * connection that another version let be opened.
 *
 * <p>What begins here is entered first and asks afterwards whether its version still is the one in force; who puts another in
 * force writes that first and looks through what is entered afterwards. So one of the two sees the other. Thread-safe.
 */
final class Generation {

    private static final int MAX_ORIGINS = 1_024;

    private final Gate gate;
    private final ComponentSnapshot snapshot;
    private final Layers layers;
    private final OkHttpClient base;
    private final OpenSockets sockets;
    private final Map<String, OkHttpClient> byOrigin = new ConcurrentHashMap<>();
    private final LiveExchanges live;
    private int underWay;

    Generation(
            Gate gate,
            ComponentSnapshot snapshot,
            Layers layers,
            OkHttpClient base,
            OpenSockets sockets,
            LiveExchanges live) {
        this.gate = gate;
        this.snapshot = snapshot;
        this.layers = layers;
        this.base = base.newBuilder().connectionPool(layers.pool()).build();
        this.sockets = sockets;
        this.live = live;
    }

    /**
     * The client for a URL's scheme and port. A resolver is told the host only, and a socket the address only; each must
     * judge host, port and address together, so each scheme and port has a resolver and a socket factory that know theirs.
     * Behind a proxy a socket would not learn the host either, so that each host has its own there.
     *
     * <p>Hosts of different byte budgets have resolvers of their own too: OkHttp shares an HTTP/2 connection among hosts of one
     * resolver only, and a socket counts towards the budgets of the host that it was opened for.
     */
    OkHttpClient clientFor(HttpUrl url) {
        if (byOrigin.size() > MAX_ORIGINS) {
            byOrigin.clear(); // connections stay: they end when they have been idle
        }
        EgressRequest tunnel =
                gate.egressProxy() == null ? null : gate.connection(url.scheme(), url.host(), url.port());
        String origin = url.scheme() + ":" + url.port() + (tunnel == null ? "" : ":" + url.host())
                + snapshot.budgetsOf(url.host());
        return byOrigin.computeIfAbsent(origin, free -> newClient(url, tunnel));
    }

    /** The client for the opening of one WebSocket. */
    OkHttpClient upgradeClientFor(Hop hop, HttpUrl url) {
        OkHttpClient client = clientFor(url);
        return layers.upgrades(client.newBuilder(), new UpgradeCheck(hop, client))
                .build();
    }

    private OkHttpClient newClient(HttpUrl url, @Nullable EgressRequest tunnel) {
        Dns dns = layers.dns(new JudgedDns(gate, snapshot, url.scheme(), url.port(), live));
        SocketFactory socketFactory =
                layers.sockets(new JudgedSocketFactory(gate, snapshot, url.scheme(), tunnel, sockets));
        OkHttpClient parts =
                base.newBuilder().dns(dns).socketFactory(socketFactory).build();
        OkHttpClient.Builder client = parts.newBuilder();
        layers.onTheWire(new WireCheck(gate, parts)).forEach(client::addNetworkInterceptor);
        return client.build();
    }

    ComponentSnapshot snapshot() {
        return snapshot;
    }

    /** Enters a hop that is about to begin; refuses it when the policy in force by now does. */
    LiveExchange begin(Hop hop, Runnable cancel, @Nullable Watch watch) throws EgressDeniedException {
        LiveExchange exchange = new LiveExchange(hop, cancel, over -> {
            if (watch != null) {
                watch.close();
            }
            ended(over);
        });
        synchronized (this) {
            underWay++;
        }
        live.enter(exchange);
        if (hop.mayUpgrade()) {
            sockets.watchFor(hop); // OkHttp tells nobody the connection of a WebSocket
        }
        exchange.requireStillAllowed(gate);
        return exchange;
    }

    private void ended(LiveExchange exchange) {
        if (!live.leave(exchange)) {
            return;
        }
        sockets.forget(exchange.hop());
        synchronized (this) {
            underWay--;
        }
        if (gate.inForce() != snapshot) {
            evictWhenIdle();
        }
    }

    /**
     * Closes what is idle, unless a hop is under way; false when one is. OkHttp calls a connection idle as soon as an answer's
     * announced length has arrived, and its reader may be waiting for the end of an HTTP/2 stream still. So no hop begins meanwhile
     * either: the connection that it gets would be closed under it.
     */
    synchronized boolean evictWhenIdle() {
        if (underWay > 0) {
            return false;
        }
        evictIdle();
        return true;
    }

    /** Closes what OkHttp calls idle, for the runtime's end. */
    void evictIdle() {
        base.connectionPool().evictAll();
    }
}
