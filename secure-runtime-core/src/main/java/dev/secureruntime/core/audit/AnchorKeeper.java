package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Anchor;
import dev.secureruntime.audit.AnchorConflictException;
import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Gives one anchor the newest checkpoint whenever it is due, on threads of its own: one that decides, and one per call, so
 * that a call that hangs is given up in bounded time. Never two calls of one anchor at once: one that doesn't end although it
 * was interrupted holds up this anchor only.
 *
 * <p>The fields are guarded by the lock of {@link Anchoring}.
 */
final class AnchorKeeper implements Runnable {

    /** How the anchor answered last. */
    enum State {
        NEW,
        REACHED,
        UNREACHABLE,
        CONFLICT
    }

    final String name;
    long taken;
    long dueAt;
    long retryAt;
    int failures;
    int attempts;
    State state = State.NEW;

    private final Anchor anchor;
    private final Anchoring anchoring;
    private final Executor calls;
    private final AnchorTimes times;
    private final Semaphore idle = new Semaphore(1);
    private volatile @Nullable FutureTask<StoredEvidence> current;

    AnchorKeeper(String name, Anchor anchor, Anchoring anchoring, Executor calls, AnchorTimes times) {
        this.name = name;
        this.anchor = anchor;
        this.anchoring = anchoring;
        this.calls = calls;
        this.times = times;
    }

    @Override
    public void run() {
        try {
            for (StoredCheckpoint due = anchoring.awaitDue(this); due != null; due = anchoring.awaitDue(this)) {
                offer(due);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts the keeper of an anchor", e);
        }
    }

    private void offer(StoredCheckpoint checkpoint) throws InterruptedException {
        try {
            anchoring.taken(this, checkpoint, call(checkpoint));
        } catch (IOException e) {
            anchoring.failed(this, e);
        }
    }

    /** One call in bounded time; the next can begin when this one's thread has left the anchor. */
    StoredEvidence call(StoredCheckpoint checkpoint) throws IOException, InterruptedException {
        if (!idle.tryAcquire(times.callNanos(), TimeUnit.NANOSECONDS)) {
            throw new IOException("the call before has not ended");
        }
        FutureTask<StoredEvidence> call = new FutureTask<>(() -> StoredEvidence.of(anchor.take(checkpoint)));
        current = call;
        begin(call);
        try {
            return call.get(times.callNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            call.cancel(true);
            throw new IOException("no answer within " + TimeUnit.NANOSECONDS.toMillis(times.callNanos()) + " ms", e);
        } catch (CancellationException e) {
            throw new IOException("the log is closed", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IOException("the anchor failed: " + e.getCause(), e.getCause());
        }
    }

    private void begin(FutureTask<StoredEvidence> call) throws IOException {
        try {
            calls.execute(() -> {
                // Around the task, not in it: one that is given up before its thread begins never runs.
                try {
                    call.run();
                } finally {
                    idle.release();
                }
            });
        } catch (RejectedExecutionException e) {
            idle.release();
            throw new IOException("the log is closed", e);
        } catch (OutOfMemoryError e) {
            // The process has no thread left: this anchor waits, and is asked again when there may be one.
            idle.release();
            throw new IOException("there is no thread for the call", e);
        }
    }

    /** Gives up the call that is under way. */
    void stop() {
        FutureTask<StoredEvidence> call = current;
        if (call != null) {
            call.cancel(true);
        }
    }

    /** When to ask again after a failure: twice as long each time, a random part of up to half of it less. */
    long backOff(IOException cause) {
        long most = cause instanceof AnchorConflictException
                ? times.longestRetryNanos()
                : Math.min(times.longestRetryNanos(), times.firstRetryNanos() << Math.min(failures, 20));
        return most - ThreadLocalRandom.current().nextLong(most / 2 + 1);
    }
}
