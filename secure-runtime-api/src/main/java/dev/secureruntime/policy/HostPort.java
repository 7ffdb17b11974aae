package dev.secureruntime.policy;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * An exact host and port, written {@code host} (443 is meant then) or {@code host:port}.
 *
 * @param host the host in lower case
 * @param port the port, 1 to 65535
 */
public record HostPort(String host, int port) {

    private static final int HTTPS = 443;

    public HostPort {
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("a port is 1 to 65535, not " + port);
        }
        host = HostPattern.requireExactHost(host);
    }

    /** Parses {@code host} or {@code host:port}. */
    public static HostPort parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 0) {
            return new HostPort(text, HTTPS);
        }
        String port = text.substring(colon + 1);
        if (!port.matches("[0-9]{1,5}")) {
            throw new IllegalArgumentException("expected host or host:port, not \"" + text + "\"");
        }
        return new HostPort(text.substring(0, colon), Integer.parseInt(port));
    }

    static Set<HostPort> parseAll(String... texts) {
        Set<HostPort> parsed = new LinkedHashSet<>();
        for (String text : texts) {
            parsed.add(parse(text));
        }
        return parsed;
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
