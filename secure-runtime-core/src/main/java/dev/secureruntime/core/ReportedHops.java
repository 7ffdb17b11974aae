package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;

/**
 * The hops of a call that the policy refuses and report mode lets go, over all of its tries: each once, at most {@value #MAX},
 * and how many more there were, of {@value #MAX_TOLD_APART} in all. Not thread-safe.
 */
final class ReportedHops {

    private static final int MAX = 16;
    private static final int MAX_TOLD_APART = 1_024;

    private final Set<String> hops = new LinkedHashSet<>();

    void add(EgressRequest hop, Denied denial) {
        add(hop.redirectedFrom().size() + " " + hop.target() + " "
                + denial.code().code() + " " + denial.reason().name().toLowerCase(Locale.ROOT));
    }

    /** Those of an earlier try. */
    void addAll(ReportedHops earlier) {
        earlier.hops.forEach(this::add);
    }

    private void add(String hop) {
        if (hops.size() < MAX_TOLD_APART) {
            hops.add(hop);
        }
    }

    void describe(AuditEvent.Builder event) {
        if (!hops.isEmpty()) {
            event.attribute(
                    "secure_runtime.would_be_hops", hops.stream().limit(MAX).toList());
        }
        if (hops.size() > MAX) {
            event.attribute("secure_runtime.would_be_hops_left_out", hops.size() - MAX);
        }
    }
}
