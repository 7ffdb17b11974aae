package dev.secureruntime.core;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one version of the policy says of one component. A hop takes it once and asks it everything - whether it may be sent,
 * to which addresses, with which credentials - so that no request mixes two policies.
 *
 * <p>There is one object per component and version: two of them are the same version when they are the same object. Whoever
 * has it can have the component's keys; it comes from a {@link Gate} and stays with the adapter. Thread-safe.
 */
public final class ComponentSnapshot {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final PolicySnapshot snapshot;
    private final GuardedComponent component;
    private final List<HeaderAttachment> attachments;
    private final String version;
    private final EnforcementMode mode;
    private final OnManyNames onManyNames;

    ComponentSnapshot(PolicySnapshot snapshot, GuardedComponent component, List<HeaderAttachment> attachments) {
        this.snapshot = snapshot;
        this.component = component;
        this.attachments = List.copyOf(attachments);
        this.version = snapshot.version().toString();
        ComponentPolicy policy =
                snapshot.policy().components().get(component.id().name());
        this.mode = policy == null ? EnforcementMode.ENFORCE : policy.mode();
        this.onManyNames = policy == null ? OnManyNames.BLOCK : policy.onManyNames();
    }

    /** The policy's version, as decisions and records name it. */
    public String version() {
        return version;
    }

    /** The decision on a request, before its host is looked up. Refuses everything when the guard itself can't work. */
    public EgressDecision decide(EgressRequest request) {
        Denied unable = component.unableToGuard();
        if (unable != null) {
            return unable.under(version);
        }
        EgressDecision decision = component.subNames().pass(request, judge(request), onManyNames);
        return decision instanceof Denied denied ? denied.under(version) : decision;
    }

    /** The decision on a request by the policy and the component's mode alone. */
    EgressDecision judge(EgressRequest request) {
        EgressDecision decision = snapshot.egress().decide(request);
        return decision instanceof Denied denied && isReported(denied) ? new EgressDecision.Reported(denied) : decision;
    }

    /** Rules of names are what report mode tries out; what guards the machine and its network stays as it is. */
    private boolean isReported(Denied denied) {
        return mode == EnforcementMode.REPORT && denied.code() == ErrorCode.EGRESS_DENIED;
    }

    /** Why the component may not connect to these addresses of a host; empty when it may. */
    public Optional<Denied> deniedConnection(EgressRequest connection, List<InetAddress> addresses, Layer layer) {
        return snapshot.egress().deniedConnection(connection, addresses).map(denied -> denied.at(layer));
    }

    /** Why a request that is under way may not go on; empty when it may. Of methods and paths as of all else. */
    public Optional<Denied> deniedUnderWay(EgressRequest request) {
        return judge(request) instanceof Denied denied ? Optional.of(denied.at(Layer.UNDER_WAY)) : Optional.empty();
    }

    /** Why an open connection may not stay, whatever is sent over it; empty when it may. */
    public Optional<Denied> deniedOpen(EgressRequest connection, InetAddress address) {
        EgressDecision decision = snapshot.connections().decide(connection);
        Optional<Denied> denied = decision instanceof Denied byName && !isReported(byName)
                ? Optional.of(byName)
                : snapshot.connections().deniedConnection(connection, List.of(address));
        return denied.map(reason -> reason.at(Layer.UNDER_WAY));
    }

    /** Whether a credential is bound to the target. */
    public boolean isBound(EgressRequest request) {
        for (HeaderAttachment attachment : attachments) {
            if (attachment.belongsTo(request)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Puts the credentials that are bound to the target into {@code headers}: the last step before a request leaves.
     *
     * @return the names of the secrets that were attached
     * @throws EgressDeniedException when one of them can't be had
     */
    public List<String> attach(EgressRequest request, BiConsumer<String, String> headers) throws EgressDeniedException {
        List<HeaderAttachment> due = attachments.stream()
                .filter(attachment -> attachment.belongsTo(request))
                .toList();
        for (HeaderAttachment attachment : due) {
            try {
                attachment.attach(headers);
            } catch (RuntimeException e) {
                LOG.warn("secret \"{}\" can't be attached", attachment.secret(), e);
                Denied denied = new Denied(
                        e instanceof SecureRuntimeException known ? known.code() : ErrorCode.CREDENTIAL_UNAVAILABLE,
                        Reason.CREDENTIAL_UNAVAILABLE,
                        "secret \"" + attachment.secret() + "\", bound to this host, can't be had",
                        null,
                        "see the error above; the call is not sent without its credential");
                throw new EgressDeniedException(request, denied.under(version));
            }
        }
        return due.stream().map(HeaderAttachment::secret).toList();
    }
}
