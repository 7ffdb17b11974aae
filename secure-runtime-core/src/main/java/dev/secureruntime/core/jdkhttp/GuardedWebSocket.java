package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.EOFException;
import java.io.IOException;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A WebSocket as a caller gets it: the JDK's own leads to its client. Recorded once, at its end, with a commitment to the
 * messages received. A listener is called from one thread at a time, of a cut too. Thread-safe.
 */
final class GuardedWebSocket implements WebSocket {

    /** Longer than the longest secret that is looked for, in its longest form. */
    private static final int REACH = 64 * 1024;

    /** The connection ended without a word (RFC 6455, section 7.4.1). */
    private static final int ABNORMAL = 1006;

    private final CallRecord record;
    private final Executor threads;
    private final Commitment.Digest received;
    private final CompletableFuture<WebSocket> real = new CompletableFuture<>();
    private volatile @Nullable LiveExchange exchange;
    private volatile @Nullable Generation generation;
    private byte[] earlier = new byte[0];
    private volatile @Nullable Listening listening;

    GuardedWebSocket(CallRecord record, Executor threads) {
        this.record = record;
        this.threads = threads;
        this.received = record.digest("http.response.body");
    }

    void runsFor(LiveExchange begun, Generation opened, Listener callers) {
        exchange = begun;
        generation = opened;
        listening = new Listening(callers);
    }

    Listener listener() {
        Listening known = listening;
        if (known == null) {
            throw new IllegalStateException("a socket has a listener when it is opened");
        }
        return known;
    }

    void runsOn(WebSocket opened) {
        real.complete(opened);
        LiveExchange begun = exchange;
        if (begun != null && begun.cut() != null) {
            opened.abort();
        }
    }

    /** Ends it because of a policy that came into force, or for the runtime's end. */
    void cut() {
        real.thenAccept(WebSocket::abort);
        Listening told = listening;
        if (told != null && real.isDone()) {
            try {
                threads.execute(told::cut);
            } catch (RejectedExecutionException e) {
                told.end(new IOException("the runtime was closed")); // and the listener is not called any more
            }
        }
    }

    private WebSocket opened() {
        WebSocket known = real.getNow(null);
        if (known == null) {
            throw new IllegalStateException("the WebSocket is not open");
        }
        return known;
    }

    /** Sends when no secret is in what is looked at. A secret ends the WebSocket. */
    private CompletableFuture<WebSocket> sending(
            byte[] lookedAt, Function<WebSocket, CompletableFuture<WebSocket>> send) {
        WebSocket socket = opened();
        LiveExchange begun = exchange;
        if (begun != null) {
            try {
                begun.hop().outgoing().message(lookedAt);
            } catch (EgressDeniedException e) {
                begun.hop().cut(e.decision());
                cut();
                return CompletableFuture.failedFuture(e);
            }
        }
        return send.apply(socket).thenApply(done -> this);
    }

    /** The message that the part belongs to, as far back as a secret could reach: parts are looked at together. */
    private synchronized byte[] message(byte[] part, boolean last) {
        byte[] whole = Arrays.copyOf(earlier, earlier.length + part.length);
        System.arraycopy(part, 0, whole, earlier.length, part.length);
        earlier = last ? new byte[0] : Arrays.copyOfRange(whole, Math.max(0, whole.length - REACH), whole.length);
        return whole;
    }

    private static byte[] bytes(ByteBuffer data) {
        byte[] copy = new byte[data.remaining()];
        data.get(copy);
        return copy;
    }

    @Override
    public CompletableFuture<WebSocket> sendText(CharSequence data, boolean last) {
        String text = data.toString();
        return sending(message(text.getBytes(StandardCharsets.UTF_8), last), socket -> socket.sendText(text, last));
    }

    @Override
    public CompletableFuture<WebSocket> sendBinary(ByteBuffer data, boolean last) {
        byte[] part = bytes(data);
        return sending(message(part, last), socket -> socket.sendBinary(ByteBuffer.wrap(part), last));
    }

    @Override
    public CompletableFuture<WebSocket> sendPing(ByteBuffer message) {
        byte[] part = bytes(message);
        return sending(part, socket -> socket.sendPing(ByteBuffer.wrap(part)));
    }

    @Override
    public CompletableFuture<WebSocket> sendPong(ByteBuffer message) {
        byte[] part = bytes(message);
        return sending(part, socket -> socket.sendPong(ByteBuffer.wrap(part)));
    }

