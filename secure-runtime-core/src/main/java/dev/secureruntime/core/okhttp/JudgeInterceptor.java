package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ApprovedProxy;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDecision.Reported;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/** Asks the policy about every request, before its host is looked up. Nothing runs on the hardened client unasked. */
final class JudgeInterceptor implements Interceptor {

    private static final Pattern METHOD = Pattern.compile("[A-Za-z]{1,32}");

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
        EgressDecision decision = layers.decide(hop, request);
        if (decision instanceof Denied denied) {
            throw new EgressDeniedException(hop.asked(), denied);
        }
        if (decision instanceof Reported reported) {
            hop.report();
            hop.record().reported(hop.asked(), reported.denied());
        } else {
            hop.record().allowed(hop.asked(), (Allowed) decision);
        }
        return chain.proceed(request);
    }

    /** The decision on a request: its form first, then the way it would take, then the policy. */
    static EgressDecision judge(Gate gate, Hop hop, Request request) {
        String disguise = disguise(request, hop);
        if (disguise != null) {
            return malformed(disguise).under(hop.snapshot().version());
        }
        String undermined = Underpinnings.fault();
        if (undermined != null) {
            return bypassed(undermined).under(hop.snapshot().version());
        }
        EgressDecision decision = hop.snapshot().decide(hop.asked());
        ApprovedProxy proxy = gate.egressProxy();
        return proxy == null || decision instanceof Denied
                ? decision
                : proxy.denied(hop.asked())
                        .<EgressDecision>map(
                                denied -> denied.under(hop.snapshot().version()))
                        .orElse(decision);
    }

    private static @Nullable String disguise(Request request, Hop hop) {
        HttpUrl url = request.url();
        if (!hop.isAbout(request)) {
            return "the request is another one than was asked about";
        }
        if (!METHOD.matcher(request.method()).matches()) {
            return "the method is no plain word";
        }
        if (!url.username().isEmpty() || !url.password().isEmpty()) {
            return "the URL carries a user name or password";
        }
        return RequestHeaders.fault(request, hop.mayUpgrade());
    }

    private static Denied bypassed(String how) {
        return new Denied(
                ErrorCode.EGRESS_GUARD_BYPASSED,
                Reason.GUARD_BYPASSED,
                how,
                null,
                "find out which code did this, and keep it from doing so");
    }

    private static Denied malformed(String what) {
        return new Denied(
                ErrorCode.EGRESS_MALFORMED_TARGET,
                Reason.MALFORMED_TARGET,
                what,
                null,
                "write the request so that method, URL and headers say one thing");
    }
}
