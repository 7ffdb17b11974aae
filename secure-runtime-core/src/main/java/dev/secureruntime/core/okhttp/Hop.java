package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.GuardedHop;
import dev.secureruntime.core.http.RequestForm;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.io.IOException;
import java.net.Proxy;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.Route;
import org.jspecify.annotations.Nullable;

/**
 * One hop of a logical call, carried through OkHttp as a request's tag. It answers for the one request that it was made
 * for, once: a tag can be copied onto another request, its permission can't.
 */
final class Hop extends GuardedHop {

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

    private final HttpUrl url;
    private final Timeouts timeouts;
    private final boolean upgrade;
    private final AtomicBoolean used = new AtomicBoolean();
    private volatile @Nullable Route route;

    private Hop(Gate gate, EgressRequest asked, HttpUrl url, Timeouts timeouts, boolean upgrade) {
        super(gate, asked);
        this.url = url;
        this.timeouts = timeouts;
        this.upgrade = upgrade;
    }

    private Hop(Gate gate, EgressRequest asked, HttpUrl url, Hop before) {
        super(gate, asked, before);
        this.url = url;
        this.timeouts = before.timeouts;
        this.upgrade = false;
    }

    /** The first hop of a call. */
    static Hop first(Gate gate, Request request, Timeouts timeouts) {
        return new Hop(gate, ask(gate, request, List.of()), request.url(), timeouts, false);
    }

    /** The only hop of a WebSocket's opening. */
    static Hop webSocket(Gate gate, Request request) {
        return new Hop(gate, ask(gate, request, List.of()), request.url(), Timeouts.INHERITED, true);
    }

    /** The hop that follows a redirect. */
    Hop next(Gate gate, Request request) {
        return new Hop(gate, ask(gate, request, redirectedFrom()), request.url(), this);
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

    Timeouts timeouts() {
        return timeouts;
    }

    /** Whether the request may ask for another protocol on its connection. */
    boolean mayUpgrade() {
        return upgrade;
    }

    /** Whether this is the request that the question was about. */
    boolean isAbout(Request request) {
        return isAbout(request.url()) && asked().method().equalsIgnoreCase(request.method());
    }

    /** Whether this is the URL that the question was about. */
    boolean isAbout(HttpUrl other) {
        return url.equals(other);
    }

    /** The connection that the request is about to be written to. */
    void runsOver(Route connection) {
        route = connection;
    }

    @Override
    public Optional<Denied> deniedConnection(ComponentSnapshot inForce, Gate gate) {
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

    /** Takes down which break-glass grant the connection's address needs, if any. */
    void noteGrant(Gate gate) {
        Route connection = route;
        if (connection != null
                && connection.proxy().type() == Proxy.Type.DIRECT
                && snapshot().hasGrants()) {
            HttpUrl opened = connection.address().url();
            runsOver(
                    gate.connection(opened.scheme(), opened.host(), opened.port()),
                    connection.socketAddress().getAddress());
        }
    }

    /** The refusal of a request of this hop that would leave otherwise than the guard arranged it. */
    EgressDeniedException bypassed(String how) {
        return new EgressDeniedException(
                asked(),
                RequestForm.bypassed(how).at(Layer.CONNECTION).under(snapshot().version()));
    }

    /** The refusal of a request that is another one than was judged; the hop that it claims to be of, or null. */
    static IOException changed(@Nullable Hop hop) {
        return hop == null
                ? new IOException("SR-EGRESS-005 a request that nobody judged; it was not sent")
                : hop.bypassed("the request changed after it was judged");
    }

    /** True for the first who asks. */
    boolean use() {
        return used.compareAndSet(false, true);
    }
}
