package dev.secureruntime.core.apache;

import dev.secureruntime.Component;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.OnDenial;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.lang.invoke.MethodHandles;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.CloseableHttpResponse;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.impl.io.DefaultBHttpClientConnection;

/**
 * Guarded HTTP for Apache HttpClient 5 (classic), compiled and tested on 5.6: a {@code CloseableHttpClient} for code and
 * libraries that take one. Versions before 5.4 are refused with {@code SR-RUNTIME-001}.
 *
 * <p>What holds: requests run on connections of our own, without Apache's connection manager, resolver, route planner,
 * retries, redirects, cookies, authentication, caching or decompression. Each hop is judged before its host is looked up,
 * redirects are followed by us, all addresses of a host are judged together and each again by the socket that connects to
 * it, the component has connections of its own for each version of the policy, and a credential bound to the host is
 * attached after the last code that isn't ours. Proxies and SOCKS set for the whole JVM have no effect; the runtime's own
 * ({@code RuntimeBuilder.egressProxy}) is gone through. Neither response, context nor exception leads to a request with its credential, a connection or a client of ours.
 *
 * <p>Refused, since the request would go elsewhere than it says: a target that differs from the request's own authority, a
 * target that brings its own address, an absolute path, a {@code Host} header of another host, and a {@code RequestConfig}
 * with a proxy or a Unix domain socket.
 *
 * <p>What does not hold, or is left out: code that builds an Apache client of its own is not seen. HTTP/1.1 only. The async
 * client ({@code CloseableHttpAsyncClient}) is not guarded. Of {@code RequestConfig}, the time-outs and the settings for
 * redirects count; of an {@code HttpContext}, its {@code RequestConfig}, and nothing is written to it. {@code Expect:
 * 100-continue} is taken off, bodies are handed on as the server encoded them, and trailers are left out. A request that
 * fails on a connection that was kept is sent once more when its method is idempotent and its body can be written again;
 * the record counts that. Nothing else is sent twice.
 *
 * <p>Everything returned is thread-safe, and refuses all calls once it or the runtime is closed.
 */
public final class GuardedApache {

    private GuardedApache() {}

    /**
     * A client whose refused calls get a synthetic response 403 with the header {@code X-Secure-Runtime-Denied}: for client
     * libraries, which would take an {@code IOException} for a fault of the network and try again.
     */
    public static CloseableHttpClient client(Component component) {
        return new GuardedClient(hardened(component), OnDenial.RESPOND);
    }

    /** A client whose refused calls fail with {@code EgressDeniedException}: for code of one's own. */
    public static CloseableHttpClient throwingClient(Component component) {
        return new GuardedClient(hardened(component), OnDenial.THROW);
    }

    private static HardenedConnections hardened(Component component) {
        requireRecent(CloseableHttpResponse.class, DefaultBHttpClientConnection.class);
        return Gate.open(component, MethodHandles.lookup())
                .transport(HardenedConnections.class, HardenedConnections::new);
    }

    /** Asks for the two methods that older versions lack: each would fail in the middle of a call. */
    static void requireRecent(Class<?> response, Class<?> connection) {
        try {
            response.getMethod("adapt", ClassicHttpResponse.class);
            connection.getMethod("bind", SSLSocket.class, Socket.class);
        } catch (NoSuchMethodException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "the Apache HttpClient on the class path is too old: GuardedApache needs httpclient5 5.4 or later, with"
                            + " httpcore5 5.3 or later; a parent or a BOM may have set the version",
                    e);
        }
    }
}
