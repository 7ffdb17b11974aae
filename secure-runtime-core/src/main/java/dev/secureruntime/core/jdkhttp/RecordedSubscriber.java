package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.http.BodyWatch;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A response's body that is committed to and observed as the caller's subscriber takes it, never faster than that asks for
 * it, and that completes the call's record at its end. The subscriber gets bytes, and windows on them that can't be widened.
 */
final class RecordedSubscriber<T> implements BodySubscriber<Outcome<T>>, Subscription {

    private final BodySubscriber<T> callers;
    private final boolean empty;
    private final CallRecord record;
    private final LiveExchange exchange;
    private final UnaryOperator<IOException> explained;
    private final BodyWatch watch;
    private final CompletableFuture<Outcome<T>> body = new CompletableFuture<>();
    /** Above zero while the subscriber is being told something: it is told one thing at a time, of a cut too. */
    private final AtomicInteger telling = new AtomicInteger();

    private final AtomicBoolean endTold = new AtomicBoolean();
    private volatile boolean cutting;
    private volatile @Nullable Subscription connection;
    private boolean ended;

    /**
     * A body that is about to begin.
     *
     * @param empty by method or status there is nothing to read (RFC 9110, 6.4.1)
     * @param explained what a failure of the connection really was
     */
    RecordedSubscriber(
            BodySubscriber<T> callers,
            boolean empty,
            CallRecord record,
            BodyWatch watch,
            LiveExchange exchange,
            UnaryOperator<IOException> explained) {
        this.callers = callers;
        this.empty = empty;
        this.record = record;
        this.watch = watch;
        this.exchange = exchange;
        this.explained = explained;
    }

    @Override
    public CompletionStage<Outcome<T>> getBody() {
        callers.getBody().whenComplete((value, failure) -> {
            if (failure != null) {
                body.completeExceptionally(failure);
            } else {
                body.complete(new Outcome.Body<>(value));
            }
        });
        return body;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        connection = subscription;
        if (cutting) {
            subscription.cancel();
        }
        telling.incrementAndGet(); // told even when it was cut before: a subscriber is subscribed before it is told
        // more
        try {
            callers.onSubscribe(this);
        } finally {
            told();
        }
    }

    @Override
    public void request(long n) {
        Subscription asked = connection;
        if (asked != null) {
            asked.request(n);
        }
    }

    @Override
    public void cancel() {
        Subscription asked = connection;
        if (asked != null) {
            asked.cancel();
        }
        SecureRuntimeException unrecorded = end(false);
        if (unrecorded != null) {
            throw unrecorded;
        }
    }

    @Override
    public void onNext(List<ByteBuffer> parts) {
        tell(() -> {
            List<ByteBuffer> shown = new ArrayList<>(parts.size());
            for (ByteBuffer part : parts) {
                watch(part.duplicate());
                shown.add(part.slice().asReadOnlyBuffer());
            }
            callers.onNext(shown);
        });
    }

    private void watch(ByteBuffer part) {
        byte[] chunk = new byte[Math.min(part.remaining(), 16 * 1024)];
        while (part.hasRemaining()) {
            int length = Math.min(part.remaining(), chunk.length);
            part.get(chunk, 0, length);
            watch.write(chunk, 0, length);
        }
    }

    @Override
    public void onError(Throwable failure) {
        tell(() -> tellFailure(failure));
    }

    @Override
    public void onComplete() {
        tell(() -> {
            if (exchange.cut() != null) {
                tellFailure(new IOException("the call was cut"));
                return;
            }
            SecureRuntimeException unrecorded = end(true);
            if (!endTold.compareAndSet(false, true)) {
                return;
            }
            if (unrecorded == null) {
                callers.onComplete();
            } else {
                // An answer whose record can't be kept is not given out as if nothing had happened.
                callers.onError(new IOException(unrecorded.getMessage(), unrecorded));
            }
        });
    }

    /** Ends it because of a policy that came into force; whoever is telling the subscriber something says so afterwards. */
    void cut() {
        cutting = true;
        Subscription asked = connection;
        if (asked != null) {
            asked.cancel();
            if (telling.get() == 0) {
                tellCut();
            }
        }
    }

    private void tell(Runnable what) {
        telling.incrementAndGet();
        try {
            if (!cutting) {
                what.run();
            }
        } finally {
            told();
        }
    }

    private void told() {
        if (telling.decrementAndGet() == 0 && cutting) {
            tellCut();
        }
    }

    private void tellCut() {
        tellFailure(new IOException("the call was cut"));
    }

    /** A subscriber is told one end: a cut may come while or after it is told another. */
    private void tellFailure(Throwable failure) {
        if (endTold.compareAndSet(false, true)) {
            callers.onError(brokeOff(failure));
        }
    }

    private synchronized @Nullable SecureRuntimeException end(boolean readToEnd) {
        if (ended) {
            return null;
        }
        ended = true;
        exchange.close();
        try {
            exchange.recordEnd(watch.digest(), readToEnd || empty);
            return null;
        } catch (SecureRuntimeException e) {
            return e;
        }
    }

    private synchronized Throwable brokeOff(Throwable failure) {
        Throwable told = failure instanceof IOException broken ? explained.apply(broken) : failure;
        if (ended) {
            return told;
        }
        ended = true;
        exchange.close();
        try {
            Denied cut = exchange.cut();
            if (cut != null) {
                record.cut(exchange.hop().outgoing().shown(), cut, watch.digest());
                return new EgressDeniedException(exchange.hop().outgoing().shown(), cut);
            }
            record.brokeOff(told, watch.digest());
        } catch (SecureRuntimeException e) {
            told.addSuppressed(e);
        }
        return told;
    }
}
