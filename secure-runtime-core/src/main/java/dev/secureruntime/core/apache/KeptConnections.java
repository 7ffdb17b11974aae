package dev.secureruntime.core.apache;

import dev.secureruntime.core.http.Origin;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Idle connections of one component under one version of the policy, by origin: the newest is used first. Thread-safe. */
final class KeptConnections {

    private static final int MAX_PER_ORIGIN = 16;
    private static final long LONGEST_IDLE_NANOS = TimeUnit.MINUTES.toNanos(5);

    private final Map<Origin, Deque<Wire>> idle = new HashMap<>();
    private boolean over;

    /** A connection to the origin that can be used; null when there is none. */
    @Nullable
    Wire take(Origin origin) {
        while (true) {
            Wire newest;
            synchronized (this) {
                Deque<Wire> wires = idle.get(origin);
                newest = wires == null ? null : wires.pollFirst();
                if (wires != null && wires.isEmpty()) {
                    idle.remove(origin);
                }
            }
            if (newest == null || newest.isUsable()) {
                return newest;
            }
            newest.retire();
        }
    }

    /** Keeps a connection for the next request; closes it, or an older one, when there are enough. */
    void keep(Wire wire) {
        wire.rest();
        Wire surplus;
        synchronized (this) {
            if (over) {
                surplus = wire;
            } else {
                Deque<Wire> wires = idle.computeIfAbsent(wire.origin(), free -> new ArrayDeque<>());
                wires.addFirst(wire);
                surplus = wires.size() > MAX_PER_ORIGIN ? wires.pollLast() : null;
            }
        }
        if (surplus != null) {
            surplus.retire();
        }
    }

    /** Closes what has been idle for too long; true when something is left. */
    boolean closeOld() {
        List<Wire> old = new ArrayList<>();
        boolean left;
        synchronized (this) {
            for (Deque<Wire> wires : idle.values()) {
                while (!wires.isEmpty() && wires.peekLast().idleNanos() > LONGEST_IDLE_NANOS) {
                    old.add(wires.pollLast());
                }
            }
            idle.values().removeIf(Deque::isEmpty);
            left = !idle.isEmpty();
        }
        old.forEach(Wire::retire);
        return left;
    }

    /** Closes all, and keeps none from now on. */
    void end() {
        List<Wire> all = new ArrayList<>();
        synchronized (this) {
            over = true;
            idle.values().forEach(all::addAll);
            idle.clear();
        }
        all.forEach(Wire::retire);
    }
}
