package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import java.net.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.Route;
import org.jspecify.annotations.Nullable;

/**
 * One hop of a logical call, carried through OkHttp as a request's tag. It answers for the one request that it was made
 * for, once: a tag can be copied onto another request, its permission can't.
 */
final class Hop {

    /**
     * Time-outs in milliseconds.
     *
     * @param connect to open a connection; negative: as the client has it
     * @param read between two reads
     * @param write between two writes
     */
    record Timeouts(int connect, int read, int write) {
        static final Timeouts INHERITED = new Timeouts(-1, -1, -1);
    }

    private final ComponentSnapshot snapshot;
    private final EgressRequest asked;
    private final HttpUrl url;
    private final CallRecord record;
    private final Timeouts timeouts;
    private final boolean upgrade;
    private final boolean strayed;
    private final AtomicBoolean used = new AtomicBoolean();
    private final AtomicReference<Denied> cut = new AtomicReference<>();
    private volatile @Nullable Route route;
    private volatile boolean reported;

    private Hop(
            ComponentSnapshot snapshot,
            EgressRequest asked,
            HttpUrl url,
            CallRecord record,
            Timeouts timeouts,
            boolean upgrade,
            boolean strayed) {
        this.snapshot = snapshot;
        this.asked = asked;
        this.url = url;
        this.record = record;
        this.timeouts = timeouts;
        this.upgrade = upgrade;
        this.strayed = strayed;
    }

    /** The first hop of a call. */
    static Hop first(Gate gate, Request request, Timeouts timeouts) {
        EgressRequest asked = ask(gate, request, List.of());
        return new Hop(gate.inForce(), asked, request.url(), gate.begin(asked), timeouts, false, false);
    }

    /** The only hop of a WebSocket's opening. */
    static Hop webSocket(Gate gate, Request request) {
        EgressRequest asked = ask(gate, request, List.of());
        return new Hop(gate.inForce(), asked, request.url(), gate.begin(asked), Timeouts.INHERITED, true, false);
    }

    /** The hop that follows a redirect. */
    Hop next(Gate gate, Request request) {
        List<String> from = new ArrayList<>(asked.redirectedFrom());
        from.add(asked.host());
        boolean leaves = strayed || !Redirects.sameOrigin(url, request.url());
        return new Hop(gate.inForce(), ask(gate, request, from), request.url(), record, timeouts, false, leaves);
    }

    private static EgressRequest ask(Gate gate, Request request, List<String> redirectedFrom) {
        HttpUrl url = request.url();
        return new EgressRequest(
                gate.name(),
                request.method().toUpperCase(Locale.ROOT),
                url.scheme(),
                url.host(),
                url.port(),
                url.encodedPath(),
                redirectedFrom);
    }

    /** The policy that this hop is judged, connected and equipped by, whichever comes into force meanwhile. */
    ComponentSnapshot snapshot() {
        return snapshot;
    }

    /** The question put to the policy. */
    EgressRequest asked() {
        return asked;
    }

    CallRecord record() {
        return record;
    }

    Timeouts timeouts() {
        return timeouts;
    }

    /** Whether the request may ask for another protocol on its connection. */
    boolean mayUpgrade() {
        return upgrade;
    }

    /**
     * Whether a redirect has led away from the origin that the caller addressed. From there on the path is another host's
     * choice, also back at the origin, and no credential is attached.
     */
    boolean hasStrayed() {
        return strayed;
    }

    /** The policy refuses this hop, and its mode lets it go: no credential goes with it. */
    void report() {
        reported = true;
    }

    /** Whether credentials that are bound to the target may go with it. */
    boolean mayCarryCredentials() {
        return !strayed && !reported;
    }

    /** Whether this is the request that the question was about. */
    boolean isAbout(Request request) {
        return url.equals(request.url()) && asked.method().equalsIgnoreCase(request.method());
    }

    /** The connection that the request is about to be written to. */
    void runsOver(Route connection) {
        route = connection;
    }

    /** Why the policy refuses the connection that the hop runs over; empty as long as there is none. */
    Optional<Denied> deniedConnection(ComponentSnapshot inForce, Gate gate) {
        Route connection = route;
        if (connection == null) {
            return Optional.empty();
        }
        // On a connection that HTTP/2 shares among hosts, the route names the one that it was opened for.
        HttpUrl opened = connection.address().url();
        EgressRequest target = gate.connection(opened.scheme(), opened.host(), opened.port());
        return connection.proxy().type() == Proxy.Type.DIRECT
                ? inForce.deniedOpen(target, connection.socketAddress().getAddress())
                : inForce.deniedTunnel(target);
    }

    /** Says why the hop was cut while it was under way; false when it was before. */
    boolean cut(Denied reason) {
        return cut.compareAndSet(null, reason);
    }

    /** Why the hop was cut; null when it wasn't. */
    @Nullable
    Denied cut() {
        return cut.get();
    }

    /** True for the first who asks. */
    boolean use() {
        return used.compareAndSet(false, true);
    }
}
