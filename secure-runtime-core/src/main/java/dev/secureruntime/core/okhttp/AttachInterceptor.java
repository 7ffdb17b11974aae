package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.http.CredentialHeaders;
import java.io.IOException;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/**
 * Attaches the credentials bound to the host. Where there is one, every credential that the caller sent - a placeholder,
 * or somebody else's key - is taken off first. A hop that another host chose the path of gets none, nor
 * does one that the policy refuses and only reports.
 */
final class AttachInterceptor implements Interceptor {

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        Hop hop = request.tag(Hop.class);
        if (hop == null || !hop.isAbout(request)) {
            throw Hop.changed(hop);
        }
        if (!hop.isBound()) {
            return chain.proceed(request);
        }
        Request.Builder equipped = request.newBuilder();
        CredentialHeaders.NAMES.forEach(equipped::removeHeader);
        if (hop.mayCarryCredentials()) {
            hop.record().attached(hop.snapshot().attach(hop.asked(), equipped::header));
        }
        return chain.proceed(equipped.build());
    }
}
