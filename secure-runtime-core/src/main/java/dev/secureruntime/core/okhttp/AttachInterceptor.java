package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.GuardedComponent;
import java.io.IOException;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/**
 * Attaches the credentials bound to the host. Where there is one, every credential that the caller sent - a placeholder,
 * or somebody else's key - is taken off first.
 */
final class AttachInterceptor implements Interceptor {

    private final GuardedComponent component;

    AttachInterceptor(GuardedComponent component) {
        this.component = component;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        Hop hop = request.tag(Hop.class);
        if (hop == null) {
            throw new IOException("a request without its question reached the hardened client");
        }
        if (!component.isBound(
                hop.asked().scheme(), hop.asked().host(), hop.asked().port())) {
            return chain.proceed(request);
        }
        Request.Builder equipped = request.newBuilder();
        CredentialHeaders.NAMES.forEach(equipped::removeHeader);
        hop.record().attached(component.attach(hop.asked(), equipped::header));
        return chain.proceed(equipped.build());
    }
}
