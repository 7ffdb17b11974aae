package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import javax.net.SocketFactory;
import okhttp3.Dns;
import okhttp3.Interceptor;
import okhttp3.Response;

/**
 * The look-up, the sockets and the network layer of a client that was handed out: none of them is ever reached while our
 * interceptor stands in the chain, and all of them refuse. Whoever strips the interceptor has a client that can't talk.
 */
final class NoWayOut implements Dns, Interceptor {

    private final Gate gate;

    NoWayOut(Gate gate) {
        this.gate = gate;
    }

    @Override
    public List<InetAddress> lookup(String hostname) {
        throw HardenedClient.sneaky(refusal(hostname, 443));
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        throw refusal(chain.request().url().host(), chain.request().url().port());
    }

    private EgressDeniedException refusal(String host, int port) {
        EgressRequest request = gate.connection("https", host, port);
        EgressDecision.Denied denied = new EgressDecision.Denied(
                ErrorCode.EGRESS_GUARD_BYPASSED,
                Reason.GUARD_BYPASSED,
                "the guard's interceptor was removed from its client, or the request stepped around it",
                null,
                "use the client as GuardedOkHttp made it; for WebSockets use GuardedOkHttp.callFactory");
        gate.begin(request).denied(request, denied);
        return new EgressDeniedException(request, denied);
    }

    /** Sockets that connect to nothing. */
    SocketFactory socketFactory() {
        return new SocketFactory() {
            @Override
            public Socket createSocket() throws IOException {
                throw refusal("unknown", 443);
            }

            @Override
            public Socket createSocket(String host, int port) throws IOException {
                throw refusal(host, port);
            }

            @Override
            public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
                throw refusal(host, port);
            }

            @Override
            public Socket createSocket(InetAddress host, int port) throws IOException {
                throw refusal(host.getHostAddress(), port);
            }

            @Override
            public Socket createSocket(InetAddress host, int port, InetAddress localHost, int localPort)
                    throws IOException {
                throw refusal(host.getHostAddress(), port);
            }
        };
    }
}
