package dev.secureruntime.core.okhttp;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.http.CallersFailure;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * Stands between a WebSocket and the caller's listener: records the connection once, at its end, with a commitment to the
 * messages received, and shows the caller no request that carries a credential. What the listener throws ends the WebSocket, and
 * is never taken for a refusal of ours. OkHttp calls a listener from one thread at a time, but for {@code onClosed}: its
 * writer may get there while {@code onClosing} is running.
 */
final class RecordedWebSocketListener extends WebSocketListener {

    private final WebSocketListener listener;
    private final GuardedWebSocket guarded;
    private final CallRecord record;
    private final Hop hop;
    private final LiveExchange exchange;
    private final Commitment.Digest received;
    private @Nullable Throwable thrownByListener;

    RecordedWebSocketListener(WebSocketListener listener, GuardedWebSocket guarded, Hop hop, LiveExchange exchange) {
        this.listener = listener;
        this.guarded = guarded;
        this.record = hop.record();
        this.received = record.digest("http.response.body");
        this.hop = hop;
        this.exchange = exchange;
    }

    @Override
    public void onOpen(WebSocket webSocket, Response response) {
        SegmentPool.wipe(); // the opening request went out on this thread
        guarded.runsOn(webSocket);
        record.responded(response.code(), "websocket");
        tell(() -> listener.onOpen(
                guarded, HandedResponse.of(response, guarded.request()).build()));
    }

    @Override
    public void onMessage(WebSocket webSocket, String text) {
        SegmentPool.wipe(); // the opening request went out on this thread
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        received.update(bytes, 0, bytes.length);
        tell(() -> listener.onMessage(guarded, text));
    }

    @Override
    public void onMessage(WebSocket webSocket, ByteString bytes) {
        SegmentPool.wipe(); // the opening request went out on this thread
        byte[] array = bytes.toByteArray();
        received.update(array, 0, array.length);
        tell(() -> listener.onMessage(guarded, bytes));
    }

    @Override
    public void onClosing(WebSocket webSocket, int code, String reason) {
        SegmentPool.wipe(); // the opening request went out on this thread
        tell(() -> listener.onClosing(guarded, code, reason));
    }

    @Override
    public void onClosed(WebSocket webSocket, int code, String reason) {
        SegmentPool.wipe(); // the opening request went out on this thread
        exchange.close();
        // a message that was refused cuts, also once both sides were closing
        exchange.recordEnd(received, hop.cut() == null);
        tell(() -> listener.onClosed(guarded, code, reason));
    }

    @Override
    public void onFailure(WebSocket webSocket, Throwable failure, @Nullable Response response) {
        SegmentPool.wipe(); // the opening request went out on this thread
        Throwable told = explained(failure);
        exchange.close();
        if (hop.cut() != null) {
            record.cut(hop.asked(), hop.cut(), received);
        } else if (told instanceof EgressDeniedException denial) {
            record.denied(hop.asked(), denial.decision());
        } else {
            record.brokeOff(told, received);
        }
        listener.onFailure(
                guarded,
                told,
                response == null
                        ? null
                        : HandedResponse.of(response, guarded.request()).build());
    }

    private void tell(Runnable callback) {
        try {
            callback.run();
        } catch (Throwable t) {
            thrownByListener = t;
            if (t instanceof Error) { // OkHttp tells nobody of it
                exchange.close();
                record.brokeOff(t, received);
                guarded.cancel();
            }
            throw t;
        }
    }

    private Throwable explained(Throwable failure) {
        if (!(failure instanceof IOException broken)) {
            return failure;
        }
        return exchange.explained(failure == thrownByListener ? CallersFailure.of(broken, null) : broken);
    }
}
