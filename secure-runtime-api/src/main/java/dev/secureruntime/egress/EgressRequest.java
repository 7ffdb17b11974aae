package dev.secureruntime.egress;

import java.util.List;

/**
 * The question put to an egress policy: may this component send this request?
 *
 * <p>The parts are those that the client library itself parsed and will connect to. A URL is never parsed a second time
 * by another parser: two parsers that disagree are how guards are walked around.
 *
 * @param component the component's name
 * @param method the method in upper case
 * @param scheme {@code https} or {@code http}
 * @param host the host as the client will connect to it: lower case, ASCII, IPv6 without brackets
 * @param port the port
 * @param path the encoded path, without the query
 * @param redirectedFrom the hosts that redirected here, oldest first; empty for the first hop
 */
public record EgressRequest(
        String component,
        String method,
        String scheme,
        String host,
        int port,
        String path,
        List<String> redirectedFrom) {

    public EgressRequest {
        redirectedFrom = List.copyOf(redirectedFrom);
    }

    /**
     * Method, scheme, host and port: what is printed. The path and query may hold data and are left out; characters
     * that could forge a line of a log are shown as {@code ?}.
     */
    public String target() {
        String shown = printable(host, 253);
        return printable(method, 32) + " " + printable(scheme, 16) + "://"
                + (shown.indexOf(':') >= 0 ? "[" + shown + "]" : shown) + ":" + port;
    }

    private static String printable(String text, int limit) {
        int length = Math.min(text.length(), limit);
        StringBuilder shown = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            shown.append(c > ' ' && c < 0x7f ? c : '?');
        }
        return shown.toString();
    }
}
