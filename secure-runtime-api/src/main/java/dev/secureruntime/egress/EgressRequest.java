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

    /** Method, scheme, host and port: what is printed. The path and query may hold data and are left out. */
    public String target() {
        return method + " " + scheme + "://" + (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
