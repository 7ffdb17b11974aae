package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.okhttp.CancellationRelay.Watch;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A hop under way, from before its request is handed to OkHttp until its answer's body is closed. A policy that comes into
 * force meanwhile and refuses it cuts it. Thread-safe.
 */
final class LiveExchange implements AutoCloseable {

    private final Generation generation;
    private final Hop hop;
    private final Runnable cancel;
    private final @Nullable Watch watch;

    LiveExchange(Generation generation, Hop hop, Runnable cancel, @Nullable Watch watch) {
        this.generation = generation;
        this.hop = hop;
        this.cancel = cancel;
        this.watch = watch;
    }

    /** Why the policy refuses that this goes on: its target, or the connection that it runs over. */
    Optional<Denied> denied(ComponentSnapshot inForce, Gate gate) {
        Optional<Denied> target = inForce.deniedUnderWay(hop.asked());
        return target.isPresent() ? target : hop.deniedConnection(inForce, gate);
    }

    void cancel() {
        cancel.run();
    }

    /** The reason for which it was cut; null when it wasn't. */
    @Nullable
    Denied cut() {
        return hop.cut();
    }

    Hop hop() {
        return hop;
    }

    /** What a failure really was: the policy's word, where there is one. */
    IOException explained(IOException failure) {
        Denied reason = hop.cut();
        for (Throwable cause = failure; reason == null && cause != null; cause = cause.getCause()) {
            if (cause instanceof EgressDeniedException denial) {
                reason = denial.decision();
            }
        }
        if (reason == null) {
            return failure;
        }
        if (reason.layer() == Layer.UNDER_WAY) {
            hop.cut(reason);
        }
        return failure instanceof EgressDeniedException same && same.decision().equals(reason)
                ? same
                : new EgressDeniedException(hop.asked(), reason);
    }

    @Override
    public void close() {
        if (watch != null) {
            watch.close();
        }
        generation.ended(this);
    }
}
