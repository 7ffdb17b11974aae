package dev.secureruntime.core.audit;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How long anchoring takes at most, all following from the time between two anchorings.
 *
 * @param everyNanos between two anchorings
 * @param callNanos for one call of an anchor: as long, from 1 to 30 s
 * @param closeNanos that closing the log waits for its anchors: as a call, at most 10 s
 * @param firstRetryNanos after the first failure: as long, at most 1 s
 * @param longestRetryNanos after many failures: 16 times as long, at most 5 min
 */
record AnchorTimes(long everyNanos, long callNanos, long closeNanos, long firstRetryNanos, long longestRetryNanos) {

    static AnchorTimes of(Duration interval) {
        Duration longest = Duration.ofDays(365);
        long every = (interval.compareTo(longest) > 0 ? longest : interval).toNanos();
        long call = Math.max(TimeUnit.SECONDS.toNanos(1), Math.min(every, TimeUnit.SECONDS.toNanos(30)));
        long first = Math.min(every, TimeUnit.SECONDS.toNanos(1));
        return new AnchorTimes(
                every,
                call,
                Math.min(call, TimeUnit.SECONDS.toNanos(10)),
                first,
                Math.max(
                        first,
                        Math.min(16 * Math.min(every, TimeUnit.MINUTES.toNanos(1)), TimeUnit.MINUTES.toNanos(5))));
    }
}
