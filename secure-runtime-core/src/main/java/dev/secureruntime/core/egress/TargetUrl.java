package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressRequest;
import java.util.List;

/**
 * The target of a URL that comes as text: from a file, a command line, a configuration. A client that has parsed its
 * URL is asked for the parts instead.
 *
 * <p>Follows the WHATWG URL Standard where all parsers agree, and refuses where they do not: white space and control
 * characters, back-slashes, user information, escapes and characters beyond ASCII in the host, a trailing dot, numbers
 * that some read as IPv4, zones, an odd number of slashes, an empty or padded port. A host that is accepted is the one
 * that a strict WHATWG parser finds, an IPv6 address in canonical form and without brackets.
 */
public sealed interface TargetUrl {

    /**
     * Reads a URL.
     *
     * @param url the text as it stands, nothing stripped
     */
    static TargetUrl parse(String url) {
        return UrlText.parse(url);
    }

    /**
     * The parts of a URL on which parsers agree.
     *
     * @param scheme in lower case
     * @param host a lower-case ASCII name, or an address in canonical form without brackets
     * @param port the port, by default that of the scheme
     * @param path the path as written, {@code /} when empty
     */
    record Parsed(String scheme, String host, int port, String path) implements TargetUrl {

        /** The question whether a component may send a request here. */
        public EgressRequest request(String component, String method) {
            return new EgressRequest(component, method, scheme, host, port, path, List.of());
        }
    }

    /**
     * A URL that is not decided on, but refused.
     *
     * @param why what is wrong with it; quotes nothing of it
     */
    record Refused(String why) implements TargetUrl {}
}
