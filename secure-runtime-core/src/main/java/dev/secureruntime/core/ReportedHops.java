package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The hops of a call that the policy refuses and report mode lets go, over all of its tries: each once, at most {@value #MAX},
 * and how many more there were. Not thread-safe.
 */
final class ReportedHops {

    static final int MAX = 16;

    private final Set<String> hops = new LinkedHashSet<>();
    private long leftOut;

    void add(EgressRequest hop, Denied denial) {
        add(hop.redirectedFrom().size() + " " + hop.target() + " "
                + denial.code().code() + " " + denial.reason().name().toLowerCase(Locale.ROOT));
    }

    /** Those of an earlier try. */
    void addAll(ReportedHops earlier) {
        earlier.hops.forEach(this::add);
        leftOut += earlier.leftOut;
    }

    private void add(String hop) {
        if (hops.size() < MAX) {
            hops.add(hop);
        } else if (!hops.contains(hop)) {
            leftOut++;
        }
    }

    void describe(AuditEvent.Builder event) {
        if (!hops.isEmpty()) {
            event.attribute("secure_runtime.would_be_hops", List.copyOf(hops));
        }
        if (leftOut > 0) {
            event.attribute("secure_runtime.would_be_hops_left_out", leftOut);
        }
    }
}
