package dev.secureruntime.core;

import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.core.credential.Ticker;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;

/** A wall clock that a test sets, and elapsed time that it lets pass: two things, as on a real machine. */
public final class VirtualTime extends Clock {

    public static final Instant START = Instant.parse("2026-11-24T12:00:00Z");

    private final AtomicLong elapsed = new AtomicLong();
    private volatile Instant wall = START;

    /** Starts a runtime under this time. */
    public SecureRuntime start(RuntimeSettings settings) {
        return CoreRuntime.wire(settings, this, ticker());
    }

    /** Does what the runtime's timer does when a break-glass grant begins or ends. */
    public void review(SecureRuntime runtime) {
        ((CoreRuntime) runtime).reviewGrants();
    }

    public Ticker ticker() {
        return elapsed::get;
    }

    /** Lets time pass, for both. */
    public void pass(Duration time) {
        passUnnoticedByTheClock(time);
        set(wall.plus(time));
    }

    /** Lets time pass that the wall clock does not show. */
    public void passUnnoticedByTheClock(Duration time) {
        elapsed.addAndGet(time.toNanos());
    }

    /** Sets the wall clock. */
    public void set(Instant now) {
        wall = now;
    }

    @Override
    public Instant instant() {
        return wall;
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        return this;
    }
}
