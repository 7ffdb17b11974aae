package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Hops of a call, over its tries: each once, at most {@value #MAX} in the record, and how many more there were, of
 * {@value #MAX_TOLD_APART} in all. Not thread-safe.
 */
final class HopList {

    private static final int MAX = 16;
    private static final int MAX_TOLD_APART = 1_024;

    private final Set<String> hops = new LinkedHashSet<>();

    /** A hop by its number and its target. */
    void add(EgressRequest hop) {
        add(hop.redirectedFrom().size() + " " + hop.target());
    }

    /** The same, with why the policy refuses it. */
    void add(EgressRequest hop, Denied denial) {
        add(hop.redirectedFrom().size() + " " + hop.target() + " "
                + denial.code().code() + " " + denial.reason().name().toLowerCase(Locale.ROOT));
    }

    void addAll(HopList others) {
        others.hops.forEach(this::add);
    }

    private void add(String hop) {
        if (hops.size() < MAX_TOLD_APART) {
            hops.add(hop);
        }
    }

    /** Those that are none of these. */
    HopList without(List<EgressRequest> others) {
        if (hops.isEmpty()) {
            return this;
        }
        HopList known = new HopList();
        others.forEach(known::add);
        HopList rest = new HopList();
        rest.addAll(this);
        rest.hops.removeAll(known.hops);
        return rest;
    }

    /** Puts them into a record as {@code attribute}; nothing when there are none. */
    void describe(AuditEvent.Builder event, String attribute) {
        if (!hops.isEmpty()) {
            event.attribute(attribute, hops.stream().limit(MAX).toList());
        }
        if (hops.size() > MAX) {
            event.attribute(attribute + "_left_out", hops.size() - MAX);
        }
    }
}
