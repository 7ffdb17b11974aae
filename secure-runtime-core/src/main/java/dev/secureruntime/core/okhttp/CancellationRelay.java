package dev.secureruntime.core.okhttp;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import okhttp3.Call;

/**
 * Cancels our call when the caller's call is cancelled or times out. OkHttp tells an interceptor nothing of that, so this
 * looks, every {@value #PERIOD_MILLIS} ms while calls are under way. A call is under way until its answer's body is closed.
 *
 * <p>Thread-safe.
 */
final class CancellationRelay {

    private static final long PERIOD_MILLIS = 50;

    private final ScheduledExecutorService timer;
    private final Set<Watch> watches = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private volatile boolean ended;

    CancellationRelay(ScheduledExecutorService timer) {
        this.timer = timer;
    }

    /** A pair of calls under watch, until it is closed. */
    final class Watch implements AutoCloseable {

        private final Call callers;
        private final Call ours;

        private Watch(Call callers, Call ours) {
            this.callers = callers;
            this.ours = ours;
        }

        @Override
        public void close() {
            watches.remove(this);
        }
    }

    /** Watches from now on; where the caller's call was cancelled already, ours is cancelled before it sends anything. */
    Watch watch(Call callers, Call ours) {
        Watch watch = new Watch(callers, ours);
        watches.add(watch);
        if (ended) {
            ours.cancel();
        }
        passOn(watch);
        schedule();
        return watch;
    }

    /** Cancels all that is under way, and all that comes. */
    void cancelAll() {
        ended = true;
        watches.forEach(watch -> watch.ours.cancel());
    }

    private void schedule() {
        if (!scheduled.compareAndSet(false, true)) {
            return;
        }
        try {
            timer.schedule(this::look, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // The runtime is closing, and cancels what is under way itself.
            scheduled.set(false);
        }
    }

    private void look() {
        try {
            watches.removeIf(CancellationRelay::passOn);
        } finally {
            scheduled.set(false);
            if (!watches.isEmpty()) {
                schedule();
            }
        }
    }

    /** Cancels ours where the caller's was cancelled; whether it was. */
    private static boolean passOn(Watch watch) {
        boolean cancelled;
        try {
            cancelled = watch.callers.isCanceled();
        } catch (RuntimeException e) {
            cancelled = true; // a caller's own kind of call, which doesn't answer: ended rather than watched for ever
        }
        if (cancelled) {
            watch.ours.cancel();
        }
        return cancelled;
    }
}
