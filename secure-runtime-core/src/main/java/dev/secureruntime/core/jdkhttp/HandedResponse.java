package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.DenialAnswer;
import java.net.URI;
import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Optional;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * A response as a caller gets it: what the server said, and nothing of how it was asked. One that the JDK made leads to the
 * request that carried the credential, and to the TLS session of a connection that isn't the caller's.
 */
record HandedResponse<T>(
        HttpRequest request,
        int statusCode,
        URI uri,
        HttpHeaders headers,
        Version version,
        @Nullable HandedResponse<T> previous,
        @Nullable T read)
        implements HttpResponse<T> {

    /** Only the guard says that it denied something. */
    static HttpHeaders headers(HttpHeaders servers) {
        return HttpHeaders.of(servers.map(), (name, value) -> !name.equalsIgnoreCase(DenialAnswer.HEADER));
    }

    @Override
    public Optional<HttpResponse<T>> previousResponse() {
        return Optional.ofNullable(previous);
    }

    @Override
    @SuppressWarnings("NullAway") // a body may be null by the interface's own word
    public T body() {
        return read;
    }

    @Override
    public Optional<SSLSession> sslSession() {
        return Optional.empty();
    }

    @Override
    public String toString() {
        return "(" + request.method() + " " + uri.getHost() + ") " + statusCode;
    }
}
