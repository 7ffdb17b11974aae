package dev.secureruntime.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds the records of failed requests that a client library is about to repeat, so that one logical call leaves one
 * record.
 *
 * <p>What holds: a held record is written when the time that the library may wait is over, when too many are held, and
 * when the runtime closes. What does not: a process that is killed in between loses it. Only failures are held; a refusal
 * is written at once.
 *
 * <p>Thread-safe.
 */
public final class RetryLedger {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");
    private static final int MAX_HELD = 1_024;

    private final ScheduledExecutorService timer;
    private final Map<Key, CallRecord> held = new LinkedHashMap<>();
    private boolean flushed;

    RetryLedger(ScheduledExecutorService timer) {
        this.timer = timer;
    }

    /**
     * Names one try of a logical call.
     *
     * @param call what tells this call from others: a hash over method, URL and body
     * @param attempt which try, from 0
     */
    public record Key(String call, int attempt) {

        /** The try before this one. */
        public Key previous() {
            return new Key(call, attempt - 1);
        }
    }

    /** Holds a record until the next try takes it over. */
    void hold(Key key, CallRecord record, Duration atMost) {
        CallRecord displaced;
        CallRecord oldest = null;
        synchronized (held) {
            displaced = flushed ? record : held.remove(key);
            if (!flushed) {
                held.put(key, record);
            }
            if (held.size() > MAX_HELD) {
                oldest = held.remove(held.keySet().iterator().next());
            }
        }
        settle(displaced);
        settle(oldest);
        try {
            timer.schedule(() -> expire(key, record), atMost.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // The runtime is closing: nobody would come back for the record.
            expire(key, record);
        }
    }

    /** Takes over the record of an earlier try. */
    Optional<CallRecord> take(Key key) {
        synchronized (held) {
            return Optional.ofNullable(held.remove(key));
        }
    }

    private void expire(Key key, CallRecord record) {
        boolean mine;
        synchronized (held) {
            mine = held.remove(key, record);
        }
        if (mine) {
            settle(record);
        }
    }

    /** Writes all that is held; from now on nothing is held any more. */
    void flush() {
        List<CallRecord> all;
        synchronized (held) {
            flushed = true;
            all = new ArrayList<>(held.values());
            held.clear();
        }
        all.forEach(RetryLedger::settle);
    }

    private static void settle(@Nullable CallRecord record) {
        if (record == null) {
            return;
        }
        try {
            record.settle();
        } catch (RuntimeException e) {
            // On a timer's thread nobody else would hear of it; the log is poisoned and refuses further calls.
            LOG.error("the record of a failed call could not be written", e);
        }
    }
}