    @Override
    public CompletableFuture<WebSocket> sendClose(int statusCode, String reason) {
        return sending(reason.getBytes(StandardCharsets.UTF_8), socket -> socket.sendClose(statusCode, reason));
    }

    @Override
    public void request(long n) {
        opened().request(n);
    }

    @Override
    public String getSubprotocol() {
        return opened().getSubprotocol();
    }

    @Override
    public boolean isOutputClosed() {
        return opened().isOutputClosed();
    }

    @Override
    public boolean isInputClosed() {
        return opened().isInputClosed();
    }

    @Override
    public void abort() {
        real.thenAccept(WebSocket::abort);
        Listening told = listening;
        if (told != null) {
            told.end(new IOException("the WebSocket was aborted"));
        }
    }

    @Override
    public String toString() {
        return "guarded WebSocket";
    }

    /** Stands between the JDK's WebSocket and the caller's listener. */
    private final class Listening implements Listener {

        private final Listener callers;
        private boolean ended;
        private boolean over;

        Listening(Listener callers) {
            this.callers = callers;
        }

        @Override
        public void onOpen(WebSocket webSocket) {
            runsOn(webSocket);
            record.responded(101, "websocket");
            LiveExchange begun = exchange;
            synchronized (this) {
                over = begun != null && begun.cut() != null;
                if (!over) { // else it was cut while it was opened, and who opens it is told
                    callers.onOpen(GuardedWebSocket.this);
                }
            }
        }

        @Override
        public synchronized @Nullable CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
            if (over) {
                return null;
            }
            String text = data.toString();
            see(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            return callers.onText(GuardedWebSocket.this, text, last);
        }

        @Override
        public synchronized @Nullable CompletionStage<?> onBinary(WebSocket webSocket, ByteBuffer data, boolean last) {
            if (over) {
                return null;
            }
            see(data.duplicate());
            return callers.onBinary(GuardedWebSocket.this, data.slice(), last);
        }

        private void see(ByteBuffer data) {
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            received.update(bytes, 0, bytes.length);
        }

        @Override
        public synchronized @Nullable CompletionStage<?> onPing(WebSocket webSocket, ByteBuffer message) {
            return over ? null : callers.onPing(GuardedWebSocket.this, message.slice());
        }

        @Override
        public synchronized @Nullable CompletionStage<?> onPong(WebSocket webSocket, ByteBuffer message) {
            return over ? null : callers.onPong(GuardedWebSocket.this, message.slice());
        }

        @Override
        public synchronized @Nullable CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
            if (over) {
                return null;
            }
            over = true;
            Throwable cut = end(statusCode == ABNORMAL ? new EOFException("the connection ended") : null);
            if (cut instanceof EgressDeniedException) {
                callers.onError(
                        GuardedWebSocket.this, cut); // the JDK takes a connection that was cut for one that closed
                return null;
            }
            return callers.onClose(GuardedWebSocket.this, statusCode, reason);
        }

        @Override
        public synchronized void onError(WebSocket webSocket, Throwable failure) {
            if (over) {
                return;
            }
            over = true;
            callers.onError(GuardedWebSocket.this, end(failure));
        }

        synchronized void cut() {
            onError(GuardedWebSocket.this, new IOException("the WebSocket was cut"));
        }

        /** Writes the record, once; what the listener is told is the policy's word, where there is one. */
        Throwable end(@Nullable Throwable failure) {
            LiveExchange begun = exchange;
            Throwable told = failure == null ? new IOException("the WebSocket is closed") : failure;
            if (begun == null) {
                return told;
            }
            if (told instanceof IOException broken) {
                told = failure == null
                        ? begun.explained(broken)
                        : GuardedSend.explained(broken, begun, generation); // what a listener throws is none of ours
            }
            Denied cut = begun.cut();
            if (first()) {
                begun.close();
                if (cut != null) {
                    record.cut(begun.hop().outgoing().shown(), cut, received);
                } else if (failure == null) {
                    record.ended(received, true);
                } else {
                    record.brokeOff(told, received);
                }
            }
            return cut == null
                    ? told
                    : new EgressDeniedException(begun.hop().outgoing().shown(), cut);
        }

        private boolean first() {
            synchronized (received) {
                boolean was = ended;
                ended = true;
                return !was;
            }
        }
    }
}
