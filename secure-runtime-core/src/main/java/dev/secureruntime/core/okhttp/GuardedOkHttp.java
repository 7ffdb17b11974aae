package dev.secureruntime.core.okhttp;

import dev.secureruntime.Component;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.OnDenial;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.lang.invoke.MethodHandles;
import java.net.Proxy;
import java.time.Duration;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.ResponseBody;

/**
 * Guarded HTTP for OkHttp 4.12 and 5.x: three ways in, for the three things that client libraries ask for.
 *
 * <ul>
 *   <li>{@link #callFactory}, for code of one's own and for libraries that take a {@code Call.Factory}. Preferred.
 *   <li>{@link #client}, for libraries that insist on an {@code OkHttpClient}, such as openai-java.
 *   <li>{@link #interceptor}, for libraries that only let one add an interceptor.
 * </ul>
 *
 * <p>What holds, for all three: requests run on a client of our own that never leaves this package. Each hop is judged
 * before its host is looked up, redirects are followed by us, every address is judged before it is connected to, the
 * component has connections of its own, proxies set for the whole JVM have no effect, and a credential bound to the host
 * is attached after the last code that isn't ours. Requests go directly, or through the one proxy that the runtime was given
 * ({@code RuntimeBuilder.egressProxy}); then hosts are judged by name only. What a server pushes over HTTP/2 is reset and reaches nobody.
 *
 * <p>What does not: interceptors that a library adds see the request without its real credential, and the response. Code
 * that builds an {@code OkHttpClient} of its own is not seen. The client of {@link #client} can't open WebSockets; use
 * {@link #callFactory}.
 *
 * <p>Everything returned is thread-safe, and refuses all calls once the runtime is closed. An OkHttp before version 4 is refused with
 * {@code SR-RUNTIME-001}.
 */
public final class GuardedOkHttp {

    private static final Duration MODEL_TIMEOUT = Duration.ofMinutes(10);

    private GuardedOkHttp() {}

    /** A factory of calls and WebSockets. A refused call fails with {@code EgressDeniedException}. */
    public static GuardedCallFactory callFactory(Component component) {
        HardenedClient hardened = hardened(component);
        return new GuardedCallFactory(hardened, shell(hardened, OnDenial.THROW));
    }

    /**
     * An {@code OkHttpClient} whose calls are guarded. A refused call gets a synthetic response 403 with the header {@code
     * X-Secure-Runtime-Denied}. {@code newBuilder()} works, for time-outs and for interceptors put in front of ours. What else is
     * set by it has no effect, since requests leave through another client: redirects are followed, certificates are not pinned,
     * cookie jars, caches, authenticators, TLS settings and protocols are not asked. A client made by it from which our
     * interceptor was removed refuses everything - unless its resolver and socket factory were replaced too, which makes it a
     * client of one's own.
     */
    public static OkHttpClient client(Component component) {
        return shell(hardened(component), OnDenial.RESPOND);
    }

    /**
     * An interceptor that ends the chain: it runs the request on our own client instead of proceeding. What stands behind
     * it is not run. Add it last; a refused call gets a synthetic response 403.
     */
    public static Interceptor interceptor(Component component) {
        return new TerminalInterceptor(hardened(component), OnDenial.RESPOND);
    }

    private static HardenedClient hardened(Component component) {
        requireRecent(ResponseBody.class);
        return Gate.open(component, MethodHandles.lookup()).transport(HardenedClient.class, HardenedClient::new);
    }

    /** Asks for a method that versions before 4 lack: a refusal would fail for want of it. */
    static void requireRecent(Class<?> responseBody) {
        try {
            responseBody.getMethod("create", String.class, MediaType.class);
        } catch (NoSuchMethodException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "the OkHttp on the class path is too old: guarded HTTP needs okhttp 4.12 or later; a parent or a BOM may"
                            + " have set the version",
                    e);
        }
    }

    /** A client that can do nothing but hand requests to the guard. */
    private static OkHttpClient shell(HardenedClient hardened, OnDenial onDenial) {
        NoWayOut noWayOut = new NoWayOut(hardened.gate());
        return new OkHttpClient.Builder()
                .addInterceptor(new TerminalInterceptor(hardened, onDenial))
                .addNetworkInterceptor(noWayOut)
                .dns(noWayOut)
                .socketFactory(noWayOut.socketFactory())
                .proxy(Proxy.NO_PROXY)
                .followRedirects(false)
                .followSslRedirects(false)
                .connectTimeout(Duration.ofSeconds(30))
                .readTimeout(MODEL_TIMEOUT)
                .writeTimeout(MODEL_TIMEOUT)
                .build();
    }
}
