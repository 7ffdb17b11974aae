package dev.secureruntime.audit;

import java.util.List;

/**
 * An append-only log in which every record carries the hash of the one before, and signed checkpoints cover them all.
 *
 * <p>What holds: whoever changes, removes, inserts or reorders a record below a checkpoint is found out by anyone who has
 * the log's public keys. What does not: records above the newest checkpoint are chained, not yet signed; a log that is
 * deleted as a whole, or cut back to an older checkpoint, is found out only by someone who kept a newer one.
 *
 * <p>Thread-safe. When the log can't be written, {@code append} throws and goes on throwing until a new log is opened.
 */
public interface AuditLog {

    /**
     * Appends a record.
     *
     * @throws dev.secureruntime.error.SecureRuntimeException {@code SR-AUDIT-003} when the event breaks the format's rules
     *     (nothing of it is written then), {@code SR-AUDIT-002} when the log can't be written
     */
    Receipt append(AuditEvent event);

    /**
     * Makes what the content store holds of {@code subject} unreadable for ever, and appends a {@code content.erased} record
     * that names the subject by a keyed digest. Returns when the key is overwritten and the record is durable.
     *
     * @throws IllegalArgumentException when the subject has not 1 to 1,024 characters, or an unpaired surrogate
     * @throws dev.secureruntime.error.SecureRuntimeException {@code SR-AUDIT-002} when key or log can't be written; {@code
     *     SR-RUNTIME-001} when the log keeps no content
     */
    Receipt erase(String subject);

    /** Signs a checkpoint over every record appended so far; returns when it is durable. */
    void checkpoint();

    /**
     * The verifier keys that an auditor pins, from the start of the log: the log key, the first epoch key, and the
     * ML-DSA key of a log that has one, in C2SP signed-note form. Take them to a place that a thief of the log directory can't reach.
     */
    List<String> verifierKeys();
}
