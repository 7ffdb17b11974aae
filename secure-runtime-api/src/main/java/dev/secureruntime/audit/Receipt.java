package dev.secureruntime.audit;

import java.util.concurrent.CompletionStage;

/**
 * What {@link AuditLog#append} gives back at once: the record's place, and a way to wait for how firmly it stands.
 *
 * <p>Thread-safe.
 */
public interface Receipt {

    /** How firmly a record stands, each including the ones before. */
    enum Stage {
        /** It has its place in the log's order. */
        ACCEPTED,
        /** Its bytes were forced to the storage device (fsync). */
        DURABLE,
        /** A signed checkpoint covers it. */
        SEALED,
        /**
         * A checkpoint that covers it was taken by every anchor of the log ({@link AuditSettings#anchor}). Asking for it makes
         * the log seal and anchor soon. An anchor that can't be reached delays it; closing the log ends the wait.
         */
        ANCHORED
    }

    /** The record's index, from 0. */
    long index();

    /**
     * Completes when the record has reached {@code stage}; fails with {@link dev.secureruntime.error.SecureRuntimeException}
     * ({@code SR-AUDIT-002}) when it can't. {@link Stage#ANCHORED} fails with {@code SR-ANCHOR-001} when the log has no anchor,
     * {@code SR-ANCHOR-002} when the log was closed before, {@code SR-ANCHOR-003} when an anchor contradicts the log.
     */
    CompletionStage<Receipt> reached(Stage stage);
}
