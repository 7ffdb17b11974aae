package dev.secureruntime.core.okhttp;

import java.io.IOException;
import java.util.List;
import okhttp3.Cookie;
import okhttp3.CookieJar;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/**
 * The last look at the request that opens a WebSocket. OkHttp runs no network interceptor for it, so that {@link WireCheck}
 * isn't asked. What is left are two places behind everything that isn't OkHttp's own: the last interceptor, which sees
 * the request and what the call would run on, and the cookie jar, which OkHttp asks each time it is about to
 * send, also after a redirect or an authenticator of its own - but tells the URL alone.
 */
final class UpgradeCheck implements Interceptor, CookieJar {

    private final Hop hop;
    private final OkHttpClient client;

    /** A check that the hop's request is sent and no other, and that all is as it is in {@code client}. */
    UpgradeCheck(Hop hop, OkHttpClient client) {
        this.hop = hop;
        this.client = client;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        String host = request.header("Host"); // OkHttp writes the URL's where there is none
        if (request.tag(Hop.class) != hop
                || !hop.isAbout(request)
                || (host != null && !RequestParts.origin(request.url()).isNamedBy(host))
                || RequestParts.faultOfHeaders(request, hop) != null) {
            throw Hop.changed(hop);
        }
        String swapped = ChainParts.swapped(chain, client);
        if (swapped != null) {
            throw hop.bypassed("the call runs on something else than the guard gave it: another " + swapped);
        }
        return chain.proceed(request);
    }

    @Override
    public List<Cookie> loadForRequest(HttpUrl url) {
        if (!hop.isAbout(url)) {
            throw HardenedClient.<RuntimeException>sneaky(Hop.changed(hop));
        }
        return List.of();
    }

    @Override
    public void saveFromResponse(HttpUrl url, List<Cookie> cookies) {
        // Nothing is kept, as in the client's own.
    }
}
