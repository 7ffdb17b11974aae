package dev.secureruntime.core;

import dev.secureruntime.Component;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.credential.Credentials;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.identity.ComponentId;
import dev.secureruntime.secret.Secrets;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
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
    private final EgressPolicy egress;
    private final EventLine events;
    private final List<HeaderAttachment> attachments;
    private final Secrets secrets;
    private final Credentials credentials;
    private final AuditLog audit;
    private final RetryLedger retries;
    private final SubNameWatch subNames;
    private final Set<CallRecord> open = ConcurrentHashMap.newKeySet();
    private final Map<Class<?>, AutoCloseable> transports = new ConcurrentHashMap<>();

    GuardedComponent(
            ComponentId id,
            CoreRuntime runtime,
            EgressPolicy egress,
            EventLine events,
            List<HeaderAttachment> attachments,
            Secrets secrets,
            Credentials credentials) {
        this.id = id;
        this.runtime = runtime;
        this.egress = egress;
        this.events = events;
        this.attachments = List.copyOf(attachments);
        this.secrets = secrets;
        this.credentials = credentials;
        this.audit = new ComponentAuditLog(id.name(), events, runtime);
        this.retries = new RetryLedger(runtime.timer());
        this.subNames = new SubNameWatch(id.name(), events, runtime.onManyNames(id));
    }

    @Override
    public ComponentId id() {
        return id;
    }

    @Override
    public EgressDecision explain(EgressRequest request) {
        return egress.decide(request);
    }

    /** The decision on a request, before its host is looked up. Refuses everything when the guard itself can't work. */
    EgressDecision decide(EgressRequest request) {
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
        return subNames.pass(request, egress.decide(request));
    }

    static EgressDecision.Denied unwritable() {
        return new EgressDecision.Denied(
                ErrorCode.AUDIT_UNWRITABLE,
                Reason.AUDIT_UNWRITABLE,
                "the audit log can't be written",
                null,
                "mend the log's directory and start again, or choose onAuditFailure(PROCEED_UNRECORDED)");
    }

    /** Why the component may not connect to these addresses of a host; empty when it may. */
    Optional<EgressDecision.Denied> deniedConnection(EgressRequest connection, List<InetAddress> addresses) {
        return egress.deniedConnection(connection, addresses);
    }

    CoreRuntime runtime() {
        return runtime;
    }

    /** Whether a credential is bound to the target. */
    boolean isBound(EgressRequest request) {
        return attachments.stream().anyMatch(attachment -> attachment.belongsTo(request));
    }

    /**
     * Puts the credentials that are bound to the target into {@code headers}: the last step before a request leaves.
     *
     * @return the names of the secrets that were attached
     * @throws EgressDeniedException when one of them can't be had
     */
    List<String> attach(EgressRequest request, BiConsumer<String, String> headers) throws EgressDeniedException {
        List<HeaderAttachment> due = attachments.stream()
                .filter(attachment -> attachment.belongsTo(request))
                .toList();
        for (HeaderAttachment attachment : due) {
            try {
                attachment.attach(headers);
            } catch (RuntimeException e) {
                LOG.warn("secret \"{}\" can't be attached", attachment.secret(), e);
                throw new EgressDeniedException(
                        request,
                        new EgressDecision.Denied(
                                e instanceof SecureRuntimeException known
                                        ? known.code()
                                        : ErrorCode.CREDENTIAL_UNAVAILABLE,
                                Reason.CREDENTIAL_UNAVAILABLE,
                                "secret \"" + attachment.secret() + "\", bound to this host, can't be had",
                                null,
                                "see the error above; the call is not sent without its credential"));
            }
        }
        return due.stream().map(HeaderAttachment::secret).toList();
    }

    /** Starts the record of a logical call. */
    CallRecord begin(EgressRequest first) {
        CallRecord record = new CallRecord(this, first);
        open.add(record);
        return record;
    }

    /** Tells the developer's log and the audit log of a refusal; the record is the call's only one. */
    void publishDenied(CallRecord record, AuditEvent event, EgressRequest request, EgressDecision.Denied denied) {
        open.remove(record);
        Optional<Receipt> receipt;
        try {
            receipt = events.publish(event);
        } catch (SecureRuntimeException e) {
            if (!runtime.isClosed()) {
                LOG.error("a refusal could not be recorded", e);
            }
            receipt = Optional.empty();
        }
        String text = DenialMessage.of(request, denied, runtime.policySource(), receipt);
        LOG.warn(text);
    }

    /** Records a call that was let go. */
    void publish(CallRecord record, AuditEvent event) {
        open.remove(record);
        events.publish(event);
    }

    /** Forgets a call that never began. */
    void forget(CallRecord record) {
        open.remove(record);
    }

    RetryLedger retries() {
        return retries;
    }

    <T extends AutoCloseable> T transport(Class<T> kind, Supplier<T> first) {
        return kind.cast(transports.computeIfAbsent(kind, free -> first.get()));
    }

    /** Closes connections and records what is still under way, for the runtime's end. */
    void close() {
        for (AutoCloseable transport : transports.values()) {
            try {
                transport.close();
            } catch (Exception e) {
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
