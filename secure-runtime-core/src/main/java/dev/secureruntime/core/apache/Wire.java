package dev.secureruntime.core.apache;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.http.JudgedSocket;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.util.Optional;
import javax.net.ssl.SSLSocket;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultBHttpClientConnection;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 connection over a socket that judged its address. Apache's own, one step below the class of its client that
 * would write headers and bytes to a log.
 */
final class Wire extends DefaultBHttpClientConnection {

    /** A connection that lay idle for so long may be gone: looked at before it is used again. */
    private static final long FRESH_NANOS = 1_000_000_000L;

    private final EgressRequest opened;
    private final JudgedSocket socket;
    private volatile long idleSince;

    Wire(EgressRequest opened, JudgedSocket socket, @Nullable SSLSocket tls) throws IOException {
        super(Http1Config.DEFAULT);
        this.opened = opened;
        this.socket = socket;
        if (tls == null) {
            bind(socket);
        } else {
            bind(tls, socket);
        }
    }

    /** The question that stands for the connection. */
    EgressRequest opened() {
        return opened;
    }

    Origin origin() {
        return Origin.of(opened);
    }

    /** Why the policy refuses that the connection stays. */
    Optional<Denied> denied(ComponentSnapshot inForce) {
        return socket.denied(inForce);
    }

    /** The address that was judged; null behind a proxy. */
    @Nullable
    InetAddress judgedAddress() {
        return socket.judgedAddress();
    }

    /** Lies idle from now on. */
    void rest() {
        idleSince = System.nanoTime();
    }

    long idleNanos() {
        return System.nanoTime() - idleSince;
    }

    /** Whether another request can be written to it. */
    boolean isUsable() {
        try {
            return isOpen() && (idleNanos() < FRESH_NANOS || !isStale());
        } catch (IOException e) {
            return false;
        }
    }

    void readTimeout(int millis) {
        setSocketTimeout(Timeout.ofMilliseconds(millis));
    }

    /** Closes it under whoever uses it. */
    void abort() {
        close(CloseMode.IMMEDIATE);
    }

    /** Closes it when nobody uses it. */
    void retire() {
        close(CloseMode.IMMEDIATE);
    }
}
