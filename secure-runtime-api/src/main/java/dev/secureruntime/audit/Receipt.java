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
        SEALED
    }

    /** The record's index, from 0. */
    long index();

    /**
     * Completes when the record has reached {@code stage}; fails with {@link dev.secureruntime.error.SecureRuntimeException}
     * ({@code SR-AUDIT-002}) when it can't.
     */
    CompletionStage<Receipt> reached(Stage stage);
}
