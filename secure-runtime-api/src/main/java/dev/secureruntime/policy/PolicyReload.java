package dev.secureruntime.policy;

import java.util.List;

/**
 * What a reload did.
 *
 * @param before the version that was in force
 * @param now the version that is in force; the same when the policy says what it said before
 * @param cutCalls calls under way that the new policy refuses, and that were cut
 * @param closedConnections connections that the new policy refuses, and that were closed
 * @param closed where those calls and connections led, as scheme, host and port; at most 32 of them
 */
public record PolicyReload(
        PolicyVersion before, PolicyVersion now, int cutCalls, int closedConnections, List<String> closed) {

    public PolicyReload {
        closed = List.copyOf(closed);
    }

    /** Whether another policy came into force. */
    public boolean changed() {
        return !before.equals(now);
    }
}
