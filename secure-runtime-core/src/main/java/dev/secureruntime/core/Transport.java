package dev.secureruntime.core;

import java.util.List;

/** The connections of one component, as an adapter keeps them and the runtime ends them. Thread-safe. */
public interface Transport extends AutoCloseable {

    /**
     * Another version of the policy is in force: cuts calls and closes connections that it refuses. Those of other versions
     * are closed when nothing of theirs is under way. Returns when what is refused is closed on this side.
     */
    Cut policyChanged(ComponentSnapshot inForce);

    @Override
    void close();

    /**
     * What was ended.
     *
     * @param calls calls that were under way
     * @param connections connections that the policy refuses
     * @param targets where they led
     */
    record Cut(int calls, int connections, List<String> targets) {}
}
