package dev.secureruntime.core.okhttp;

import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.util.Optional;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.Response;

/**
 * What a redirect asks for (RFC 9110, section 15.4), and what of the request may go along.
 *
 * <p>Within one origin everything goes along. To another origin, neither the body nor any header that isn't known to be
 * harmless does; where the status demands that the body be sent again (307, 308), the redirect is refused.
 */
final class Redirects {

    private Redirects() {}

    /** The request that the response asks for; empty when it asks for none. */
    static Optional<Request> next(Response response, Request request) {
        int status = response.code();
        if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
            return Optional.empty();
        }
        String location = response.header("Location");
        HttpUrl target = location == null ? null : request.url().resolve(location);
        if (target == null) {
            return Optional.empty();
        }
        boolean sameOrigin = sameOrigin(request.url(), target);
        Request.Builder next = request.newBuilder().url(target);
        if (!sameOrigin) {
            next.headers(harmless(request.headers()));
        }
        String method = request.method();
        boolean keepsMethod = status == 307 || status == 308 || method.equals("GET") || method.equals("HEAD");
        if (keepsMethod && request.body() != null && request.body().isOneShot()) {
            return Optional.empty(); // it can't be sent again: the caller gets the redirect itself, as from OkHttp
        }
        if (!keepsMethod) {
            next.method("GET", null);
            next.removeHeader("Content-Type");
            next.removeHeader("Content-Length");
            next.removeHeader("Transfer-Encoding");
        }
        return Optional.of(next.build());
    }

    /** Refuses a hop that would carry a body to an origin other than the one that the caller addressed. */
    static void requireBodyStays(Request request, Hop hop, HttpUrl origin) throws EgressDeniedException {
        if (request.body() == null || sameOrigin(origin, request.url())) {
            return;
        }
        throw new EgressDeniedException(
                hop.asked(),
                new Denied(
                        ErrorCode.EGRESS_REDIRECT_REFUSED,
                        Reason.REDIRECT_WITH_BODY,
                        "a redirect from " + origin.host() + " would hand the request's body to another host",
                        null,
                        "address the other host directly, if it is meant to have the body"));
    }

    static boolean sameOrigin(HttpUrl one, HttpUrl other) {
        return one.host().equals(other.host())
                && one.port() == other.port()
                && one.scheme().equals(other.scheme());
    }

    private static Headers harmless(Headers headers) {
        Headers.Builder kept = new Headers.Builder();
        for (String name : CredentialHeaders.CROSS_HOST) {
            String value = headers.get(name);
            if (value != null) {
                kept.add(name, value);
            }
        }
        return kept.build();
    }
}
