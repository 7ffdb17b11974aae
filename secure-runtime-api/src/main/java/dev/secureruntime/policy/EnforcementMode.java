package dev.secureruntime.policy;

/** What follows when a component's egress rules refuse a request. */
public enum EnforcementMode {
    /** It is refused. */
    ENFORCE,
    /**
     * It is recorded as one that would have been refused, and let go without credentials. Only the component's own rules are
     * reported: special addresses, malformed targets, and whatever the guard itself refuses stay refused.
     */
    REPORT
}
