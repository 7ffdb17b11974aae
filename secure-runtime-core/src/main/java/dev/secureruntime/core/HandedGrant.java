package dev.secureruntime.core;

import dev.secureruntime.BreakGlassGrant;
import java.time.Instant;

/** A grant as code holds it. Thread-safe. */
record HandedGrant(ActiveGrant grant, Runnable review) implements BreakGlassGrant {

    @Override
    public String id() {
        return grant.id();
    }

    @Override
    public Instant until() {
        return grant.grant().until();
    }

    @Override
    public void close() {
        grant.end();
        review.run();
    }
}
