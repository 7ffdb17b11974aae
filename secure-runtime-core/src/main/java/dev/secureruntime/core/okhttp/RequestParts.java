package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.http.Origin;
import dev.secureruntime.core.http.RequestHeaders;
import dev.secureruntime.egress.EgressDeniedException;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import org.jspecify.annotations.Nullable;

/** A request's parts, as OkHttp parsed them and as the guard looks at them. */
final class RequestParts {

    private RequestParts() {}

    static Origin origin(HttpUrl url) {
        return new Origin(url.scheme(), url.host(), url.port());
    }

    /** The request without the headers that frame it; OkHttp writes its own from the body that there is. */
    static Request.Builder withoutFraming(Request request) {
        Request.Builder plain = request.newBuilder();
        for (int i = 0; i < request.headers().size(); i++) {
            String name = request.headers().name(i);
            if (RequestHeaders.isFraming(name)) {
                plain.removeHeader(name);
            }
        }
        return plain;
    }

    /** What is wrong with the headers; null when nothing is. */
    static @Nullable String faultOfHeaders(Request request, Hop hop) {
        Lines lines = new Lines(request.headers());
        Origin target = origin(request.url());
        return hop.mayUpgrade()
                ? RequestHeaders.faultOfUpgrade(lines, request.method(), target)
                : RequestHeaders.fault(lines, request.method(), target);
    }

    /** Looks for secrets in what stands in front of the body. */
    static void requireNoSecretLeaves(Request request, Hop hop) throws EgressDeniedException {
        hop.requireNoSecretLeaves(request.method(), request.url().toString(), new Lines(request.headers()));
    }

    private record Lines(Headers headers) implements RequestHeaders.Lines {

        @Override
        public int size() {
            return headers.size();
        }

        @Override
        public String name(int line) {
            return headers.name(line);
        }

        @Override
        public String value(int line) {
            return headers.value(line);
        }
    }
}
