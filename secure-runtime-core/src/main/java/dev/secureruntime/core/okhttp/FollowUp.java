package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.http.CredentialHeaders;
import dev.secureruntime.core.http.Redirects;
import java.util.Optional;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.Response;

/** The request that a redirect asks for, with what {@link Redirects} lets go along. */
final class FollowUp {

    private FollowUp() {}

    /** The request that the response asks for; empty when it asks for none. */
    static Optional<Request> of(Response response, Request request) {
        int status = response.code();
        if (!Redirects.isRedirect(status)) {
            return Optional.empty();
        }
        String location = response.header("Location");
        HttpUrl target = location == null ? null : request.url().resolve(location);
        if (target == null) {
            return Optional.empty();
        }
        Request.Builder next = request.newBuilder().url(target);
        if (!RequestParts.origin(request.url()).equals(RequestParts.origin(target))) {
            next.headers(harmless(request.headers()));
        }
        boolean keepsMethod = Redirects.keepsMethod(status, request.method());
        if (keepsMethod && request.body() != null && request.body().isOneShot()) {
            return Optional.empty(); // it can't be sent again: the caller gets the redirect itself, as from OkHttp
        }
        if (!keepsMethod) {
            next.method("GET", null);
            request.headers().names().stream().filter(Redirects::describesBody).forEach(next::removeHeader);
        }
        return Optional.of(next.build());
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
