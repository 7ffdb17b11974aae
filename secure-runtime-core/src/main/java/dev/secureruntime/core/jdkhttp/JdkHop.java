package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.GuardedHop;
import dev.secureruntime.core.http.JudgedConnector;
import dev.secureruntime.core.http.JudgedSocket;
import dev.secureruntime.core.http.Target;
import dev.secureruntime.egress.EgressRequest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One hop of a call on the JDK's client. Its token opens the relay to its target, and only as long as the hop is under way.
 */
final class JdkHop extends GuardedHop implements JudgedConnector.Caller {

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int TOKEN_BYTES = 32;

    private final Target target;
    private final String token = newToken();
    private final Duration connectTimeout;
    private final long beganNanos = System.nanoTime();
    private volatile @Nullable IOException unconnected;
    /** The sockets that the relay connects for it. */
    private final Set<JudgedSocket> opening = new HashSet<>();

    private boolean over;

    private JdkHop(Gate gate, EgressRequest asked, Target target, Duration connectTimeout) {
        super(gate, asked);
        this.target = target;
        this.connectTimeout = connectTimeout;
    }

    private JdkHop(Gate gate, EgressRequest asked, Target target, JdkHop before) {
        super(gate, asked, before);
        this.target = target;
        this.connectTimeout = before.connectTimeout;
    }

    /** The first hop of a call. */
    static JdkHop first(Gate gate, SentRequest request, Duration connectTimeout) {
        return new JdkHop(gate, request.asked(gate.name(), List.of()), request.target(), connectTimeout);
    }

    /** The hop that follows a redirect. */
    JdkHop next(Gate gate, SentRequest request) {
        return new JdkHop(gate, request.asked(gate.name(), redirectedFrom()), request.target(), this);
    }

    private static String newToken() {
        byte[] random = new byte[TOKEN_BYTES];
        RANDOM.nextBytes(random);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    }

    /** Where it goes, once it is known to be well-formed. */
    Target.Read target() {
        if (target instanceof Target.Read read) {
            return read;
        }
        throw new IllegalStateException("a malformed target is never connected to");
    }

    String token() {
        return token;
    }

    Duration connectTimeout() {
        return connectTimeout;
    }

    long beganNanos() {
        return beganNanos;
    }

    /** The relay could not connect, for this reason. */
    void unconnected(IOException reason) {
        unconnected = reason;
    }

    /** Why the relay could not connect; null when it could, or wasn't asked. */
    @Nullable
    IOException unconnected() {
        return unconnected;
    }

    /** A socket is about to be connected for this hop; closed at once when the hop is over. */
    @Override
    public synchronized void connects(JudgedSocket socket) throws IOException {
        if (over) {
            throw new InterruptedIOException("the request is over");
        }
        opening.add(socket);
    }

    @Override
    public synchronized boolean triesNext(IOException failure) {
        return !over && !(failure instanceof SocketTimeoutException);
    }

    /** A socket is connected: it belongs to the JDK's client, which may keep it for other hops. */
    synchronized void connected(JudgedSocket socket) {
        opening.remove(socket);
        unconnected = null; // the JDK's client tried again
    }

    /** Whether nobody waits for it any more. */
    synchronized boolean isOver() {
        return over;
    }

    /** Nobody waits for its connections any more: those that are still being opened are closed, and no more of its body is taken. */
    void ends() {
        List<JudgedSocket> closing;
        synchronized (this) {
            over = true;
            closing = List.copyOf(opening);
            opening.clear();
        }
        for (JudgedSocket socket : closing) {
            try {
                socket.close();
            } catch (IOException e) {
                // Closed for whoever connects, whatever the system says of it.
            }
        }
    }
}
