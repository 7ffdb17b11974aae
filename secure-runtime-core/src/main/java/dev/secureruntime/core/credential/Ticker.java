package dev.secureruntime.core.credential;

/**
 * Elapsed time, which no change of the wall clock touches. Only differences between two readings mean anything.
 * Implementations must be thread-safe.
 */
@FunctionalInterface
public interface Ticker {

    /** {@link System#nanoTime}. On most systems it stands still while the machine is suspended. */
    Ticker SYSTEM = System::nanoTime;

    /** Nanoseconds since an arbitrary moment. */
    long read();
}
