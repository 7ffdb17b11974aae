package dev.secureruntime.policy;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a candidate policy's answers differ from those of the policy in force, since the candidate was read.
 *
 * @param candidate the candidate's version; null when there is none, or none that can be read
 * @param judged the decisions that were compared
 * @param differences those that differ, added up by target; at most 1,000 targets
 * @param further differences for targets beyond those
 * @param failed questions that the candidate failed on, which are in none of the other numbers; not 0 means a bug, and a report that
 *     doesn't show all
 */
public record ShadowReport(
        @Nullable PolicyVersion candidate, long judged, List<Difference> differences, long further, long failed) {

    public ShadowReport {
        differences = List.copyOf(differences);
    }

    /** The candidate's version; empty when there is none. */
    public Optional<PolicyVersion> version() {
        return Optional.ofNullable(candidate);
    }

    /** What the candidate would change. */
    public enum Turn {
        /** The policy in force lets it go, the candidate would refuse it. */
        WOULD_DENY,
        /** The policy in force refuses it, the candidate would let it go. */
        WOULD_ALLOW
    }

    /**
     * A target for which the two differ.
     *
     * @param component the component's name
     * @param target method, scheme, host and port
     * @param turn which way
     * @param why the candidate's reason for refusing, or the rule by which it allows
     * @param count how often
     */
    public record Difference(String component, String target, Turn turn, String why, long count) {}
}
