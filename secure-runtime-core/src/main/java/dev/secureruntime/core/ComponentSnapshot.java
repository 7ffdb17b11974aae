package dev.secureruntime.core;

import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.egress.GrantRules;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.SecretPolicy;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
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
    private final List<ByteBudget> budgets;
    private final List<ActiveGrant> grants;

    ComponentSnapshot(PolicySnapshot snapshot, GuardedComponent component, List<HeaderAttachment> attachments) {
        this.snapshot = snapshot;
        this.component = component;
        this.attachments = List.copyOf(attachments);
        this.version = snapshot.version().toString();
        ComponentPolicy policy =
                snapshot.policy().components().get(component.id().name());
        this.grants = snapshot.grants().stream()
                .filter(grant -> grant.grant().component().equals(component.id().name()))
                .toList();
        this.budgets = policy == null ? List.of() : policy.budgets();
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
        EgressDecision decision =
                afterManyNames(request, component.subNames().pass(request, judge(request), onManyNames, mode));
        if (!budgets.isEmpty() && !(decision instanceof Denied)) {
            Denied spent = component.budgets().spent(request.host());
            decision = spent == null ? decision : spent;
        }
        if (decision instanceof EgressDecision.Reported reported) {
            return new EgressDecision.Reported(reported.denied().under(version));
        }
        return decision instanceof Denied denied ? denied.under(version) : decision;
    }

    /**
     * Names the byte budgets that cover a host; empty when none does. A connection is counted towards those of the host that it
     * was opened for, so requests to a host of other budgets must not ride on it.
     */
    public String budgetsOf(String host) {
        if (budgets.isEmpty()) {
            return "";
        }
        return budgets.stream()
                .filter(budget -> budget.covers(host))
                .map(ByteBudget::describe)
                .collect(Collectors.joining(", "));
    }

    /** The decision on a request by the policy and the component's mode alone. */
    EgressDecision judge(EgressRequest request) {
        EgressDecision decision = snapshot.egress().decide(request);
        if (!(decision instanceof Denied denied)) {
            return decision;
        }
        Optional<Allowed> granted = granted(request, denied);
        if (granted.isPresent()) {
            return granted.get();
        }
        return isReported(denied) ? new EgressDecision.Reported(denied) : denied;
    }

    /** A name that the policy allows, and that is one too many below its domain, is opened by a grant for it all the same. */
    private EgressDecision afterManyNames(EgressRequest request, EgressDecision decision) {
        Denied denied = decision instanceof Denied refusal
                ? refusal
                : decision instanceof EgressDecision.Reported reported ? reported.denied() : null;
        if (denied == null || denied.reason() != Reason.MANY_NAMES) {
            return decision;
        }
        Optional<Allowed> granted = granted(request, denied.under(version));
        return granted.isPresent() ? granted.get() : decision;
    }

    private Optional<Allowed> granted(EgressRequest request, Denied refused) {
        return grants.isEmpty() ? Optional.empty() : GrantRules.opening(openGrants(), request, refused);
    }

    private List<GrantRules> openGrants() {
        return grants.stream()
                .filter(component.runtime()::isOpen)
                .map(ActiveGrant::rules)
                .toList();
    }

    /** Whether a break-glass grant is in force for the component. */
    public boolean hasGrants() {
        return !grants.isEmpty();
    }

    /** The grant that opens a connection to this address; empty when none does. */
    Optional<ActiveGrant> opening(EgressRequest connection, InetAddress address) {
        return grants.isEmpty()
                ? Optional.empty()
                : grants.stream()
                        .filter(grant -> grant.rules().opensAddress(connection, address)
                                && component.runtime().isOpen(grant))
                        .findFirst();
    }

    /** The addresses that the policy judges: those that a grant opens are left out. */
    private List<InetAddress> beyondGrants(EgressRequest connection, List<InetAddress> addresses) {
        return grants.isEmpty()
                ? addresses
                : addresses.stream()
                        .filter(address -> opening(connection, address).isEmpty())
                        .toList();
    }

    private Optional<Denied> deniedBeyondGrants(
            EgressPolicy policy, EgressRequest connection, List<InetAddress> addresses) {
        List<InetAddress> judged = beyondGrants(connection, addresses);
        return judged.isEmpty() && !addresses.isEmpty()
                ? Optional.empty()
                : policy.deniedConnection(connection, judged);
    }

    /** Rules of names are what report mode tries out; what guards the machine and its network stays as it is. */
    private boolean isReported(Denied denied) {
        return mode == EnforcementMode.REPORT && denied.code() == ErrorCode.EGRESS_DENIED;
    }

    /** Why the component may not connect to these addresses of a host; empty when it may. */
    public Optional<Denied> deniedConnection(EgressRequest connection, List<InetAddress> addresses, Layer layer) {
        Optional<Denied> denied = deniedBeyondGrants(snapshot.egress(), connection, addresses);
        if (layer == Layer.LOOKUP) {
            List<InetAddress> judged = beyondGrants(connection, addresses); // the candidate knows no grants
            if (addresses.isEmpty() || !judged.isEmpty()) {
                component.shadow().compareAddresses(connection, judged, denied);
            }
        } else if (layer == Layer.CONNECTION && denied.isEmpty() && !grants.isEmpty()) {
            denied = unrecordedUse(connection, addresses);
        }
        return denied.map(reason -> reason.at(layer));
    }

    /** Records that a grant opened a connection's address; why it may not be used when that fails. */
    private Optional<Denied> unrecordedUse(EgressRequest connection, List<InetAddress> addresses) {
        for (InetAddress address : addresses) {
            Optional<ActiveGrant> grant = opening(connection, address);
            if (grant.isPresent() && !component.recordUse(grant.get(), connection)) {
                return Optional.of(GuardedComponent.unwritable());
            }
        }
        return Optional.empty();
    }

    /** Why a request that is under way may not go on; empty when it may. Of methods and paths as of all else. */
    public Optional<Denied> deniedUnderWay(EgressRequest request) {
        return judge(request) instanceof Denied denied ? Optional.of(denied.at(Layer.UNDER_WAY)) : Optional.empty();
    }

    /** Why an open connection may not stay, whatever is sent over it; empty when it may. */
    public Optional<Denied> deniedOpen(EgressRequest connection, InetAddress address) {
        Optional<Denied> denied = deniedTunnel(connection);
        return denied.isPresent()
                ? denied
                : deniedBeyondGrants(snapshot.connections(), connection, List.of(address))
                        .map(reason -> reason.at(Layer.UNDER_WAY));
    }

    /** The same for a tunnel through a proxy, whose far end only the proxy knows the address of. */
    public Optional<Denied> deniedTunnel(EgressRequest connection) {
        return snapshot.connections().decide(connection) instanceof Denied byName
                        && !isReported(byName)
                        && granted(connection, byName).isEmpty()
                ? Optional.of(byName.at(Layer.UNDER_WAY))
                : Optional.empty();
    }

    /** What looks for secrets that would leave with a hop of a call. */
    public OutgoingScan outgoing(EgressRequest hop, CallRecord record) {
        return new OutgoingScan(this, component.runtime().secretWatch(), hop, record);
    }

    boolean isCanary(SecretWatch.Known known) {
        SecretPolicy secret = snapshot.policy().secrets().get(known.name());
        return known.leasedBy() == null && secret != null && secret.isCanary();
    }

    private boolean isEntitled(String secret) {
        ComponentPolicy policy =
                snapshot.policy().components().get(component.id().name());
        return policy != null && policy.secrets().contains(secret);
    }

    /** Whether the component may send the secret to the target itself, anywhere in a request. */
    boolean sends(String secret, EgressRequest request) {
        SecretPolicy policy = snapshot.policy().secrets().get(secret);
        return policy != null
                && isEntitled(secret)
                && policy.sendTo().stream()
                        .anyMatch(host ->
                                host.port() == request.port() && host.host().equals(request.host()));
    }

    /** Whether the secret is attached to the component's requests to the target. */
    boolean isBound(String secret, EgressRequest request) {
        return attachments.stream()
                .anyMatch(attachment -> attachment.secret().equals(secret) && attachment.belongsTo(request));
    }

    /** What to do about a secret that would leave for where it doesn't belong. */
    String remedyFor(SecretWatch.Known known, EgressRequest request) {
        if (known.leasedBy() != null) {
            return "take it out of the request; only the component that leased it may send it, in a header over https";
        }
        if (ApprovedProxy.isLogin(known)) {
            return "take it out of the request; the guard alone sends it, to the approved proxy";
        }
        SecretPolicy policy = snapshot.policy().secrets().get(known.name());
        if (policy != null && policy.attachment().isPresent()) {
            return "take it out of the request; it belongs to "
                    + policy.attachment().get().hosts()
                    + " alone, where guarded HTTP attaches it for entitled components";
        }
        return "take it out of the request; or, if component \"" + request.component()
                + "\" is entitled to it and the host is meant to have it, add the host to secrets." + known.name()
                + ".sendTo";
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
        List<String> attached = new ArrayList<>(attachments.size());
        for (HeaderAttachment attachment : attachments) {
            if (!attachment.belongsTo(request)) {
                continue;
            }
            try {
                attachment.attach(headers);
                attached.add(attachment.secret());
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
        return attached;
    }
}
