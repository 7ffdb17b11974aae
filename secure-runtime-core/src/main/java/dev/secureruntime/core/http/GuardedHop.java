package dev.secureruntime.core.http;

import dev.secureruntime.core.ApprovedProxy;
import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.OutgoingScan;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reported;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One hop of a logical call: what was asked, the policy that answers, and the call's record. An adapter adds what its
 * client needs to recognise the request again. Whoever has it can have the component's keys: it stays with the adapter.
 */
public class GuardedHop {

    private final ComponentSnapshot snapshot;
    private final EgressRequest asked;
    private final CallRecord record;
    private final OutgoingScan outgoing;
    private final @Nullable ApprovedProxy proxy;
    private final boolean strayed;
    private final AtomicReference<@Nullable Denied> cut = new AtomicReference<>();
    private volatile boolean reported;

    /** The first hop of a call. */
    protected GuardedHop(Gate gate, EgressRequest asked) {
        this.snapshot = gate.inForce();
        this.asked = asked;
        this.record = gate.begin(asked);
        this.outgoing = snapshot.outgoing(asked, record);
        this.proxy = gate.egressProxy();
        this.strayed = false;
    }

    /** The hop that follows a redirect, judged by what is in force by now. */
    protected GuardedHop(Gate gate, EgressRequest asked, GuardedHop before) {
        this.snapshot = gate.inForce();
        this.asked = asked;
        this.record = before.record;
        this.outgoing = snapshot.outgoing(asked, record);
        this.proxy = gate.egressProxy();
        this.strayed = before.strayed || !Origin.of(before.asked).equals(Origin.of(asked));
    }

    /** The hosts that redirected to the hop that follows this one. */
    protected final List<String> redirectedFrom() {
        List<String> from = new ArrayList<>(asked.redirectedFrom());
        from.add(asked.host());
        return from;
    }

    /** The policy that this hop is judged, connected and equipped by, whichever comes into force meanwhile. */
    public final ComponentSnapshot snapshot() {
        return snapshot;
    }

    /** The question put to the policy. */
    public final EgressRequest asked() {
        return asked;
    }

    public final CallRecord record() {
        return record;
    }

    /** What looks for secrets that would leave with the request; bodies and messages are shown to it by the adapter. */
    public final OutgoingScan outgoing() {
        return outgoing;
    }

    /**
     * Looks for secrets in what stands in front of the body, before anything is looked up.
     *
     * @throws EgressDeniedException when one would leave for where it doesn't belong
     */
    public final void requireNoSecretLeaves(String method, String url, RequestHeaders.Lines headers)
            throws EgressDeniedException {
        outgoing.target(method, url);
        boolean bound = isBound();
        for (int line = 0; line < headers.size(); line++) {
            if (bound && CredentialHeaders.has(headers.name(line))) {
                outgoing.replaced(headers.name(line), headers.value(line));
            } else {
                outgoing.header(headers.name(line), headers.value(line));
            }
        }
    }

    /** The decision of the policy, and on the way that the request would take. */
    public final EgressDecision decide() {
        EgressDecision decision = snapshot.decide(asked);
        if (proxy == null || decision instanceof Denied) {
            return decision;
        }
        Denied denied = proxy.denied(asked);
        return denied == null ? decision : denied.under(snapshot.version());
    }

    /**
     * Acts on the decision on this hop: a refusal is thrown, anything else recorded.
     *
     * @throws EgressDeniedException when it is refused
     */
    public final void pass(EgressDecision decision) throws EgressDeniedException {
        if (decision instanceof Denied denied) {
            throw new EgressDeniedException(asked, denied);
        }
        if (decision instanceof Reported refusal) {
            reported = true; // the policy refuses it, and its mode lets it go: no credential goes with it
            record.reported(asked, refusal.denied());
        } else {
            record.allowed(asked, (Allowed) decision);
        }
    }

    /** Whether credentials are taken off that the caller sent: the policy has one of its own for the target. */
    public final boolean isBound() {
        return snapshot.isBound(asked);
    }

    /**
     * Whether credentials that are bound to the target may go with it. Once a redirect has led away from the origin that
     * the caller addressed, the path is another host's choice, also back at the origin: none is attached from there on.
     */
    public final boolean mayCarryCredentials() {
        return !strayed && !reported;
    }

    /**
     * The hop is about to be written to a connection to this address: where that needs a break-glass grant, the record names
     * it. An adapter whose library doesn't tell it the connection asks {@link OpenSockets#watchFor} instead.
     */
    public final void runsOver(EgressRequest opened, InetAddress address) {
        if (snapshot.hasGrants()) {
            record.ranOver(snapshot, opened, address);
        }
    }

    /** Why the policy refuses the connection that the hop runs over; empty where there is none, or none is known. */
    public Optional<Denied> deniedConnection(ComponentSnapshot inForce, Gate gate) {
        return Optional.empty();
    }

    /** Says why the hop was cut while it was under way; false when it was before. */
    public final boolean cut(Denied reason) {
        return cut.compareAndSet(null, reason);
    }

    /** The caller's code failed after this was thrown through it, if anything was: a refusal that it kept to itself cuts the hop. */
    public final void brokeUnder(@Nullable IOException thrown) {
        EgressDeniedException refusal = thrown == null ? null : CallersFailure.refusal(thrown);
        if (refusal != null) {
            cut(refusal.decision());
        }
    }

    /** Why the hop was cut, by a policy or because of what it was sending; null when it wasn't. */
    public final @Nullable Denied cut() {
        Denied leaving = outgoing.brokenOff();
        return leaving == null ? cut.get() : leaving;
    }
}
