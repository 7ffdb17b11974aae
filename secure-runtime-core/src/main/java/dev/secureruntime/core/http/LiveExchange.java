package dev.secureruntime.core.http;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A hop under way, from before its request is handed to the client library until its answer's body is closed. A policy that comes into
 * force meanwhile and refuses it cuts it. Thread-safe.
 */
public final class LiveExchange implements AutoCloseable {

    private final GuardedHop hop;
    private final Runnable cancel;
    private final Consumer<LiveExchange> end;

    /**
     * A hop that is about to begin.
     *
     * @param cancel ends it; called once it was cut
     * @param end called when it is over, perhaps more than once
     */
    public LiveExchange(GuardedHop hop, Runnable cancel, Consumer<LiveExchange> end) {
        this.hop = hop;
        this.cancel = cancel;
        this.end = end;
    }

    /**
     * Ends it when the policy in force by now refuses it. Asked once it is entered among what is under way: who puts a policy in force
     * does that first, and looks through what is entered afterwards, so that one of the two sees the other.
     *
     * @throws EgressDeniedException when it was refused, and closed
     */
    public void requireStillAllowed(Gate gate) throws EgressDeniedException {
        ComponentSnapshot inForce = gate.inForce();
        if (inForce == hop.snapshot()) {
            return;
        }
        Optional<Denied> denied = inForce.deniedUnderWay(hop.asked());
        if (denied.isPresent()) {
            close();
            throw new EgressDeniedException(hop.asked(), denied.get().at(Layer.REQUEST));
        }
    }

    /** Why the policy refuses that this goes on: its target, or the connection that it runs over. */
    public Optional<Denied> denied(ComponentSnapshot inForce, Gate gate) {
        Optional<Denied> target = inForce.deniedUnderWay(hop.asked());
        return target.isPresent() ? target : hop.deniedConnection(inForce, gate);
    }

    public void cancel() {
        cancel.run();
    }

    /** The reason for which it was cut; null when it wasn't. */
    public @Nullable Denied cut() {
        return hop.cut();
    }

    public GuardedHop hop() {
        return hop;
    }

    /** What a failure really was: the policy's word, where there is one. */
    public IOException explained(IOException failure) {
        Denied reason = hop.cut();
        if (reason == null) {
            EgressDeniedException denial = CallersFailure.refusal(failure);
            if (denial == null) {
                return failure;
            }
            reason = denial.decision();
        }
        if (reason.layer() == Layer.UNDER_WAY) {
            hop.cut(reason);
        }
        return failure instanceof EgressDeniedException same && same.decision().equals(reason)
                ? same
                : new EgressDeniedException(hop.asked(), reason);
    }

    /** Records how its answer ended: one that was cut before it was read whole was cut, though nobody read on to be told. */
    public void recordEnd(Commitment.Digest body, boolean whole) {
        Denied reason = hop.cut();
        if (reason == null || whole) {
            hop.record().ended(body, whole);
        } else {
            hop.record().cut(hop.outgoing().shown(), reason, body);
        }
    }

    @Override
    public void close() {
        end.accept(this);
    }
}
