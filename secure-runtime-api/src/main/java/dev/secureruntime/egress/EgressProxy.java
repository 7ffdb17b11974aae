package dev.secureruntime.egress;

import dev.secureruntime.policy.HostPort;
import dev.secureruntime.secret.SecretSource;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The one HTTP proxy that guarded requests go through.
 *
 * <p>What holds: nothing but this address and port is connected to; each target is judged by its name before the proxy hears
 * of it; https goes through a tunnel ({@code CONNECT}), so that the proxy sees host and port and no header, credential or
 * body; plain http is refused; the login is sent to the proxy and to nobody else.
 *
 * <p>What does not: the proxy looks up the target, so its addresses are judged by nobody here - neither special addresses
 * nor {@code cidr} rules count, except for a target that is written as an address. Let the proxy refuse those. The proxy's
 * own name is believed; write its address, where the name server is not.
 *
 * <p>There is no SOCKS here, and no proxy that is spoken to over TLS. Immutable and thread-safe.
 */
public final class EgressProxy {

    private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    private static final Pattern ADDRESS = Pattern.compile("(" + OCTET + "\\.){3}" + OCTET + "|\\[[0-9a-f:]{2,39}]");
    private static final Pattern PORT = Pattern.compile("[0-9]{1,5}");

    private final String host;
    private final int port;
    private final @Nullable SecretSource login;

    private EgressProxy(String host, int port, @Nullable SecretSource login) {
        this.host = host;
        this.port = port;
        this.login = login;
    }

    /**
     * The proxy at {@code host:port}, {@code 10.0.0.1:3128} or {@code [fd00::1]:3128}.
     *
     * @throws IllegalArgumentException when it is written in any other way
     */
    public static EgressProxy at(String hostAndPort) {
        // Names beyond ASCII are refused before lower case turns some of them into ASCII.
        String text = hostAndPort.chars().allMatch(c -> c < 0x80) ? hostAndPort.toLowerCase(Locale.ROOT) : hostAndPort;
        if (text.contains("://")) {
            throw new IllegalArgumentException(
                    "expected host:port of an HTTP proxy, without a scheme; SOCKS and proxies over TLS are not spoken");
        }
        int colon = text.lastIndexOf(':');
        if (colon < 0 || !PORT.matcher(text.substring(colon + 1)).matches()) {
            throw new IllegalArgumentException("expected host:port of an HTTP proxy, not \"" + hostAndPort + "\"");
        }
        String host = text.substring(0, colon);
        int port = Integer.parseInt(text.substring(colon + 1));
        if (ADDRESS.matcher(host).matches() && port >= 1 && port <= 65_535) {
            return new EgressProxy(host.replaceAll("[\\[\\]]", ""), port, null);
        }
        HostPort name = new HostPort(host, port);
        return new EgressProxy(name.host(), name.port(), null);
    }

    /**
     * The same proxy, which wants a user name and password (Basic, RFC 7617): the source gives {@code user:password}. It is
     * read at the start and for each tunnel, is kept out of the log and of requests like every registered secret, as a whole and
     * by its password, and is not encrypted on its way to the proxy.
     */
    public EgressProxy login(SecretSource userAndPassword) {
        return new EgressProxy(host, port, userAndPassword);
    }

    /** Its name in lower case, or its address. */
    public String host() {
        return host;
    }

    public int port() {
        return port;
    }

    /** Where the login comes from. */
    public Optional<SecretSource> login() {
        return Optional.ofNullable(login);
    }

    /** Its address and port, as they are written; never the login. */
    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
