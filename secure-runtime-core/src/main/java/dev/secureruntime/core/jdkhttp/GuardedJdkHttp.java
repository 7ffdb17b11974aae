package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.Component;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.OnDenial;
import java.lang.invoke.MethodHandles;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;

/**
 * Guarded HTTP for {@code java.net.http}.
 *
 * <ul>
 *   <li>{@link #client} and {@link #builder}, for code of one's own, and for the MCP SDK ({@code clientBuilder(..)} of its
 *       transports), which takes a 403 for a question of its authorization. A refused call fails with {@code
 *       EgressDeniedException}; it is the root cause of what {@code HttpClientStreamableHttpTransport} throws.
 *   <li>{@link #builderForLibraries}, for libraries that take an {@code HttpClient.Builder}, such as LangChain4j ({@code
 *       JdkHttpClient.builder().httpClientBuilder(..)}). A refused call gets a synthetic response 403 with the header {@code
 *       X-Secure-Runtime-Denied}, because a library would take an exception for a fault of the network and try again.
 * </ul>
 *
 * <p>What holds: each hop is judged before its host is looked up, and what is sent is built anew from what was judged.
 * Redirects are followed by us, within what the client's {@code Redirect} allows. Connections are made by a relay in this
 * process: it looks the host up, judges all of its addresses, and connects to one that it judged; the JDK's client looks
 * nothing up. Every component has connections of its own for each version of the policy. Proxies set for the whole JVM have no
 * effect; the relay goes through the runtime's own ({@code RuntimeBuilder.egressProxy}). A credential bound to the host is attached last, and shows in no response, exception or WebSocket. WebSockets are
 * judged like requests.
 *
 * <p>What does not: the relay listens on a port of the loopback interface. Other processes of the machine can connect to it,
 * and get nothing without the token of a call that is under way, but they could use up its connections. HTTP/2 is spoken
 * over https only. Bodies pass through code of the caller's on
 * threads of this client. A {@code PushPromiseHandler} is never asked: servers are told not to push, and a server that pushes all the same
 * fails the connection's calls. {@code sslSession()} of a response is empty. {@code send} within
 * a body handler or publisher can use up time-outs, as in the JDK's client. Logging switched on in the JDK's client by whoever
 * loads it first is noticed only as long as its system property is set. The MCP SDK's {@code HttpClientSseClientTransport} drops every
 * failure of its stream: a refusal is in the logs alone, and the client waits for its own time-out.
 *
 * <p>Settings: connect timeout (30 seconds when none is set), version, redirects, priority and executor. The executor
 * completes futures and runs nothing of the call. Proxy, cookies, authenticator, TLS context and parameters are refused with
 * {@code SR-RUNTIME-001}.
 *
 * <p>Everything returned is thread-safe, builders excepted, and refuses all calls once the runtime is closed. Clients need not
 * be closed.
 */
public final class GuardedJdkHttp {

    private GuardedJdkHttp() {}

    /** A client that follows redirects, except from https to http. */
    public static HttpClient client(Component component) {
        return builder(component).followRedirects(Redirect.NORMAL).build();
    }

    /** A builder of clients that throw {@code EgressDeniedException}. Follows no redirects unless it is told to. */
    public static HttpClient.Builder builder(Component component) {
        return new GuardedClientBuilder(transport(component), OnDenial.THROW);
    }

    /** A builder of clients that answer a refusal with a synthetic 403. Follows no redirects unless it is told to. */
    public static HttpClient.Builder builderForLibraries(Component component) {
        return new GuardedClientBuilder(transport(component), OnDenial.RESPOND);
    }

    private static JdkTransport transport(Component component) {
        return Gate.open(component, MethodHandles.lookup()).transport(JdkTransport.class, JdkTransport::new);
    }
}
