package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ApprovedProxy;
import java.io.IOException;
import okhttp3.Authenticator;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.Route;
import org.jspecify.annotations.Nullable;

/**
 * Logs in to the approved proxy when a tunnel is asked for. A target that answers 407, as only a proxy should, is told
 * nothing: what goes to a target carries its {@link Hop}, what OkHttp asks a proxy doesn't.
 */
final class ProxyLogin implements Authenticator {

    private static final String HEADER = "Proxy-Authorization";

    private final ApprovedProxy proxy;

    ProxyLogin(ApprovedProxy proxy) {
        this.proxy = proxy;
    }

    @Override
    public @Nullable Request authenticate(@Nullable Route route, Response challenge) throws IOException {
        Request request = challenge.request();
        if (!request.method().equals("CONNECT") || request.tag(Hop.class) != null || request.header(HEADER) != null) {
            return null;
        }
        String authorization = proxy.authorization();
        return authorization == null
                ? null
                : request.newBuilder().header(HEADER, authorization).build();
    }
}
