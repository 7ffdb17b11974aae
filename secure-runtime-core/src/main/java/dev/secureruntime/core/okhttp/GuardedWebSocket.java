package dev.secureruntime.core.okhttp;

import java.util.concurrent.CompletableFuture;
import okhttp3.Request;
import okhttp3.WebSocket;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/** A WebSocket as a caller gets it: OkHttp's own leads to its client. Thread-safe. */
final class GuardedWebSocket implements WebSocket {

    private final Request callers;
    /** OkHttp may call the listener before it has returned the socket. */
    private final CompletableFuture<WebSocket> socket = new CompletableFuture<>();

    GuardedWebSocket(Request callers) {
        this.callers = callers;
    }

    void runsOn(WebSocket real) {
        socket.complete(real);
    }

    private WebSocket socket() {
        return socket.join();
    }

    @Override
    public Request request() {
        return callers;
    }

    @Override
    public long queueSize() {
        return socket().queueSize();
    }

    @Override
    public boolean send(String text) {
        return socket().send(text);
    }

    @Override
    public boolean send(ByteString bytes) {
        return socket().send(bytes);
    }

    @Override
    public boolean close(int code, @Nullable String reason) {
        return socket().close(code, reason);
    }

    @Override
    public void cancel() {
        socket().cancel();
    }
}
