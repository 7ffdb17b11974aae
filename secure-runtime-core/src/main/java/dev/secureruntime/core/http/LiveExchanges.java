package dev.secureruntime.core.http;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.Transport;
import dev.secureruntime.egress.EgressDecision.Denied;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The hops of a component that are under way, of every version of the policy. Thread-safe. */
public final class LiveExchanges {

    private final Set<LiveExchange> live = ConcurrentHashMap.newKeySet();

    public void enter(LiveExchange exchange) {
        live.add(exchange);
    }

    /** True for the first who takes it out. */
    public boolean leave(LiveExchange exchange) {
        return live.remove(exchange);
    }

    /** Whether a request to this host is under way. */
    public boolean anyAbout(String host) {
        for (LiveExchange exchange : live) {
            if (exchange.hop().asked().host().equals(host)) {
                return true;
            }
        }
        return false;
    }

    /** Cuts what is under way and closes connections, as far as the policy in force refuses them. */
    public Transport.Cut cutRefused(ComponentSnapshot inForce, Gate gate, OpenSockets sockets) {
        List<String> targets = new ArrayList<>();
        // Told first, ended last: whichever way a call ends, it can say why.
        List<LiveExchange> refused = refuse(inForce, gate);
        refused.forEach(exchange -> targets.add(OpenSockets.named(exchange.hop().asked())));
        int connections = sockets.closeRefused(inForce, targets);
        refused.forEach(LiveExchange::cancel);
        return new Transport.Cut(refused.size(), connections, targets);
    }

    /** Tells what is under way and the policy in force refuses that it is; the caller ends it. */
    private List<LiveExchange> refuse(ComponentSnapshot inForce, Gate gate) {
        List<LiveExchange> refused = new ArrayList<>();
        for (LiveExchange exchange : live) {
            if (exchange.hop().snapshot() == inForce) {
                continue;
            }
            Optional<Denied> denied = exchange.denied(inForce, gate);
            if (denied.isPresent() && exchange.hop().cut(underWay(denied.get()))) {
                refused.add(exchange);
            }
        }
        return refused;
    }

    /** Ends all that is under way, for the runtime's end. */
    public void cancelAll() {
        live.forEach(LiveExchange::cancel);
    }

    /** The refusal as those are told whom it meets in the middle. */
    public static Denied underWay(Denied denied) {
        return denied.withDetail("; this policy came into force while the call was under way");
    }
}
