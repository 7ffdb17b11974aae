package dev.secureruntime.egress;

import dev.secureruntime.error.ErrorCode;
import java.io.IOException;

/**
 * A request was refused before any byte of it left; or, where the decision's layer is {@link
 * EgressDecision.Layer#UNDER_WAY}, it was cut while it was under way.
 *
 * <p>The message names the code and the target only. The reason and the remedy are in {@link #decision()} and in the
 * developer's log: an exception's message may end up in text that a model reads, and must not teach it the policy.
 */
public final class EgressDeniedException extends IOException {

    private static final long serialVersionUID = 1L;

    private final transient EgressRequest request;
    private final transient EgressDecision.Denied decision;
    private final ErrorCode code;

    /** A refusal of {@code request}. */
    public EgressDeniedException(EgressRequest request, EgressDecision.Denied decision) {
        super(decision.code() + " Egress denied: " + request.target());
        this.request = request;
        this.decision = decision;
        this.code = decision.code();
    }

    /** The stable code. */
    public ErrorCode code() {
        return code;
    }

    /** What was asked; not kept by serialization. */
    public EgressRequest request() {
        return request;
    }

    /** The decision with its reason and remedy; not kept by serialization. */
    public EgressDecision.Denied decision() {
        return decision;
    }
}
