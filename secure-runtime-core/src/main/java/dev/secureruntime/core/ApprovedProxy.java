package dev.secureruntime.core;

import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressProxy;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.secret.SecretSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The proxy that guarded requests go through, as adapters ask about it. Immutable and thread-safe. */
public final class ApprovedProxy {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");
    /** No secret of a policy has such a name: what the policy says of one never counts for the login. */
    private static final String LOGIN = "@egress-proxy";

    private static final String PASSWORD = "@egress-proxy-password";

    private final EgressProxy proxy;
    private final SecretWatch watch;
    /** Where the proxy is, if it is written as an address. */
    private final @Nullable InetAddress literal;

    private ApprovedProxy(EgressProxy proxy, SecretWatch watch) {
        this.proxy = proxy;
        this.watch = watch;
        this.literal = literal(proxy.host());
    }

    /** The proxy with its login made known to the watch; null when there is none. */
    static @Nullable ApprovedProxy of(@Nullable EgressProxy proxy, SecretWatch watch) {
        if (proxy == null) {
            return null;
        }
        ApprovedProxy approved = new ApprovedProxy(proxy, watch);
        try {
            approved.authorization();
        } catch (IOException e) {
            LOG.warn("the egress proxy's login can't be read yet");
        }
        return approved;
    }

    private static @Nullable InetAddress literal(String host) {
        boolean address = host.indexOf(':') >= 0 || Character.isDigit(host.charAt(host.length() - 1));
        try {
            return address ? InetAddress.getByName(host) : null; // digits and colons are looked up nowhere
        } catch (UnknownHostException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "egressProxy: \"" + host + "\" is no address", e);
        }
    }

    /** Whether a known secret is the login of the proxy, or its password. */
    static boolean isLogin(SecretWatch.Known known) {
        return known.leasedBy() == null
                && (known.name().equals(LOGIN) || known.name().equals(PASSWORD));
    }

    /** Its name, or its address. */
    public String host() {
        return proxy.host();
    }

    public int port() {
        return proxy.port();
    }

    /** Whether this is the proxy: what is connected to while there is one. */
    public boolean isAt(InetSocketAddress endpoint) {
        return endpoint.getPort() == proxy.port()
                && (literal == null
                        ? endpoint.getHostString().equals(proxy.host())
                        : literal.equals(endpoint.getAddress()));
    }

    /** Why a request can't go through the proxy; null when it can. */
    public @Nullable Denied denied(EgressRequest request) {
        if (request.scheme().equals("https")) {
            return null;
        }
        return new Denied(
                ErrorCode.EGRESS_DENIED,
                Reason.PLAIN_HTTP_THROUGH_PROXY,
                "plain http would show the request, with its credentials, to the proxy " + proxy,
                null,
                "use https, which goes through a tunnel");
    }

    /**
     * The value of {@code Proxy-Authorization}; null for a proxy that wants none.
     *
     * @throws IOException when the login can't be had; its message doesn't hold it
     */
    public @Nullable String authorization() throws IOException {
        SecretSource source = proxy.login().orElse(null);
        if (source == null) {
            return null;
        }
        byte[] login;
        try {
            login = source.read();
        } catch (IOException | RuntimeException e) {
            // The cause stays out: what a source says unasked may hold the login.
            throw new IOException("the login of the egress proxy can't be read: "
                    + e.getClass().getName());
        }
        if (login == null || login.length == 0) {
            throw new IOException("the login of the egress proxy is empty");
        }
        try {
            watch.remember(LOGIN, login);
            rememberPassword(login);
            return "Basic " + Base64.getEncoder().encodeToString(login);
        } finally {
            Arrays.fill(login, (byte) 0);
        }
    }

    /** What stands behind the first colon (RFC 7617): alone, it is the secret all the same. */
    private void rememberPassword(byte[] login) {
        int colon = 0;
        while (colon < login.length && login[colon] != ':') {
            colon++;
        }
        if (colon + 1 < login.length) {
            byte[] password = Arrays.copyOfRange(login, colon + 1, login.length);
            watch.remember(PASSWORD, password);
            Arrays.fill(password, (byte) 0);
        }
    }

    /** Its address and port, never the login. */
    @Override
    public String toString() {
        return proxy.toString();
    }
}
