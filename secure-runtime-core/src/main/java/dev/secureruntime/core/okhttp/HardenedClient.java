package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.Transport;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.http.LiveExchanges;
import dev.secureruntime.core.http.OpenSockets;
import dev.secureruntime.core.http.ServerTrust;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import okhttp3.CookieJar;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/**
 * The client that guarded requests really run on. Neither it nor anything that leads to it is handed out: no call, no
 * response or request of its own, no connection. One per component, with connections of its own for each version of the
 * policy ({@link Generation}), so that no component rides on a connection that another was allowed to open.
 */
final class HardenedClient implements Transport {

    private final Gate gate;
    private final Layers layers;
    private final CancellationRelay cancellations;
    private final OkHttpClient base;
    private final OpenSockets sockets = new OpenSockets();
    private final LiveExchanges live = new LiveExchanges();
    private final Map<ComponentSnapshot, Generation> generations = new ConcurrentHashMap<>();

    HardenedClient(Gate gate) {
        this(gate, new Layers(gate));
    }

    /** For tests that take a layer out. */
    HardenedClient(Gate gate, Layers layers) {
        this.gate = gate;
        this.layers = layers;
        this.cancellations = new CancellationRelay(gate.timer());
        this.base = build();
    }

    /** The layers, from the caller's side to the wire. */
    private OkHttpClient build() {
        ServerTrust trust = ServerTrust.of(gate);
        Dispatcher dispatcher = new Dispatcher(); // of WebSockets only: other calls are run by who makes them
        dispatcher.setMaxRequests(OpenSockets.MAX);
        OkHttpClient.Builder client = new OkHttpClient.Builder()
                .dispatcher(dispatcher)
                .addInterceptor(new CallerTimeouts())
                .addInterceptor(new JudgeInterceptor(layers)) // before any look-up, for WebSockets too
                .addInterceptor(new AttachInterceptor()) // last code that runs before OkHttp's own
                .eventListener(new WipeAfterSending()) // what it is for, OkHttp leaves out for WebSockets
                .cookieJar(CookieJar.NO_COOKIES)
                .cache(null)
                // Made here: OkHttp's own way asks a platform object that any code can replace.
                .sslSocketFactory(trust.context().getSocketFactory(), trust.manager());
        layers.redirects(client); // GuardedExchange follows them, hop by hop
        layers.authenticators(client);
        layers.proxy(client);
        return client.build(); // pool, look-up, sockets and the last look: Generation.clientFor
    }

    /** The connections of a version of the policy. */
    Generation generation(ComponentSnapshot snapshot) {
        return generations.computeIfAbsent(
                snapshot, version -> new Generation(gate, version, layers, base, sockets, live));
    }

    @Override
    public Cut policyChanged(ComponentSnapshot inForce) {
        Cut cut = live.cutRefused(inForce, gate, sockets);
        for (Generation generation : generations.values()) {
            if (generation.snapshot() != inForce && generation.evictWhenIdle()) {
                generations.remove(generation.snapshot(), generation);
            }
        }
        return cut;
    }

    Layers layers() {
        return layers;
    }

    Gate gate() {
        return gate;
    }

    CancellationRelay cancellations() {
        return cancellations;
    }

    WebSocket newWebSocket(Request request, WebSocketListener listener) {
        Request plain = RequestParts.withoutFraming(request).build();
        Hop hop = Hop.webSocket(gate, plain);
        GuardedWebSocket socket = new GuardedWebSocket(request, hop);
        Generation generation = generation(hop.snapshot());
        LiveExchange exchange;
        try {
            RequestParts.requireNoSecretLeaves(plain, hop);
            if (layers.decide(hop, plain) instanceof Denied denied) {
                throw new EgressDeniedException(hop.asked(), denied);
            }
            exchange = generation.begin(hop, socket::cancel, null);
        } catch (EgressDeniedException e) {
            socket.cancel();
            EgressRequest shown = hop.outgoing().shown();
            hop.record().denied(shown, e.decision());
            listener.onFailure(socket, new EgressDeniedException(shown, e.decision()), null);
            return socket;
        }
        Request tagged = plain.newBuilder().tag(Hop.class, hop).build();
        socket.runsOn(generation
                .upgradeClientFor(hop, plain.url())
                .newWebSocket(tagged, new RecordedWebSocketListener(listener, socket, hop, exchange)));
        return socket;
    }

    @Override
    public void close() {
        cancellations.cancelAll(); // open answers too: OkHttp's dispatcher forgets a call once it has answered
        base.dispatcher().cancelAll();
        base.dispatcher().executorService().shutdown();
        generations.values().forEach(Generation::evictIdle);
        // OkHttp leaves open, whatever is cancelled: an HTTP/2 connection whose stream was reset, and a WebSocket that
        // the server alone has closed, on which one could go on sending.
        sockets.end();
    }

    /**
     * Lets a checked exception pass through an interface that doesn't declare it. OkHttp, written in Kotlin, handles any
     * {@code IOException} there; Java's signature of {@code Dns} names one kind only.
     */
    @SuppressWarnings("unchecked")
    static <X extends Throwable> RuntimeException sneaky(Throwable failure) throws X {
        throw (X) failure;
    }
}
