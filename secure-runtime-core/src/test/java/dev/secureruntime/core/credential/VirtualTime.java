package dev.secureruntime.core.credential;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;

/** A ticker and a wall clock that tests move: together as time passes, or the wall clock alone as somebody sets it. */
final class VirtualTime implements Ticker {

    // Near the end of its range, so that the readings overflow within every test.
    private final AtomicLong nanos =
            new AtomicLong(Long.MAX_VALUE - Duration.ofSeconds(5).toNanos());
    private final AtomicLong wall = new AtomicLong(Duration.ofDays(20_000).toNanos());

    @Override
    public long read() {
        return nanos.get();
    }

    Clock clock() {
        return new Clock() {
            @Override
            public Instant instant() {
                return now();
            }

            @Override
            public Clock withZone(java.time.ZoneId zone) {
                return this;
            }

            @Override
            public java.time.ZoneId getZone() {
                return ZoneOffset.UTC;
            }
        };
    }

    Instant now() {
        return Instant.EPOCH.plusNanos(wall.get());
    }

    void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
        wall.addAndGet(time.toNanos());
    }

    void setWallClock(Duration jump) {
        wall.addAndGet(jump.toNanos());
    }
}
