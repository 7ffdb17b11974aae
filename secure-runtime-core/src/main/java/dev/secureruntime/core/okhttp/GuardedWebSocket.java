package dev.secureruntime.core.okhttp;

import okhttp3.Request;
import okhttp3.WebSocket;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * A WebSocket as a caller gets it: OkHttp's own leads to its client. Until it runs on one - OkHttp may call the listener
 * before it returns it - nothing can be sent, and a cancellation is remembered. Thread-safe, never blocks.
 */
final class GuardedWebSocket implements WebSocket {

    private final Request callers;
    private @Nullable WebSocket socket;
    private boolean cancelled;

    GuardedWebSocket(Request callers) {
        this.callers = callers;
    }

    void runsOn(WebSocket real) {
        boolean now;
        synchronized (this) {
            socket = real;
            now = cancelled;
        }
        if (now) {
            real.cancel();
        }
    }

    private synchronized @Nullable WebSocket socket() {
        return socket;
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
        return real != null && real.send(text);
    }

    @Override
    public boolean send(ByteString bytes) {
        WebSocket real = socket();
        return real != null && real.send(bytes);
    }

    @Override
    public boolean close(int code, @Nullable String reason) {
        WebSocket real = socket();
        return real != null && real.close(code, reason);
    }

    @Override
    public void cancel() {
        WebSocket real;
        synchronized (this) {
            cancelled = true;
            real = socket;
        }
        if (real != null) {
            real.cancel();
        }
    }
}
