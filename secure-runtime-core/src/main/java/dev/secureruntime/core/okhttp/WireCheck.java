package dev.secureruntime.core.okhttp;

import java.io.IOException;
import java.util.Locale;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/**
 * The last look before bytes are written: the request still goes to the host that was judged, and says so in its {@code
 * Host} header. Nothing of ours changes either; this stands against whatever would.
 */
final class WireCheck implements Interceptor {

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        Hop hop = request.tag(Hop.class);
        boolean same = hop != null
                && hop.asked().host().equals(request.url().host())
                && hop.asked().port() == request.url().port()
                && hop.asked().scheme().equals(request.url().scheme());
        String host = request.header("Host");
        if (!same || host == null || !host.toLowerCase(Locale.ROOT).equals(JudgeInterceptor.authority(request.url()))) {
            throw new IOException("SR-EGRESS-005 the request changed its target after it was judged; nothing was sent");
        }
        return chain.proceed(request);
    }
}
