package dev.secureruntime.core;

import dev.secureruntime.BreakGlassGrant;
import dev.secureruntime.Component;
import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.core.credential.RefreshingCredentialProvider;
import dev.secureruntime.core.credential.Ticker;
import dev.secureruntime.credential.BearerToken;
import dev.secureruntime.egress.HostResolver;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.identity.CodeIdentity;
import dev.secureruntime.identity.ComponentId;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.PolicyReload;
import dev.secureruntime.policy.PolicyVersion;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.ShadowReport;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The runtime: holds the parts and gives out components. {@link #wire} is the one place where the parts meet. */
final class CoreRuntime implements SecureRuntime {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");
    private static final StackWalker CALLER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private final RuntimeSettings settings;
    private final PolicyInForce policies;
    private final Map<String, RefreshingCredentialProvider<BearerToken>> tokens;
    private final @Nullable HashChainedAuditLog log;
    private final EventLine events;
    private final SecretWatch secretWatch;
    private final CredentialEngine credentials;
    private final ScheduledExecutorService timer;
    private final OptionalInt longestContent;
    private final HostResolver resolver;
    private final @Nullable X509TrustManager trustManager;
    private final Ticker ticker;
    private final BreakGlassBook book;
    private final ShadowPolicy shadow;
    private final GrantSchedule grants;
    private final @Nullable ApprovedProxy egressProxy;
    private final ComponentClaims claims = new ComponentClaims();
    private final AtomicBoolean closed = new AtomicBoolean();
    private @Nullable PolicyWatch watch;

    /** The architecture, top to bottom: what is checked first stands first, and the log is opened last. */
    static CoreRuntime wire(RuntimeSettings settings) {
        return wire(settings, Clock.systemUTC(), Ticker.SYSTEM);
    }

    /** The same under a given time: the wall's and one that nobody sets. */
    static CoreRuntime wire(RuntimeSettings settings, Clock clock, Ticker ticker) {
        SecretWatch watch = new SecretWatch();
        BreakGlassBook book = new BreakGlassBook(clock, ticker, settings.longestBreakGlass());
        PolicyInForce policies = PolicyInForce.start(settings, watch, book);
        ShadowPolicy shadow = ShadowPolicy.of(settings);

        HashChainedAuditLog log = openLog(settings, watch);
        EventLine events = new EventLine(log, settings.onAuditFailure(), watch);
        CredentialEngine credentials = new CredentialEngine(events, watch, clock);
        CoreRuntime runtime = new CoreRuntime(
                policies,
                log,
                events,
                watch,
                credentials,
                settings,
                ApprovedProxy.of(settings.egressProxy(), watch),
                book,
                shadow,
                ticker);
        StartAnnouncement.of(policies.current(), settings, runtime.egressProxy, events);
        shadow.reload(events);
        runtime.reviewGrants();
        runtime.watchPolicy();
        return runtime;
    }

    private CoreRuntime(
            PolicyInForce policies,
            @Nullable HashChainedAuditLog log,
            EventLine events,
            SecretWatch secretWatch,
            CredentialEngine credentials,
            RuntimeSettings settings,
            @Nullable ApprovedProxy egressProxy,
            BreakGlassBook book,
            ShadowPolicy shadow,
            Ticker ticker) {
        this.settings = settings;
        this.book = book;
        this.shadow = shadow;
        this.ticker = ticker;
        this.policies = policies;
        this.log = log;
        this.events = events;
        this.secretWatch = secretWatch;
        this.credentials = credentials;
        this.longestContent = settings.audit().content().stream()
                .mapToInt(ContentSettings::maxFieldBytes)
                .findFirst();
        this.resolver = settings.resolver();
        this.trustManager = settings.trustManager();
        this.egressProxy = egressProxy;
        this.timer = newTimer();
        this.grants = new GrantSchedule(policies, claims, events, timer);
        this.tokens = new HashMap<>();
        settings.issuers().forEach((name, issuer) -> tokens.put(name, credentials.tokens(name, issuer)));
    }

    @Override
    public Component component(String name) {
        Class<?> asking = CALLER.getCallerClass();
        if (asking.getClassLoader() == null || asking.getClassLoader() == ClassLoader.getPlatformClassLoader()) {
            // Optional.map(runtime::component) and the like: the JDK would own the name, and so would everyone.
            throw new SecureRuntimeException(
                    ErrorCode.COMPONENT_CLAIMED,
                    "component \"" + name + "\" was asked for by " + asking.getName()
                            + " of the JDK: call component(name) directly, not through a method reference that the JDK"
                            + " calls");
        }
        CodeIdentity caller = CodeIdentity.of(asking);
        requireOpen();
        Policy policy = policies.current().policy();
        if (!policy.components().containsKey(name)) {
            throw new SecureRuntimeException(
                    ErrorCode.COMPONENT_UNKNOWN,
                    "no component \"" + name + "\" in " + policy.source() + "; it has "
                            + policy.components().keySet() + ": add it under \"components\"");
        }
        return claims.claim(name, caller, free -> newComponent(new ComponentId(name, caller)));
    }

    private GuardedComponent newComponent(ComponentId id) {
        events.publish(AuditEvent.of("component.claimed")
                .component(id.name())
                .attribute("secure_runtime.component.code", id.code().label())
                .attribute(
                        "secure_runtime.component.module",
                        id.code().moduleName().orElse("unnamed"))
                .build());
        return new GuardedComponent(
                id, this, events, new ComponentSecrets(id, () -> openPolicy().secrets(), events), credentials.of(id));
    }

    /** What the policy in force says of a component. */
    ComponentSnapshot inForce(GuardedComponent component) {
        PolicySnapshot snapshot = policy();
        return snapshot.of(
                component.id().name(),
                () -> new ComponentSnapshot(snapshot, component, attachments(component.id(), snapshot)));
    }

    private List<HeaderAttachment> attachments(ComponentId id, PolicySnapshot snapshot) {
        List<HeaderAttachment> attachments = new ArrayList<>();
        ComponentPolicy component = snapshot.policy().components().get(id.name());
        if (component == null) {
            return attachments; // a reload took the component away
        }
        for (String name : component.secrets()) {
            SecretPolicy secret = snapshot.policy().secrets().get(name);
            if (secret == null || secret.attachment().isEmpty()) {
                continue;
            }
            RefreshingCredentialProvider<BearerToken> token = tokens.get(name);
            HeaderAttachment.Value value = token == null
                    ? reader -> snapshot.secrets().<Boolean, RuntimeException>useForAttachment(id, name, bytes -> {
                        reader.accept(bytes);
                        return true;
                    })
                    : reader -> token.get().<Boolean, RuntimeException>use(bytes -> {
                        reader.accept(bytes);
                        return true;
                    });
            attachments.add(new HeaderAttachment(name, secret.attachment().get(), value));
        }
        return attachments;
    }

    private static @Nullable HashChainedAuditLog openLog(RuntimeSettings settings, SecretWatch watch) {
        try {
            return HashChainedAuditLog.open(settings.audit(), Clock.systemUTC(), watch);
        } catch (SecureRuntimeException e) {
            boolean unwritable = e.code() == ErrorCode.AUDIT_UNWRITABLE;
            if (settings.onAuditFailure() == OnAuditFailure.REFUSE || !unwritable) {
                throw e;
            }
            LOG.error("the audit log can't be opened; going on unrecorded, as the runtime was told to", e);
            return null;
        }
    }

    private static ScheduledExecutorService newTimer() {
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "secure-runtime-timer");
            thread.setDaemon(true);
            return thread;
        });
        timer.setRemoveOnCancelPolicy(true);
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        return Executors.unconfigurableScheduledExecutorService(timer);
    }

    @Override
    public PolicyVersion policyVersion() {
        return policies.current().version();
    }

    @Override
    public PolicyReload reload() {
        requireOpen();
        try {
            return policies.reload(claims, events);
        } finally {
            grants.schedule();
            shadow.reload(events);
        }
    }

    @Override
    public PolicyReload reload(Policy policy) {
        requireOpen();
        try {
            return policies.reload(policy, claims, events);
        } finally {
            grants.schedule();
        }
    }

    @Override
    public BreakGlassGrant breakGlass(BreakGlass given) {
        requireOpen();
        return grants.grant(given);
    }

    @Override
    public ShadowReport shadowReport() {
        return shadow.report();
    }

    private void watchPolicy() {
        Duration interval = settings.policyReload();
        if (interval == null) {
            return;
        }
        watch = PolicyWatch.start(interval, this::lookAtPolicy);
    }

    /** Reloads the policy's file if it changed. */
    void lookAtPolicy() {
        if (!closed.get()) {
            try {
                policies.look(claims, events);
                grants.schedule();
            } finally {
                shadow.look(events);
            }
        }
    }

    @Override
    public AuditLog audit() {
        if (log == null) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_UNWRITABLE, "the audit log could not be opened; the runtime goes on unrecorded");
        }
        return log;
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        timer.shutdownNow();
        if (watch != null) {
            watch.close();
        }
        try {
            book.endAll();
            policies.review(claims, events);
            claims.all().forEach(GuardedComponent::close);
            tokens.values().forEach(RefreshingCredentialProvider::close);
            credentials.close();
            shadow.close(events);
            events.publish(AuditEvent.of("runtime.stop").build());
        } finally {
            if (log != null) {
                log.close();
            }
        }
    }

    private PolicySnapshot openPolicy() {
        requireOpen();
        return policies.current();
    }

    private void requireOpen() {
        if (closed.get()) {
            throw new SecureRuntimeException(ErrorCode.RUNTIME_CLOSED, "the runtime was closed");
        }
    }

    boolean isClosed() {
        return closed.get();
    }

    /** The policy in force, with no break-glass grant that is over. */
    PolicySnapshot policy() {
        PolicySnapshot now = policies.current();
        return now.grants().isEmpty() ? now : policies.reviewed(claims, events);
    }

    /** The policy in force, asked in the middle of a write: this neither waits nor ends anything. */
    PolicySnapshot policyAsItIs() {
        return policies.current();
    }

    boolean isOpen(ActiveGrant grant) {
        return book.isOpen(grant);
    }

    Optional<ActiveGrant> breakGlassGrant(String id) {
        return book.find(id);
    }

    /** Begins and ends break-glass grants whose time it is. */
    void reviewGrants() {
        grants.review();
    }

    ShadowPolicy shadow() {
        return shadow;
    }

    /** The secrets that this runtime has seen. */
    SecretWatch secretWatch() {
        return secretWatch;
    }

    String policySource() {
        return policies.current().policy().source();
    }

    /** Elapsed time. */
    Ticker ticker() {
        return ticker;
    }

    ScheduledExecutorService timer() {
        return timer;
    }

    /** The size of the longest content that the log keeps; empty when it keeps none. */
    OptionalInt longestContent() {
        return longestContent;
    }

    HostResolver resolver() {
        return resolver;
    }

    /** The proxy that requests go through; null when they go directly. */
    @Nullable
    ApprovedProxy egressProxy() {
        return egressProxy;
    }

    @Nullable
    X509TrustManager trustManager() {
        return trustManager;
    }
}
