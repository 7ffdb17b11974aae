package dev.secureruntime.core.apache;

import dev.secureruntime.core.http.OnDenial;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import org.apache.hc.client5.http.ClientProtocolException;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.CloseableHttpResponse;
import org.apache.hc.client5.http.routing.RoutingSupport;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.io.CloseMode;
import org.jspecify.annotations.Nullable;

/** The client that callers get: it hands requests to the guard, and can do nothing else. */
final class GuardedClient extends CloseableHttpClient {

    private final HardenedConnections connections;
    private final OnDenial onDenial;
    private volatile boolean closed;

    GuardedClient(HardenedConnections connections, OnDenial onDenial) {
        this.connections = connections;
        this.onDenial = onDenial;
    }

    @Override
    @SuppressWarnings("deprecation") // the signature is Apache's
    protected CloseableHttpResponse doExecute(
            @Nullable HttpHost target, ClassicHttpRequest request, @Nullable HttpContext context) throws IOException {
        if (closed) {
            throw new IllegalStateException("this client was closed");
        }
        try {
            Outgoing outgoing = Outgoing.read(target == null ? named(request) : target, request);
            CallerSettings settings = CallerSettings.of(request, context);
            return CloseableHttpResponse.adapt(new GuardedExchange(connections, outgoing, settings, request).run());
        } catch (EgressDeniedException e) {
            if (onDenial == OnDenial.RESPOND) {
                return CloseableHttpResponse.adapt(HandedResponse.denial(e));
            }
            throw e;
        } catch (RuntimeException e) {
            throw new IOException("the guard, or code of the caller that it ran, failed; the call was ended", e);
        }
    }

    private static HttpHost named(ClassicHttpRequest request) throws ClientProtocolException {
        HttpHost host;
        try {
            host = RoutingSupport.determineHost(request);
        } catch (HttpException e) {
            throw new ClientProtocolException(e);
        }
        if (host == null) {
            throw new ClientProtocolException("the request names no host");
        }
        return host;
    }

    /** Ends this handle. The component's connections are the runtime's to close: other handles use them too. */
    @Override
    public void close() {
        closed = true;
    }

    @Override
    public void close(CloseMode closeMode) {
        close();
    }
}
