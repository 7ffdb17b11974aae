package dev.secureruntime.core.http;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The sockets of a component that are open, at most {@value #MAX} of them. Thread-safe. */
public final class OpenSockets {

    public static final int MAX = 16_384;

    private final Set<JudgedSocket> open = ConcurrentHashMap.newKeySet();
    private final Set<GuardedHop> watching = ConcurrentHashMap.newKeySet();
    private volatile boolean over;

    /** Enters a socket that is about to connect. */
    void enter(JudgedSocket socket) throws IOException {
        if (open.size() >= MAX) {
            open.removeIf(JudgedSocket::isClosed);
            if (open.size() >= MAX) {
                throw new IOException("this component has " + MAX + " connections open; close responses");
            }
        }
        open.add(socket);
        if (over) { // who ended it may have looked before the socket was here
            open.remove(socket);
            throw new IOException("the runtime was closed");
        }
    }

    void leave(JudgedSocket socket) {
        open.remove(socket);
    }

    /**
     * For a hop whose library doesn't tell which connection it runs over: each connection to its target, of its policy, that
     * is open or is opened until {@link #forget} counts as the one, until an answer begins. So the record of a call names the
     * break-glass grant that its connection needed; among several connections to one target, perhaps one that another needed.
     */
    public void watchFor(GuardedHop hop) {
        if (hop.snapshot().hasGrants()) {
            watching.add(hop); // before: a socket that connects meanwhile looks here afterwards
            open.forEach(socket -> socket.mayCarry(hop));
        }
    }

    public void forget(GuardedHop hop) {
        watching.remove(hop);
    }

    void connected(JudgedSocket socket) {
        watching.forEach(socket::mayCarry);
    }

    /** Closes the sockets that the policy refuses, adding where they led. */
    public int closeRefused(ComponentSnapshot inForce, List<String> targets) {
        int closed = 0;
        for (JudgedSocket socket : open) {
            Optional<Denied> denied = socket.denied(inForce);
            if (denied.isPresent() && socket.cut(LiveExchanges.underWay(denied.get()))) {
                closed++;
                targets.add(named(socket.target()));
            }
        }
        return closed;
    }

    /** Closes all, and lets none be opened from now on, for the runtime's end. */
    public void end() {
        over = true;
        open.forEach(JudgedSocket::end);
    }

    public static String named(EgressRequest target) {
        return target.scheme() + "://" + target.host() + ":" + target.port();
    }
}
