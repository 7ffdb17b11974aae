package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.GuardedComponent;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.util.Locale;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/** Asks the policy about every request, before its host is looked up. Nothing runs on the hardened client unasked. */
final class JudgeInterceptor implements Interceptor {

    private static final Pattern METHOD = Pattern.compile("[A-Za-z]{1,32}");

    private final GuardedComponent component;

    JudgeInterceptor(GuardedComponent component) {
        this.component = component;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        Request request = chain.request();
        Hop hop = request.tag(Hop.class);
        if (hop == null) {
            throw new IOException("a request without its question reached the hardened client");
        }
        EgressRequest asked = hop.asked();
        String disguise = disguise(request);
        EgressDecision decision = disguise == null ? component.decide(asked) : malformed(disguise);
        if (decision instanceof Denied denied) {
            throw new EgressDeniedException(asked, denied);
        }
        hop.record().allowed(asked, ((Allowed) decision).rule());
        return chain.proceed(request);
    }

    private static @Nullable String disguise(Request request) {
        HttpUrl url = request.url();
        if (!METHOD.matcher(request.method()).matches()) {
            return "the method is no plain word";
        }
        if (!url.username().isEmpty() || !url.password().isEmpty()) {
            return "the URL carries a user name or password";
        }
        String host = request.header("Host");
        return host == null || host.toLowerCase(Locale.ROOT).equals(authority(url))
                ? null
                : "the Host header names another host than the URL";
    }

    /** The host as a {@code Host} header names it (RFC 9110, section 7.2). */
    static String authority(HttpUrl url) {
        String host = url.host().indexOf(':') >= 0 ? "[" + url.host() + "]" : url.host();
        return url.port() == HttpUrl.defaultPort(url.scheme()) ? host : host + ":" + url.port();
    }

    private static Denied malformed(String what) {
        return new Denied(
                ErrorCode.EGRESS_MALFORMED_TARGET,
                Reason.MALFORMED_TARGET,
                what,
                null,
                "write the request so that method, URL and Host header say the same");
    }
}
