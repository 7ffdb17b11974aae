package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.TargetUrl.Parsed;
import dev.secureruntime.core.egress.TargetUrl.Refused;
import java.util.Locale;

/** Takes the text of a URL apart, or says why it is refused. */
final class UrlText {

    private UrlText() {}

    static TargetUrl parse(String url) {
        for (int i = 0; i < url.length(); i++) {
            if (url.charAt(i) <= ' ' || url.charAt(i) == 0x7f) {
                return new Refused("the URL holds white space or a control character");
            }
        }
        String lower = url.toLowerCase(Locale.ROOT);
        String scheme = lower.startsWith("https:") ? "https" : lower.startsWith("http:") ? "http" : "";
        if (scheme.isEmpty()) {
            return new Refused("the scheme is neither https nor http");
        }
        int start = scheme.length() + 3;
        if (!url.startsWith("://", scheme.length())) {
            return new Refused("the scheme is not followed by two slashes");
        }
        int end = indexOfAny(url, start, "/?#");
        int pathEnd = indexOfAny(url, end, "?#");
        String authority = url.substring(start, end);
        if (url.substring(start, pathEnd).indexOf('\\') >= 0) {
            return new Refused("the URL holds a back-slash");
        }
        if (authority.indexOf('@') >= 0) {
            return new Refused("the URL holds user information before its host");
        }
        String path = end == pathEnd ? "/" : url.substring(end, pathEnd);
        return authority.startsWith("[") ? ipv6(scheme, authority, path) : name(scheme, authority, path);
    }

    private static TargetUrl ipv6(String scheme, String authority, String path) {
        int close = authority.indexOf(']');
        byte[] address = close < 0 ? null : AddressText.parseIpv6(authority.substring(1, close));
        if (address == null) {
            return new Refused("there is no IPv6 address between the brackets");
        }
        return withPort(scheme, AddressText.print(address), authority.substring(close + 1), path);
    }

    private static TargetUrl name(String scheme, String authority, String path) {
        int colon = authority.indexOf(':');
        String written = colon < 0 ? authority : authority.substring(0, colon);
        if (!written.chars().allMatch(c -> c < 0x80)) {
            return new Refused("the host is not ASCII; write an international name in its xn-- form");
        }
        String host = written.toLowerCase(Locale.ROOT);
        HostForm form = HostForm.of(host);
        if (form == HostForm.MALFORMED) {
            return new Refused("the host is no name that all parsers read alike");
        }
        if (form == HostForm.LITERAL && AddressText.parseCanonical(host) == null) {
            return new Refused("the host looks like a number and is no IPv4 address in canonical form");
        }
        return withPort(scheme, host, colon < 0 ? "" : authority.substring(colon), path);
    }

    /** Takes what stands behind the host: nothing, or a colon and a port without padding. */
    private static TargetUrl withPort(String scheme, String host, String rest, String path) {
        if (rest.isEmpty()) {
            return new Parsed(scheme, host, scheme.equals("https") ? 443 : 80, path);
        }
        if (!rest.matches(":[1-9][0-9]{0,4}") || Integer.parseInt(rest.substring(1)) > 65_535) {
            return new Refused("the port is not a plain number from 1 to 65535");
        }
        return new Parsed(scheme, host, Integer.parseInt(rest.substring(1)), path);
    }

    private static int indexOfAny(String text, int from, String characters) {
        int i = from;
        while (i < text.length() && characters.indexOf(text.charAt(i)) < 0) {
            i++;
        }
        return i;
    }
}
