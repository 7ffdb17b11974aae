package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.egress.GrantRules;
import dev.secureruntime.policy.BreakGlass;
import java.time.Instant;

/**
 * A break-glass grant as the runtime holds it. It ends by the wall clock or at a moment of elapsed time that was fixed when the
 * grant was first seen, whichever comes first, and what has ended stays so. Thread-safe.
 */
final class ActiveGrant {

    private final BreakGlass grant;
    private final String id;
    private final Origin origin;
    private final GrantRules rules;
    private final long deadline;
    private volatile boolean over;
    private volatile boolean closed;

    /** Where a grant came from. */
    enum Origin {
        POLICY,
        CODE
    }

    ActiveGrant(BreakGlass grant, String id, Origin origin, long deadline) {
        this.grant = grant;
        this.id = id;
        this.origin = origin;
        this.rules = GrantRules.compile(grant, id);
        this.deadline = deadline;
    }

    /** Whether it opens something now. */
    boolean isOpen(Instant now, long tick) {
        if (deadline - tick <= 0 || !now.isBefore(grant.until())) {
            over = true;
        }
        return !over && grant.isOpenAt(now);
    }

    /** Ends it early. */
    void end() {
        closed = true;
        over = true;
    }

    /** Why it opens nothing any more, or nothing of this policy's. */
    String end(Instant now, long tick) {
        return closed ? "closed" : isOpen(now, tick) ? "withdrawn" : "over";
    }

    boolean isOver() {
        return over;
    }

    BreakGlass grant() {
        return grant;
    }

    String id() {
        return id;
    }

    GrantRules rules() {
        return rules;
    }

    Origin origin() {
        return origin;
    }

    /** A record of the grant, of its use or of its end. */
    AuditEvent.Builder event(String action) {
        return AuditEvent.of("egress.break_glass")
                .component(grant.component())
                .attribute("secure_runtime.action", action)
                .attribute("secure_runtime.break_glass", id)
                .attribute("secure_runtime.break_glass.person", grant.person())
                .attribute("secure_runtime.break_glass.reason", grant.reason())
                .attribute("secure_runtime.break_glass.target", grant.target())
                .attribute("secure_runtime.break_glass.until", grant.until().toString());
    }
}
