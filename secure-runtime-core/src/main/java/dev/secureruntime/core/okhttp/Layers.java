package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ApprovedProxy;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.JudgedSocketFactory;
import dev.secureruntime.egress.EgressDecision;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.List;
import javax.net.SocketFactory;
import okhttp3.Authenticator;
import okhttp3.ConnectionPool;
import okhttp3.Dns;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Request;

/**
 * The layers that a hardened client has and a bare one hasn't, a method for each. No single one is enough: {@code BypassTest}
 * takes them out one by one, by overriding, and shows what comes through then. There is no setting that does so.
 */
class Layers {

    private final Gate gate;

    Layers(Gate gate) {
        this.gate = gate;
    }

    /** The policy is asked about each hop, before anything is looked up; for WebSockets too. */
    EgressDecision decide(Hop hop, Request request) {
        return JudgeInterceptor.judge(gate, hop, request);
    }

    /** OkHttp follows no redirect: {@link GuardedExchange} does, hop by hop. */
    OkHttpClient.Builder redirects(OkHttpClient.Builder client) {
        return client.followRedirects(false).followSslRedirects(false);
    }

    /** Nobody answers a challenge with another request; the proxy's is answered when the tunnel is asked for. */
    OkHttpClient.Builder authenticators(OkHttpClient.Builder client) {
        ApprovedProxy approved = gate.egressProxy();
        return client.authenticator(Authenticator.NONE)
                .proxyAuthenticator(approved == null ? Authenticator.NONE : new ProxyLogin(approved));
    }

    /** None or the approved one: neither a {@code ProxySelector} nor {@code http.proxyHost} is asked. */
    OkHttpClient.Builder proxy(OkHttpClient.Builder client) {
        ApprovedProxy approved = gate.egressProxy();
        return client.proxy(
                approved == null
                        ? Proxy.NO_PROXY
                        : new Proxy(
                                Proxy.Type.HTTP, InetSocketAddress.createUnresolved(approved.host(), approved.port())));
    }

    /** Connections of a component's version of the policy, for no other. */
    ConnectionPool pool() {
        return new ConnectionPool();
    }

    /** All addresses of a host are judged together. */
    Dns dns(JudgedDns ours) {
        return ours;
    }

    /** The address that is connected to is judged, also where nothing was looked up; the JVM's SOCKS proxy sees nothing. */
    SocketFactory sockets(JudgedSocketFactory ours) {
        return ours;
    }

    /** The last look at a WebSocket's opening. */
    OkHttpClient.Builder upgrades(OkHttpClient.Builder client, UpgradeCheck ours) {
        return client.addInterceptor(ours).cookieJar(ours);
    }

    /** The last look at a request and the connection that it is about to be written to. */
    List<Interceptor> onTheWire(WireCheck ours) {
        return List.of(ours);
    }
}
