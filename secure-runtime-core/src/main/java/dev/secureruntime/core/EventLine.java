package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place that every decision and every event passes. Whatever else wants to see them - metrics, detection - reads
 * here; nobody calls the log on its own.
 *
 * <p>Thread-safe.
 */
final class EventLine {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final @Nullable HashChainedAuditLog audit;
    private final OnAuditFailure onFailure;
    private final SecretWatch watch;

    /** A line into {@code audit}; without one nothing is recorded, which only a runtime that was told to go on may do. */
    EventLine(@Nullable HashChainedAuditLog audit, OnAuditFailure onFailure, SecretWatch watch) {
        this.audit = audit;
        this.onFailure = onFailure;
        this.watch = watch;
    }

    /**
     * Records an event of the runtime's own. A registered secret in it - in a host's name, a model's, a rule - is replaced
     * by a marker: what happened must be recorded all the same.
     *
     * @return where it stands; empty when it could not be recorded and the runtime was told to go on then
     * @throws SecureRuntimeException when it could not be recorded and the runtime was not told to go on
     */
    Optional<Receipt> publish(AuditEvent event) {
        try {
            return offer(event);
        } catch (SecureRuntimeException e) {
            AuditEvent redacted = e.code() == ErrorCode.AUDIT_RECORD_REJECTED ? watch.redacted(event) : event;
            if (redacted == event) {
                throw e;
            }
            return offer(redacted);
        }
    }

    /**
     * Records an event that application code made: one with a registered secret in it is refused.
     *
     * @return where it stands; empty when it could not be recorded and the runtime was told to go on then
     * @throws SecureRuntimeException {@code SR-AUDIT-003} when the event is refused, {@code SR-AUDIT-002} when it could not be
     *     recorded and the runtime was not told to go on
     */
    Optional<Receipt> offer(AuditEvent event) {
        if (audit == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(audit.append(event));
        } catch (SecureRuntimeException e) {
            if (onFailure == OnAuditFailure.REFUSE || e.code() == ErrorCode.AUDIT_RECORD_REJECTED) {
                throw e;
            }
            LOG.error("{} was not recorded; going on unrecorded, as the runtime was told to", event.type(), e);
            return Optional.empty();
        }
    }

    /** Whether a call may start: throws when it could not be recorded and the runtime was not told to go on then. */
    void requireWritable() {
        if (audit != null && onFailure == OnAuditFailure.REFUSE) {
            audit.requireWritable();
        }
    }
}
