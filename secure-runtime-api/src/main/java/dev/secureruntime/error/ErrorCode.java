package dev.secureruntime.error;

/**
 * The stable codes that refusals and errors carry. A code never changes its meaning; {@code docs/errors.md} explains each
 * with its remedy.
 */
public enum ErrorCode {
    /** The policy file can't be read. */
    POLICY_UNREADABLE("SR-POLICY-001"),
    /** The policy file is not well-formed JSON or YAML. */
    POLICY_MALFORMED("SR-POLICY-002"),
    /** The policy has a member that is not known. */
    POLICY_UNKNOWN_MEMBER("SR-POLICY-003"),
    /** The policy has a member with a value that is not allowed there. */
    POLICY_INVALID_VALUE("SR-POLICY-004"),

    /** The policy doesn't let this component talk to this target. */
    EGRESS_DENIED("SR-EGRESS-001"),
    /** The name is allowed, the address that it resolves to is not. */
    EGRESS_ADDRESS_DENIED("SR-EGRESS-002"),
    /** The target is written in a form that parsers disagree on, or hides another target. */
    EGRESS_MALFORMED_TARGET("SR-EGRESS-003"),
    /** A redirect that would carry the request's body or weaken its transport. */
    EGRESS_REDIRECT_REFUSED("SR-EGRESS-004"),
    /** A guarded client was used in a way that would step around the guard. */
    EGRESS_GUARD_BYPASSED("SR-EGRESS-005"),
    /** A secret that the runtime knows would leave for where it doesn't belong. */
    EGRESS_SECRET_LEAVING("SR-EGRESS-006"),
    /** The component's byte budget for the target is used up. */
    EGRESS_BUDGET_SPENT("SR-EGRESS-007"),

    /** The component is not entitled to the secret. */
    SECRET_NOT_ENTITLED("SR-SECRET-001"),
    /** The secret can't be read from its source. */
    SECRET_UNAVAILABLE("SR-SECRET-002"),
    /** The secret is attached to requests by guarded HTTP and never handed out. */
    SECRET_ATTACH_ONLY("SR-SECRET-003"),

    /** No credential that is still valid can be had. */
    CREDENTIAL_UNAVAILABLE("SR-CREDENTIAL-001"),

    /** Another writer has the log directory open. */
    AUDIT_LOG_IN_USE("SR-AUDIT-001"),
    /** The log can't be written; guarded calls are refused. */
    AUDIT_UNWRITABLE("SR-AUDIT-002"),
    /** The record breaks a rule of the log's format. */
    AUDIT_RECORD_REJECTED("SR-AUDIT-003"),
    /** The log or its signer is not in a state that a writer may continue. */
    AUDIT_LOG_INCONSISTENT("SR-AUDIT-004"),

    /** What opens a commitment is not in the content store: it was erased, or never kept. */
    CONTENT_UNAVAILABLE("SR-CONTENT-001"),
    /** The content store can't be used: it is damaged, another log's, or open to others. */
    CONTENT_STORE_UNUSABLE("SR-CONTENT-002"),
    /** The log has no anchor, so no record of it is ever anchored. */
    ANCHOR_NONE("SR-ANCHOR-001"),
    /** The log was closed before every anchor had taken a checkpoint over the record. */
    ANCHOR_NOT_REACHED("SR-ANCHOR-002"),
    /** An anchor holds a checkpoint that the log contradicts: it was rolled back or forked. */
    ANCHOR_CONFLICT("SR-ANCHOR-003"),

    /** The policy has no such component. */
    COMPONENT_UNKNOWN("SR-COMPONENT-001"),
    /** The component was claimed by other code. */
    COMPONENT_CLAIMED("SR-COMPONENT-002"),

    /** The runtime is set up in a way that can't work. */
    RUNTIME_MISCONFIGURED("SR-RUNTIME-001"),
    /** The runtime was closed. */
    RUNTIME_CLOSED("SR-RUNTIME-002"),

    /** The command was called in a way that it doesn't understand. */
    COMMAND_USAGE("SR-COMMAND-001"),
    /** The command could not read or write a file, or failed in a way that has no code of its own. */
    COMMAND_FAILED("SR-COMMAND-002");

    private final String code;

    ErrorCode(String code) {
        this.code = code;
    }

    /** The code as it is printed, for example {@code SR-EGRESS-001}. */
    public String code() {
        return code;
    }

    @Override
    public String toString() {
        return code;
    }
}
