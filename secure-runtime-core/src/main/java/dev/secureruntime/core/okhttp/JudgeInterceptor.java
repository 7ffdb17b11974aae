package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.RequestForm;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Denied;
import java.io.IOException;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/** Asks the policy about every request, before its host is looked up. Nothing runs on the hardened client unasked. */
final class JudgeInterceptor implements Interceptor {

    private final Layers layers;

    JudgeInterceptor(Layers layers) {
        this.layers = layers;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        Hop hop = request.tag(Hop.class);
        if (hop == null || !hop.use()) {
            throw new IOException("SR-EGRESS-005 a request that nobody asked for reached the hardened client");
        }
        hop.pass(layers.decide(hop, request));
        return chain.proceed(request);
    }

    /** The decision on a request: its form first, then the policy. */
    static EgressDecision judge(Gate gate, Hop hop, Request request) {
        Denied neverSent = RequestForm.refusalOfMethod(request.method());
        if (neverSent != null) {
            return neverSent.under(hop.snapshot().version());
        }
        String disguise = disguise(request, hop);
        if (disguise != null) {
            return RequestForm.malformed(disguise).under(hop.snapshot().version());
        }
        String undermined = Underpinnings.fault();
        if (undermined != null) {
            return RequestForm.bypassed(undermined).under(hop.snapshot().version());
        }
        return hop.decide();
    }

    private static @Nullable String disguise(Request request, Hop hop) {
        HttpUrl url = request.url();
        if (!hop.isAbout(request)) {
            return "the request is another one than was asked about";
        }
        if (!url.username().isEmpty() || !url.password().isEmpty()) {
            return "the URL carries a user name or password";
        }
        return RequestParts.faultOfHeaders(request, hop);
    }
}
