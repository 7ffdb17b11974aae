package dev.secureruntime.core.apache;

import org.apache.hc.client5.http.config.Configurable;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * What of a caller's {@code RequestConfig} counts.
 *
 * @param connectMillis to open a connection
 * @param responseMillis between two reads; 0 is for ever
 * @param maxRedirects how many redirects are followed; 0 for none
 * @param detour what would take the request elsewhere; null when nothing would
 */
record CallerSettings(int connectMillis, int responseMillis, int maxRedirects, @Nullable String detour) {

    private static final int CONNECT_MILLIS = 30_000;
    /** A model may think for minutes. */
    private static final int RESPONSE_MILLIS = 600_000;

    private static final int MAX_REDIRECTS = 10;

    /** The request's own configuration, or else the context's, as Apache has it. */
    static CallerSettings of(ClassicHttpRequest request, @Nullable HttpContext context) {
        RequestConfig config = request instanceof Configurable configurable ? configurable.getConfig() : null;
        if (config == null && context instanceof HttpClientContext clients) {
            config = clients.getRequestConfig();
        }
        return config == null ? new CallerSettings(CONNECT_MILLIS, RESPONSE_MILLIS, MAX_REDIRECTS, null) : of(config);
    }

    @SuppressWarnings("deprecation") // getConnectTimeout: its successor is set on the connection manager, which is ours
    private static CallerSettings of(RequestConfig config) {
        String detour = null;
        if (config.getProxy() != null) {
            detour = "the request's configuration names a proxy, which would see the request and connect for it";
        } else if (config.getUnixDomainSocket() != null) {
            detour = "the request's configuration names a Unix domain socket, behind which anything may be";
        }
        int redirects = config.isRedirectsEnabled() ? Math.min(config.getMaxRedirects(), MAX_REDIRECTS) : 0;
        return new CallerSettings(
                millis(config.getConnectTimeout(), CONNECT_MILLIS),
                millis(config.getResponseTimeout(), RESPONSE_MILLIS),
                Math.max(redirects, 0),
                detour);
    }

    private static int millis(@Nullable Timeout given, int otherwise) {
        return given == null || given.getDuration() < 0 ? otherwise : given.toMillisecondsIntBound();
    }
}
