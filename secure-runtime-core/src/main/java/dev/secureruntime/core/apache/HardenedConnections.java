package dev.secureruntime.core.apache;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.Transport;
import dev.secureruntime.core.http.LiveExchanges;
import dev.secureruntime.core.http.OpenSockets;
import dev.secureruntime.core.http.ServerTrust;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLSocketFactory;

/**
 * The connections that a component's guarded requests really run on, apart for each version of the policy ({@link
 * Generation}). Nothing that leads here is handed out. Thread-safe.
 */
final class HardenedConnections implements Transport {

    private static final long SWEEP_SECONDS = 60;

    private final Gate gate;
    private final SSLSocketFactory tls;
    private final OpenSockets sockets = new OpenSockets();
    private final LiveExchanges live = new LiveExchanges();
    private final Map<ComponentSnapshot, Generation> generations = new ConcurrentHashMap<>();
    private final AtomicBoolean sweeping = new AtomicBoolean();
    private volatile boolean closed;

    HardenedConnections(Gate gate) {
        this.gate = gate;
        this.tls = ServerTrust.of(gate).context().getSocketFactory();
    }

    Gate gate() {
        return gate;
    }

    /** The connections of a version of the policy. */
    Generation generation(ComponentSnapshot snapshot) {
        return generations.computeIfAbsent(snapshot, version -> new Generation(gate, version, tls, sockets, live));
    }

    /** Keeps a connection, and sees to it that it isn't kept for ever. */
    void keep(Generation generation, Wire wire) {
        generation.keep(wire);
        sweepLater();
    }

    private void sweepLater() {
        if (!sweeping.compareAndSet(false, true)) {
            return;
        }
        try {
            gate.timer().schedule(this::sweep, SWEEP_SECONDS, TimeUnit.SECONDS);
        } catch (RejectedExecutionException e) {
            sweeping.set(false); // the runtime is closing, and closes what is kept itself
        }
    }

    private void sweep() {
        boolean left = false;
        for (Generation generation : generations.values()) {
            left |= generation.closeOld();
        }
        sweeping.set(false);
        if (left) {
            sweepLater();
        }
    }

    @Override
    public Cut policyChanged(ComponentSnapshot inForce) {
        Cut cut = live.cutRefused(inForce, gate, sockets);
        for (Generation generation : generations.values()) {
            if (generation.snapshot() != inForce && generation.isIdle()) {
                generation.end();
                generations.remove(generation.snapshot(), generation);
            }
        }
        return cut;
    }

    /** Refuses to go on once the runtime was closed; asked after the hop was entered, so that one of the two sees the other. */
    void requireOpen() throws IOException {
        if (closed) {
            throw new IOException("the runtime was closed");
        }
    }

    @Override
    public void close() {
        closed = true;
        live.cancelAll();
        generations.values().forEach(Generation::end);
    }
}
