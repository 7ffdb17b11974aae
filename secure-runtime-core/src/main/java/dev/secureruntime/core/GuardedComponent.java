package dev.secureruntime.core;

import dev.secureruntime.Component;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.core.egress.MethodForm;
import dev.secureruntime.credential.Credentials;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.identity.ComponentId;
import dev.secureruntime.secret.Secrets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A component: its policy, its secrets, its connections and its open calls. Applications hold it as a {@link Component};
 * adapters ask it through a {@link Gate}.
 *
 * <p>Thread-safe.
 */
final class GuardedComponent implements Component {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final ComponentId id;
    private final CoreRuntime runtime;
    private final EventLine events;
    private final Secrets secrets;
    private final Credentials credentials;
    private final AuditLog audit;
    private final RetryLedger retries;
    private final SubNameWatch subNames;
    private final ComponentBudgets budgets;
    private final Set<CallRecord> open = ConcurrentHashMap.newKeySet();
    private final Map<Class<?>, Transport> transports = new ConcurrentHashMap<>();

    GuardedComponent(ComponentId id, CoreRuntime runtime, EventLine events, Secrets secrets, Credentials credentials) {
        this.id = id;
        this.runtime = runtime;
        this.events = events;
        this.secrets = secrets;
        this.credentials = credentials;
        this.audit = new ComponentAuditLog(id.name(), events, runtime);
        this.retries = new RetryLedger(runtime.timer());
        this.subNames = new SubNameWatch(id.name(), events);
        this.budgets = new ComponentBudgets(id.name(), runtime::policyAsItIs, events, runtime.ticker());
    }

    @Override
    public ComponentId id() {
        return id;
    }

    @Override
    public EgressDecision explain(EgressRequest request) {
        EgressDecision.Denied neverSent = MethodForm.refusal(request.method());
        if (neverSent != null) {
            return neverSent.under(inForce().version());
        }
        return request.component().equals(id.name())
                ? inForce().judge(request)
                : runtime.policy().egress().decide(request);
    }

    /** Why nothing can be let go now; null when the guard can work. */
    EgressDecision.@Nullable Denied unableToGuard() {
        if (runtime.isClosed()) {
            return new EgressDecision.Denied(
                    ErrorCode.RUNTIME_CLOSED,
                    Reason.RUNTIME_CLOSED,
                    "the runtime was closed",
                    null,
                    "keep the SecureRuntime open as long as its clients are used");
        }
        try {
            events.requireWritable();
        } catch (SecureRuntimeException e) {
            return unwritable();
        }
        return null;
    }

    /** Records that a break-glass grant opened the address of a connection; false when it can't be recorded. */
    boolean recordUse(ActiveGrant grant, EgressRequest connection) {
        try {
            events.publish(grant.event("used")
                    .attribute("server.address", connection.host())
                    .attribute("server.port", connection.port())
                    .build());
            return true;
        } catch (SecureRuntimeException e) {
            LOG.error("the use of break-glass grant {} could not be recorded", grant.id(), e);
            return false;
        }
    }

    /** The candidate policy beside the one in force. */
    ShadowPolicy shadow() {
        return runtime.shadow();
    }

    /** The watch over the names that the component asks for, under every version of the policy the same. */
    SubNameWatch subNames() {
        return subNames;
    }

    /** What the component has sent of its byte budgets, under every version of the policy the same. */
    ComponentBudgets budgets() {
        return budgets;
    }

    /** What the policy in force says of this component. */
    ComponentSnapshot inForce() {
        return runtime.inForce(this);
    }

    static EgressDecision.Denied unwritable() {
        return new EgressDecision.Denied(
                ErrorCode.AUDIT_UNWRITABLE,
                Reason.AUDIT_UNWRITABLE,
                "the audit log can't be written",
                null,
                "mend the log's directory and start again, or choose onAuditFailure(PROCEED_UNRECORDED)");
    }

    CoreRuntime runtime() {
        return runtime;
    }

    /** Starts the record of a logical call. */
    CallRecord begin(EgressRequest first) {
        CallRecord record = new CallRecord(this, first);
        open.add(record);
        return record;
    }

    /** Tells the developer's log and the audit log of a refusal; the record is the call's only one. */
    void publishDenied(CallRecord record, AuditEvent event, EgressRequest request, EgressDecision.Denied denied) {
        Optional<Receipt> receipt;
        try {
            receipt = events.publish(event);
        } catch (SecureRuntimeException e) {
            if (!runtime.isClosed()) {
                LOG.error("a refusal could not be recorded", e);
            }
            receipt = Optional.empty();
        } finally {
            open.remove(record);
        }
        String text = DenialMessage.of(request, denied, runtime.policySource(), receipt);
        LOG.warn(text);
    }

    /** Tells both logs that a canary was about to leave: somebody read what nobody may. */
    void canaryLeaving(EgressRequest request, String canary, String place) {
        LOG.error(
                "the canary \"{}\" was about to leave from component \"{}\", to {} ({}): somebody read what nobody may",
                canary,
                id.name(),
                request.target(),
                place);
        try {
            events.publish(AuditEvent.of("secret.canary")
                    .component(id.name())
                    .attribute("secure_runtime.action", "block")
                    .attribute("secure_runtime.secret", canary)
                    .attribute("secure_runtime.found_in", place)
                    .attribute("url.scheme", request.scheme())
                    .attribute("server.address", request.host())
                    .attribute("server.port", request.port())
                    .build());
        } catch (SecureRuntimeException e) {
            if (!runtime.isClosed()) {
                LOG.error("a canary's alarm could not be recorded", e);
            }
        }
    }

    /** Tells the developer's log of a call that enforcement would refuse. */
    void warnReported(EgressRequest request, EgressDecision.Denied denied) {
        LOG.warn(
                "{} would be denied, and is let go in report mode: {} of component {} under policy {}: {}",
                denied.code(),
                request.target(),
                request.component(),
                denied.policyVersion(),
                denied.detail());
    }

    /** Records a call that was let go. */
    void publish(CallRecord record, AuditEvent event) {
        try {
            events.publish(event);
        } finally {
            open.remove(record); // not before: who closes waits for the record while it is there
        }
    }

    /** Forgets a call that never began. */
    void forget(CallRecord record) {
        open.remove(record);
    }

    RetryLedger retries() {
        return retries;
    }

    <T extends Transport> T transport(Class<T> kind, Supplier<T> first) {
        return kind.cast(transports.computeIfAbsent(kind, free -> first.get()));
    }

    /** Another policy is in force: ends what it refuses. */
    Transport.Cut policyChanged() {
        int calls = 0;
        int connections = 0;
        List<String> targets = new ArrayList<>();
        for (Transport transport : transports.values()) {
            Transport.Cut cut = transport.policyChanged(inForce());
            calls += cut.calls();
            connections += cut.connections();
            targets.addAll(cut.targets());
        }
        return new Transport.Cut(calls, connections, targets);
    }

    /** Closes connections and records what is still under way, for the runtime's end. */
    void close() {
        for (Transport transport : transports.values()) {
            try {
                transport.close();
            } catch (RuntimeException e) {
                LOG.warn("a transport of component \"{}\" could not be closed", id.name(), e);
            }
        }
        for (CallRecord record : List.copyOf(open)) {
            record.abandoned();
        }
        retries.flush();
    }

    @Override
    public Secrets secrets() {
        return secrets;
    }

    @Override
    public Credentials credentials() {
        return credentials;
    }

    @Override
    public AuditLog audit() {
        return audit;
    }

    @Override
    public String toString() {
        return "Component " + id;
    }
}
