package dev.secureruntime.core.audit;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;

/**
 * Takes steps on files to their end on a thread that may be interrupted: an interrupt closes the channel that is in use, and
 * callers whose work was cancelled append their records all the same. The interrupt is passed on afterwards.
 */
final class Uninterrupted {

    private Uninterrupted() {}

    /** Something to do, which can be done again from the start. */
    @FunctionalInterface
    interface Step<T> {
        T take() throws IOException;
    }

    static <T> T take(Step<T> step) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try {
                    return step.take();
                } catch (ClosedByInterruptException e) {
                    interrupted = true;
                    Thread.interrupted();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
