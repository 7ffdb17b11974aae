package dev.secureruntime.core.okhttp;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import org.jspecify.annotations.Nullable;

/**
 * What a caller's headers may say. OkHttp lets control characters through ({@code addUnsafeNonAscii}) and writes names as
 * they come; on HTTP/1.1 either can end a request and begin another one, which nobody judged.
 */
final class RequestHeaders {

    /** How the message is framed, and what the connection does, is ours and OkHttp's to say (RFC 9110, section 7.6.1). */
    private static final Set<String> FRAMING = Set.of(
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "expect",
            "http2-settings",
            "sec-websocket-key",
            "sec-websocket-version",
            "sec-websocket-extensions",
            "proxy-connection",
            "proxy-authenticate",
            "proxy-authorization");

    /** Some servers take a request for another method than it says: then the policy judged the wrong one. */
    private static final List<String> METHOD_OVERRIDES =
            List.of("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override");

    private static final String TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~";

    private RequestHeaders() {}

    /** The request without the headers that frame it; OkHttp writes its own from the body that there is. */
    static Request withoutFraming(Request request) {
        Request.Builder plain = request.newBuilder();
        for (String name : request.headers().names()) {
            if (FRAMING.contains(name.toLowerCase(Locale.ROOT))) {
                plain.removeHeader(name);
            }
        }
        return plain.build();
    }

    /** What is wrong with the headers; null when nothing is. */
    static @Nullable String fault(Request request, boolean mayUpgrade) {
        Headers headers = request.headers();
        for (int i = 0; i < headers.size(); i++) {
            if (!isToken(headers.name(i))) {
                return "a header's name is no token";
            }
            if (!isValue(headers.value(i))) {
                return "a header's value has control characters";
            }
        }
        if (!mayUpgrade && !headers.values("Upgrade").isEmpty()) {
            return "the request asks for another protocol; WebSockets are opened by GuardedOkHttp.callFactory";
        }
        for (String override : METHOD_OVERRIDES) {
            if (headers.values(override).stream().anyMatch(method -> !method.equalsIgnoreCase(request.method()))) {
                return "a header asks for another method than the request's";
            }
        }
        List<String> hosts = headers.values("Host");
        if (hosts.size() > 1 || (hosts.size() == 1 && !isAuthority(hosts.get(0), request.url()))) {
            return "the Host header names another host than the URL";
        }
        return null;
    }

    /** Whether a {@code Host} header names the URL's authority (RFC 9110, section 7.2). */
    static boolean isAuthority(String header, HttpUrl url) {
        String host = url.host().indexOf(':') >= 0 ? "[" + url.host() + "]" : url.host();
        String authority = url.port() == HttpUrl.defaultPort(url.scheme()) ? host : host + ":" + url.port();
        return header.toLowerCase(Locale.ROOT).equals(authority);
    }

    private static boolean isToken(String name) {
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!letter && TOKEN_CHARACTERS.indexOf(c) < 0) {
                return false;
            }
        }
        return !name.isEmpty();
    }

    private static boolean isValue(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if ((c < ' ' && c != '\t') || c == 0x7f) {
                return false;
            }
        }
        return true;
    }
}
