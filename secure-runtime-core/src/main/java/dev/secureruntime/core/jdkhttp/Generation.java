package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The JDK's clients, with their connections, of one version of the policy: no request rides on a connection that another
 * version let be opened.
 *
 * <p>What begins here is entered first and asks afterwards whether its version still is the one in force; who puts another in
 * force writes that first and looks through what is entered afterwards. So one of the two sees the other. Thread-safe.
 */
final class Generation {

    private static final int MAX_CLIENTS = 32;

    private final JdkTransport transport;
    private final ComponentSnapshot snapshot;
    private final Map<ClientSettings.OfClient, HttpClient> clients = new ConcurrentHashMap<>();
    private final Map<Origin, Closing> closedByPolicy = new ConcurrentHashMap<>();
    private int underWay;
    private boolean closed;

    private record Closing(Denied reason, long nanos) {}

    Generation(JdkTransport transport, ComponentSnapshot snapshot) {
        this.transport = transport;
        this.snapshot = snapshot;
    }

    ComponentSnapshot snapshot() {
        return snapshot;
    }

    HttpClient clientFor(ClientSettings settings, Origin target) {
        ClientSettings.OfClient kind = settings.ofClient(target);
        return clients.size() < MAX_CLIENTS || clients.containsKey(kind)
                ? clients.computeIfAbsent(kind, transport::newClient)
                : transport.newClient(kind); // ends when its request is over and nobody holds it
    }

    /**
     * Keeps the connections open for one more hop, which must {@link #begin}; false when they were closed for good. Without
     * it, a reload could close them between a hop's asking for them and its beginning, and fail a call that both policies allow.
     */
    synchronized boolean enter() {
        if (closed) {
            return false;
        }
        underWay++;
        return true;
    }

    /** Enters a hop that is about to begin; refuses it when the policy in force by now does. */
    LiveExchange begin(JdkHop hop, Runnable cancel) throws EgressDeniedException {
        LiveExchange exchange = new LiveExchange(hop, cancel, over -> ended(hop, over));
        transport.live().enter(exchange);
        transport.sockets().watchFor(hop); // once a tunnel is open, only the JDK knows what runs through it
        transport.relay().admit(hop, this);
        exchange.requireStillAllowed(transport.gate());
        return exchange;
    }

    /**
     * Sends a hop that was begun. The connections stay open until the JDK's client is through with the answer, which may be later
     * than the hop's end: it fails answers that were read whole when their connection ends before it has handed them out.
     */
    <T> CompletableFuture<HttpResponse<T>> send(
            ClientSettings settings, JdkHop hop, HttpRequest request, BodyHandler<T> handler) {
        synchronized (this) {
            underWay++;
        }
        CompletableFuture<HttpResponse<T>> answer;
        try {
            answer = clientFor(settings, Origin.of(hop.asked())).sendAsync(request, handler);
        } catch (RuntimeException | Error e) {
            leave();
            throw e;
        }
        answer.whenComplete((response, failure) -> leave());
        return answer;
    }

    private void ended(JdkHop hop, LiveExchange exchange) {
        if (!transport.live().leave(exchange)) {
            return;
        }
        transport.sockets().forget(hop);
        transport.relay().dismiss(hop);
        leave();
    }

    private void leave() {
        synchronized (this) {
            underWay--;
        }
        if (transport.gate().inForce() != snapshot) {
            endWhenIdle();
        }
    }

    /**
     * Closes the connections for good unless a hop is under way; false when one is. The JDK's clients see their ends, and end
     * themselves when nobody holds them.
     */
    boolean endWhenIdle() {
        synchronized (this) {
            if (underWay > 0) {
                return false;
            }
            closed = true;
        }
        transport.relay().closeAll(this);
        clients.clear();
        return true;
    }

    /** The policy closed a connection to the origin. */
    void closedByPolicy(Origin origin, Denied reason) {
        closedByPolicy.put(origin, new Closing(reason, System.nanoTime()));
    }

    /** Why a connection to the hop's origin was closed while the hop was under way; null when none was. */
    @Nullable
    Denied closedUnder(JdkHop hop) {
        Closing closing = closedByPolicy.get(Origin.of(hop.asked()));
        return closing != null && closing.nanos() - hop.beganNanos() >= 0 ? closing.reason() : null;
    }
}
