package dev.secureruntime;

import java.time.Instant;

/**
 * A break-glass grant in force, as {@link SecureRuntime#breakGlass} gives it. Closing it ends it early: calls and connections that
 * only it allowed are cut. It ends by itself when its time is over, closed or not; it can't be prolonged. Thread-safe.
 */
public interface BreakGlassGrant extends AutoCloseable {

    /** The name that records of the grant, of each use and of its end carry. */
    String id();

    /** When it ends by itself. */
    Instant until();

    /** Ends it now. Idempotent; returns when what only it allowed has been cut. */
    @Override
    void close();
}
