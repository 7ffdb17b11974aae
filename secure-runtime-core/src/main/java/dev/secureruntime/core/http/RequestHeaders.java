package dev.secureruntime.core.http;

import dev.secureruntime.core.egress.MethodForm;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a caller's headers may say. Client libraries let control characters through in places (OkHttp's {@code
 * addUnsafeNonAscii}) and write names as they come; on HTTP/1.1 either can end a request and begin another one, which
 * nobody judged.
 */
public final class RequestHeaders {

    /**
     * How the message is framed, and what the connection does, is the guard's and its client's to say (RFC 9110, 7.6.1). The
     * names stand in {@code SecretPolicy.Attachment} too, which binds no secret to them; a test holds the two together.
     */
    static final Set<String> FRAMING = Set.of(
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

    private static final String TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~";

    private RequestHeaders() {}

    /** A client's headers, one line each, in order. */
    public interface Lines {
        int size();

        String name(int line);

        String value(int line);
    }

    /** Whether a header frames the message: the caller's is taken off, and the client writes its own from the body. */
    public static boolean isFraming(String name) {
        return FRAMING.contains(name.toLowerCase(Locale.ROOT));
    }

    /** What is wrong with the headers of a request that asks for no other protocol; null when nothing is. */
    public static @Nullable String fault(Lines headers, String method, Origin target) {
        for (int i = 0; i < headers.size(); i++) {
            if (headers.name(i).equalsIgnoreCase("Upgrade")) {
                return "the request asks for another protocol; WebSockets are opened by the adapter's own way to do so";
            }
        }
        return faultOfUpgrade(headers, method, target);
    }

    /** What is wrong with the headers of a request that may open a WebSocket; null when nothing is. */
    public static @Nullable String faultOfUpgrade(Lines headers, String method, Origin target) {
        boolean named = false;
        for (int i = 0; i < headers.size(); i++) {
            String name = headers.name(i);
            String value = headers.value(i);
            if (!isToken(name)) {
                return "a header's name is no token";
            }
            if (!isValue(value)) {
                return "a header's value has control characters";
            }
            if (isOneOf(MethodForm.PATH_OVERRIDES, name)) {
                return "a header asks for another path than the URL's";
            }
            if (isOneOf(MethodForm.METHOD_OVERRIDES, name) && !value.equalsIgnoreCase(method)) {
                return "a header asks for another method than the request's";
            }
            if (name.equalsIgnoreCase("Host")) {
                if (named || !target.isNamedBy(value)) {
                    return "the Host header names another host than the URL";
                }
                named = true;
            }
        }
        return null;
    }

    private static boolean isOneOf(List<String> names, String name) {
        for (int i = 0; i < names.size(); i++) {
            if (name.equalsIgnoreCase(names.get(i))) {
                return true;
            }
        }
        return false;
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
