package dev.secureruntime.core;

import dev.secureruntime.BreakGlassGrant;
import dev.secureruntime.policy.BreakGlass;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Begins and ends break-glass grants when their time comes. Who asks for a decision looks at the time by himself: a timer that is late
 * leaves connections open longer, and opens nothing. Thread-safe.
 */
final class GrantSchedule {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    private final PolicyInForce policies;
    private final ComponentClaims claims;
    private final EventLine events;
    private final ScheduledExecutorService timer;
    private @Nullable ScheduledFuture<?> next;

    GrantSchedule(PolicyInForce policies, ComponentClaims claims, EventLine events, ScheduledExecutorService timer) {
        this.policies = policies;
        this.claims = claims;
        this.events = events;
        this.timer = timer;
    }

    /** Puts a grant in force. Its handle does nothing once the runtime is closed, which ends all grants. */
    BreakGlassGrant grant(BreakGlass given) {
        ActiveGrant grant = policies.grant(given, claims, events);
        schedule();
        return new HandedGrant(grant, () -> {
            if (!timer.isShutdown()) {
                policies.review(claims, events);
            }
        });
    }

    /** Does what is due. */
    void review() {
        try {
            policies.review(claims, events);
        } catch (RuntimeException e) {
            // On the timer nobody else would hear of it. What should have ended opens nothing; what should begin waits.
            LOG.error("break-glass grants could not be reviewed", e);
        }
        schedule();
    }

    /** Looks again when the next grant begins or ends, and every minute until then: a wall clock may be set. */
    synchronized void schedule() {
        if (next != null) {
            next.cancel(false);
        }
        Optional<Duration> pause = policies.untilNextReview();
        if (pause.isPresent()) {
            long millis = Math.min(Math.max(pause.get().toMillis() + 1, 1), LONGEST_PAUSE.toMillis());
            try {
                next = timer.schedule(this::review, millis, TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException e) {
                // The runtime is closing: nothing is let go any more.
            }
        }
    }
}
