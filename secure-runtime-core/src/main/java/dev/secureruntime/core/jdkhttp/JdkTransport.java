package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.Transport;
import dev.secureruntime.core.http.LiveExchanges;
import dev.secureruntime.core.http.OpenSockets;
import dev.secureruntime.core.http.ServerTrust;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpClient.Version;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the guarded clients of one component really send with: the JDK's clients behind a {@link Relay}. None of them is
 * handed out, nor a response, a WebSocket or an exception of theirs that leads to them.
 */
final class JdkTransport implements Transport {

    /** Read by the JDK when its client is loaded: they print requests with their keys, or switch checks off. */
    private static final List<String> UNDERMINING = List.of(
            "jdk.httpclient.HttpClient.log",
            "jdk.internal.httpclient.debug",
            "jdk.internal.httpclient.hpack.debug",
            "jdk.internal.httpclient.websocket.debug",
            "jdk.internal.httpclient.disableHostnameVerification");

    private final Gate gate;
    private final ServerTrust trust;
    private final ExecutorService threads;
    private final OpenSockets sockets = new OpenSockets();
    private final LiveExchanges live = new LiveExchanges();
    private final Map<ComponentSnapshot, Generation> generations = new ConcurrentHashMap<>();
    private final Relay relay;

    JdkTransport(Gate gate) {
        requireUndisturbed();
        this.gate = gate;
        this.trust = ServerTrust.of(gate);
        AtomicInteger count = new AtomicInteger();
        this.threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "secure-runtime-jdkhttp-" + gate.name() + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        this.relay = Relay.open(gate, threads, sockets);
        newClient(
                new ClientSettings.OfClient(Version.HTTP_2, 0, null)); // loads the JDK's client while it is undisturbed
    }

    private static void requireUndisturbed() {
        for (String property : UNDERMINING) {
            String value = System.getProperty(property);
            if (value != null && !value.equalsIgnoreCase("false")) {
                throw new SecureRuntimeException(
                        ErrorCode.RUNTIME_MISCONFIGURED,
                        property + " is set: the JDK's client would print requests with their keys, or believe any"
                                + " server; start without it");
            }
        }
    }

    HttpClient newClient(ClientSettings.OfClient settings) {
        HttpClient.Builder client = HttpClient.newBuilder()
                .proxy(ProxySelector.of(relay.address())) // neither the JVM's selector nor http.proxyHost is asked
                .followRedirects(Redirect.NEVER) // GuardedSend follows them, hop by hop
                .sslContext(trust.context());
        settings.applyTo(client);
        return client.build();
    }

    /** The connections of a version of the policy, entered for a hop that is to begin there. */
    Generation entered(ComponentSnapshot snapshot) {
        while (true) {
            Generation generation = generations.computeIfAbsent(snapshot, version -> new Generation(this, version));
            if (generation.enter()) {
                return generation;
            }
            generations.remove(snapshot, generation);
        }
    }

    @Override
    public Cut policyChanged(ComponentSnapshot inForce) {
        Cut cut = live.cutRefused(inForce, gate, sockets);
        for (Generation generation : generations.values()) {
            if (generation.snapshot() != inForce && generation.endWhenIdle()) {
                generations.remove(generation.snapshot(), generation);
            }
        }
        return cut;
    }

    Gate gate() {
        return gate;
    }

    Relay relay() {
        return relay;
    }

    OpenSockets sockets() {
        return sockets;
    }

    LiveExchanges live() {
        return live;
    }

    ExecutorService threads() {
        return threads;
    }

    /** Whether it was closed: what fails from then on failed of that. */
    boolean isClosed() {
        return threads.isShutdown();
    }

    @Override
    public void close() {
        threads.shutdown();
        relay.close(); // every connection: what is under way fails
        live.cancelAll();
        generations.clear();
    }
}
