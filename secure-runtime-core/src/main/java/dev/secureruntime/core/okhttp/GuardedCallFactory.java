package dev.secureruntime.core.okhttp;

import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/**
 * Makes guarded calls and WebSockets of one component.
 *
 * <p>A refused call fails with {@link dev.secureruntime.egress.EgressDeniedException}; a refused WebSocket tells its
 * listener of one ({@code onFailure}). There is nothing here that could be rebuilt without its guard. Thread-safe.
 */
public final class GuardedCallFactory implements Call.Factory, WebSocket.Factory {

    private final HardenedClient hardened;
    private final OkHttpClient shell;

    GuardedCallFactory(HardenedClient hardened, OkHttpClient shell) {
        this.hardened = hardened;
        this.shell = shell;
    }

    @Override
    public Call newCall(Request request) {
        return shell.newCall(request);
    }

    @Override
    public WebSocket newWebSocket(Request request, WebSocketListener listener) {
        return hardened.newWebSocket(request, listener);
    }
}
