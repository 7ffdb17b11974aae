package dev.secureruntime.core.okhttp;

import java.io.IOException;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/**
 * The last look before bytes are written: the request still is the one that was judged, and says so in its {@code Host}
 * header. Nothing of ours changes either; this stands against whatever would. OkHttp doesn't ask it about WebSockets.
 */
final class WireCheck implements Interceptor {

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        Hop hop = request.tag(Hop.class);
        String host = request.header("Host");
        if (hop == null
                || !hop.isAbout(request)
                || host == null
                || !RequestHeaders.isAuthority(host, request.url())
                || RequestHeaders.fault(request, hop.mayUpgrade()) != null) {
            throw new IOException("SR-EGRESS-005 the request changed after it was judged; nothing was sent");
        }
        hop.record().sent();
        return chain.proceed(request);
    }
}
