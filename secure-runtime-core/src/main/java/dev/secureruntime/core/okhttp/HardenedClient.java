package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.net.Proxy;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.ConnectionPool;
import okhttp3.CookieJar;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/**
 * The client that guarded requests really run on. Neither it nor anything that leads to it is handed out: no call, no
 * response or request of its own, no connection. One per component, with a connection pool of its own, so that no component
 * rides on a connection that another was allowed to open.
 */
final class HardenedClient implements AutoCloseable {

    private final Gate gate;
    private final CancellationRelay cancellations;
    private final OkHttpClient base;
    private final Map<String, OkHttpClient> byOrigin = new ConcurrentHashMap<>();

    HardenedClient(Gate gate) {
        this.gate = gate;
        String debug = System.getProperty("javax.net.debug");
        if (debug != null && !debug.isEmpty()) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "javax.net.debug is set: TLS would print requests with their keys; start without it");
        }
        this.cancellations = new CancellationRelay(gate.timer());
        this.base = build();
    }

    /** The layers, from the caller's side to the wire. */
    private OkHttpClient build() {
        X509TrustManager trustManager = trustManager();
        return new OkHttpClient.Builder()
                .addInterceptor(new CallerTimeouts())
                .addInterceptor(new JudgeInterceptor(gate)) // before any look-up, for WebSockets too
                .addInterceptor(new AttachInterceptor(gate)) // last code that runs before OkHttp's own
                .addNetworkInterceptor(new WireCheck())
                .eventListener(new WipeAfterSending()) // what it is for, OkHttp leaves out for WebSockets
                .followRedirects(false) // GuardedExchange follows them, hop by hop
                .followSslRedirects(false)
                .proxy(Proxy.NO_PROXY) // neither ProxySelector nor http.proxyHost is asked
                .connectionPool(new ConnectionPool())
                .cookieJar(CookieJar.NO_COOKIES)
                .cache(null)
                // Made here: OkHttp's own way asks a platform object that any code can replace.
                .sslSocketFactory(sslContext(trustManager).getSocketFactory(), trustManager)
                .build();
    }

    /**
     * The client for a URL's scheme and port. A resolver is told the host only, and a socket the address only; each must
     * judge host, port and address together, so each scheme and port has a resolver and a socket factory that know theirs.
     */
    OkHttpClient clientFor(HttpUrl url) {
        return byOrigin.computeIfAbsent(url.scheme() + ":" + url.port(), free -> base.newBuilder()
                .dns(new JudgedDns(gate, url.scheme(), url.port()))
                .socketFactory(new JudgedSocketFactory(gate, url.scheme()))
                .build());
    }

    Gate gate() {
        return gate;
    }

    CancellationRelay cancellations() {
        return cancellations;
    }

    WebSocket newWebSocket(Request request, WebSocketListener listener) {
        Request plain = RequestHeaders.withoutFraming(request);
        Hop hop = Hop.webSocket(gate, plain);
        GuardedWebSocket socket = new GuardedWebSocket(request);
        if (JudgeInterceptor.decide(gate, hop, plain) instanceof Denied denied) {
            socket.cancel();
            hop.record().denied(hop.asked(), denied);
            listener.onFailure(socket, new EgressDeniedException(hop.asked(), denied), null);
            return socket;
        }
        Request tagged = plain.newBuilder().tag(Hop.class, hop).build();
        socket.runsOn(
                clientFor(plain.url()).newWebSocket(tagged, new RecordedWebSocketListener(listener, socket, hop)));
        return socket;
    }

    private X509TrustManager trustManager() {
        X509TrustManager given = gate.trustManager();
        if (given != null) {
            return given;
        }
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init((KeyStore) null);
            for (TrustManager manager : factory.getTrustManagers()) {
                if (manager instanceof X509TrustManager x509) {
                    return x509;
                }
            }
        } catch (GeneralSecurityException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "the platform's trust store can't be used", e);
        }
        throw new SecureRuntimeException(ErrorCode.RUNTIME_MISCONFIGURED, "the platform has no X.509 trust manager");
    }

    private static SSLContext sslContext(X509TrustManager trustManager) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {trustManager}, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "TLS can't be set up with this trust manager", e);
        }
    }

    @Override
    public void close() {
        cancellations.cancelAll(); // open answers too: OkHttp's dispatcher forgets a call once it has answered
        base.dispatcher().cancelAll();
        base.dispatcher().executorService().shutdown();
        base.connectionPool().evictAll();
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
