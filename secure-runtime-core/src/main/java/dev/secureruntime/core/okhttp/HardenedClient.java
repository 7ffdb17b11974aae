package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.GuardedComponent;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.net.Proxy;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import okhttp3.ConnectionPool;
import okhttp3.CookieJar;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/**
 * The client that guarded requests really run on. It is never handed out. One per component, with a connection pool of its
 * own, so that no component rides on a connection that another was allowed to open.
 */
final class HardenedClient implements AutoCloseable {

    private final GuardedComponent component;
    private final CancellationRelay cancellations;
    private final OkHttpClient base;
    private final Map<String, OkHttpClient> byPort = new ConcurrentHashMap<>();

    HardenedClient(GuardedComponent component) {
        this.component = component;
        this.cancellations = new CancellationRelay(component.timer());
        this.base = build();
    }

    /** The layers, from the caller's side to the wire. */
    private OkHttpClient build() {
        OkHttpClient.Builder client = new OkHttpClient.Builder()
                .addInterceptor(new CallerTimeouts())
                .addInterceptor(new JudgeInterceptor(component)) // before any look-up, for WebSockets too
                .addInterceptor(new AttachInterceptor(component)) // last code that runs before OkHttp's own
                .addNetworkInterceptor(new WireCheck())
                .followRedirects(false) // GuardedExchange follows them, hop by hop
                .followSslRedirects(false)
                .proxy(Proxy.NO_PROXY) // neither ProxySelector nor http.proxyHost is asked
                .connectionPool(new ConnectionPool())
                .cookieJar(CookieJar.NO_COOKIES)
                .cache(null);
        X509TrustManager trustManager = component.trustManager();
        if (trustManager != null) {
            client.sslSocketFactory(sslContext(trustManager).getSocketFactory(), trustManager);
        }
        return client.build();
    }

    /**
     * The client for a URL's scheme and port. A resolver is told the host only, and a socket the address only; each must judge host, port
     * and address together, so each scheme and port has a resolver and a socket factory that know theirs.
     */
    OkHttpClient clientFor(HttpUrl url) {
        return byPort.computeIfAbsent(url.scheme() + ":" + url.port(), free -> base.newBuilder()
                .dns(new JudgedDns(component, url.scheme(), url.port()))
                .socketFactory(new JudgedSocketFactory(component, url.scheme()))
                .build());
    }

    GuardedComponent component() {
        return component;
    }

    CancellationRelay cancellations() {
        return cancellations;
    }

    WebSocket newWebSocket(Request request, WebSocketListener listener) {
        Hop hop = Hop.first(component, request);
        CallRecord record = hop.record();
        Request tagged = request.newBuilder().tag(Hop.class, hop).build();
        return clientFor(request.url())
                .newWebSocket(tagged, new RecordedWebSocketListener(listener, request, record, hop));
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
        List<OkHttpClient> clients = List.copyOf(byPort.values());
        for (OkHttpClient client : clients) {
            client.dispatcher().cancelAll();
        }
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
