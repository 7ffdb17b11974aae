package dev.secureruntime.core.http;

import dev.secureruntime.egress.EgressRequest;
import java.util.Locale;

/**
 * Where a request goes: what must be the same for a redirect to stay at home (RFC 6454).
 *
 * @param scheme {@code https} or {@code http}
 * @param host in lower case, IPv6 without brackets
 * @param port the port, also where it is the scheme's own
 */
public record Origin(String scheme, String host, int port) {

    /** Where the request that was asked about goes. */
    public static Origin of(EgressRequest asked) {
        return new Origin(asked.scheme(), asked.host(), asked.port());
    }

    /** As it stands in a {@code Host} header (RFC 9110, section 7.2). */
    public String authority() {
        return port == (scheme.equals("https") ? 443 : 80) ? written() : hostAndPort();
    }

    /** As a proxy is asked to lead there (RFC 9110, section 9.3.6): the port always stands. */
    public String hostAndPort() {
        return written() + ":" + port;
    }

    private String written() {
        return host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    }

    /** Whether a {@code Host} header names it. */
    public boolean isNamedBy(String header) {
        String authority = authority();
        return header.equals(authority) || header.toLowerCase(Locale.ROOT).equals(authority);
    }
}
