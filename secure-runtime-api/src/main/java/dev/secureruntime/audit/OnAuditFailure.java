package dev.secureruntime.audit;

/** What happens to guarded calls when the audit log can't be written. */
public enum OnAuditFailure {
    /** They are refused ({@code SR-AUDIT-002}). */
    REFUSE,
    /**
     * They go on unrecorded. The choice stands in the log's {@code runtime.start} record, and each failure in the
     * developer's log.
     */
    PROCEED_UNRECORDED
}
