package dev.secureruntime.core.okhttp;

import dev.secureruntime.egress.EgressDeniedException;
import java.nio.charset.StandardCharsets;
import okhttp3.Request;
import okhttp3.WebSocket;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * A WebSocket as a caller gets it: OkHttp's own leads to its client. Until it runs on one - OkHttp may call the listener
 * before it returns it - nothing can be sent, and a cancellation is remembered. A message in which a secret would leave isn't sent, and ends it. Thread-safe, never blocks.
 */
final class GuardedWebSocket implements WebSocket {

    private static final int NORMAL = 1000;

    private final Request callers;
    private final Hop hop;
    private @Nullable WebSocket socket;
    private boolean cancelled;
    private boolean refused;

    GuardedWebSocket(Request callers, Hop hop) {
        this.callers = callers;
        this.hop = hop;
    }

    void runsOn(WebSocket real) {
        boolean now;
        synchronized (this) {
            socket = real;
            now = cancelled;
        }
        if (now) {
            end(real);
        }
    }

    /**
     * Ends OkHttp's own, so that the listener is told of it. Once the server has closed its side nobody reads on, and of a
     * cancellation alone nobody would learn: whoever writes does, on the connection that is closed by then.
     */
    private static void end(WebSocket real) {
        real.cancel();
        real.close(NORMAL, null);
    }

    /** What to send on; null while there is nothing, and once a message was refused. */
    private synchronized @Nullable WebSocket socket() {
        return refused ? null : socket;
    }

    @Override
    public Request request() {
        return callers;
    }

    @Override
    public long queueSize() {
        WebSocket real = socket();
        return real == null ? 0 : real.queueSize();
    }

    @Override
    public boolean send(String text) {
        WebSocket real = socket();
        return real != null && mayLeave(text.getBytes(StandardCharsets.UTF_8)) && real.send(text);
    }

    @Override
    public boolean send(ByteString bytes) {
        WebSocket real = socket();
        return real != null && mayLeave(bytes.toByteArray()) && real.send(bytes);
    }

    @Override
    public boolean close(int code, @Nullable String reason) {
        WebSocket real = socket();
        return real != null
                && (reason == null || mayLeave(reason.getBytes(StandardCharsets.UTF_8)))
                && real.close(code, reason);
    }

    /** A message with a secret ends the WebSocket: the listener is told of the refusal. */
    private boolean mayLeave(byte[] message) {
        try {
            hop.outgoing().message(message);
            return true;
        } catch (EgressDeniedException e) {
            hop.cut(e.decision());
            synchronized (this) {
                refused = true;
            }
            cancel();
            return false;
        }
    }

    @Override
    public void cancel() {
        WebSocket real;
        synchronized (this) {
            cancelled = true;
            real = socket;
        }
        if (real != null) {
            end(real);
        }
    }
}
