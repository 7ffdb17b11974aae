package dev.secureruntime.core.credential;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/**
 * When a credential is renewed, when it is served no more, and how long a failing issuer is left alone. All of it is in
 * proportion to the credential's lifetime, so that 30 seconds work as well as 12 hours.
 *
 * <pre>
 * 0%                              70%     80%              95%, at most 60 s before the end
 * issued ......................... | renew | .............. | ends for us | end
 *                                   at random, so that replicas don't all ask at once
 * </pre>
 *
 * <p>Pure but for its jitter. Units are nanoseconds.
 */
final class RefreshSchedule {

    /** A credential that is left with less than this is of no use; it also bounds how often an issuer is asked. */
    static final long LEAST_LIFETIME = TimeUnit.SECONDS.toNanos(1);

    private static final long LONGEST_LIFETIME = TimeUnit.DAYS.toNanos(365);
    private static final long LONGEST_MARGIN = TimeUnit.SECONDS.toNanos(60);
    private static final long FIRST_BACK_OFF = TimeUnit.SECONDS.toNanos(1);
    private static final long LONGEST_BACK_OFF = TimeUnit.SECONDS.toNanos(30);
    private static final long LEAST_BACK_OFF_CAP = TimeUnit.MILLISECONDS.toNanos(100);

    private final DoubleSupplier jitter;

    /** A schedule whose jitter comes from {@code jitter}: evenly spread, 0 inclusive to 1 exclusive. */
    RefreshSchedule(DoubleSupplier jitter) {
        this.jitter = jitter;
    }

    /** A lifetime in nanoseconds, cut to what can be calculated with. */
    static long nanos(Duration lifetime) {
        if (lifetime.compareTo(Duration.ofNanos(LONGEST_LIFETIME)) > 0) {
            return LONGEST_LIFETIME;
        }
        return lifetime.isNegative() ? 0 : lifetime.toNanos();
    }

    /** How long after issuance the next one is asked for. */
    long refreshAfter(long lifetime) {
        return (long) (lifetime * (0.70 + 0.10 * jitter.getAsDouble()));
    }

    /** How long after issuance the credential is handed out at most: its lifetime less a margin for skewed clocks. */
    long usableFor(long lifetime) {
        return lifetime - Math.min(lifetime / 20, LONGEST_MARGIN);
    }

    /**
     * How long the issuer is left alone after failing.
     *
     * @param failures how many times in a row it has failed, at least 1
     * @param lifetime the lifetime of what it issued last, which says how much haste there is
     */
    long backOff(int failures, long lifetime) {
        long doubled = FIRST_BACK_OFF << Math.min(failures - 1, 10);
        long cap = Math.min(LONGEST_BACK_OFF, Math.max(LEAST_BACK_OFF_CAP, lifetime / 10));
        return (long) (Math.min(doubled, cap) * (0.80 + 0.20 * jitter.getAsDouble()));
    }

    /** The lifetime to reckon with before anything was issued. */
    static long unknownLifetime() {
        return LONGEST_LIFETIME;
    }
}
