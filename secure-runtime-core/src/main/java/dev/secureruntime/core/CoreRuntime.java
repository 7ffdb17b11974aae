package dev.secureruntime.core;

import dev.secureruntime.Component;
import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.core.credential.RefreshingCredentialProvider;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.policy.PolicyReader;
import dev.secureruntime.core.secret.SecretGuard;
import dev.secureruntime.credential.BearerToken;
import dev.secureruntime.egress.HostResolver;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.identity.CodeIdentity;
import dev.secureruntime.identity.ComponentId;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
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

    private final Policy policy;
    private final EgressPolicy egress;
    private final SecretGuard secrets;
    private final Map<String, RefreshingCredentialProvider<BearerToken>> tokens;
    private final @Nullable HashChainedAuditLog log;
    private final EventLine events;
    private final CredentialEngine credentials;
    private final ScheduledExecutorService timer;
    private final OptionalInt longestContent;
    private final HostResolver resolver;
    private final @Nullable X509TrustManager trustManager;
    private final ComponentClaims claims = new ComponentClaims();
    private final AtomicBoolean closed = new AtomicBoolean();

    /** The architecture, top to bottom: what is checked first stands first, and the log is opened last. */
    static CoreRuntime wire(RuntimeSettings settings) {
        Policy policy = settings.policyFile() != null
                ? PolicyReader.read(settings.policyFile())
                : Objects.requireNonNull(settings.policy());
        requireKnown(policy, settings);
        EgressPolicy egress = EgressPolicy.compile(policy);
        SecretWatch watch = new SecretWatch();
        SecretGuard secrets =
                new SecretGuard(policy, settings.secrets(), settings.issuers().keySet(), watch::remember);
        List<String> unread = secrets.showAll();

        HashChainedAuditLog log = openLog(settings, watch);
        EventLine events = new EventLine(log, settings.onAuditFailure(), watch);
        CredentialEngine credentials = new CredentialEngine(events, watch, Clock.systemUTC());
        CoreRuntime runtime = new CoreRuntime(policy, egress, secrets, log, events, credentials, settings);
        runtime.announce(settings);
        if (!unread.isEmpty()) {
            LOG.warn("secrets {} can't be read yet; records are searched for them once they can", unread);
        }
        return runtime;
    }

    private CoreRuntime(
            Policy policy,
            EgressPolicy egress,
            SecretGuard secrets,
            @Nullable HashChainedAuditLog log,
            EventLine events,
            CredentialEngine credentials,
            RuntimeSettings settings) {
        this.policy = policy;
        this.egress = egress;
        this.secrets = secrets;
        this.log = log;
        this.events = events;
        this.credentials = credentials;
        this.longestContent = settings.audit().content().stream()
                .mapToInt(ContentSettings::maxFieldBytes)
                .findFirst();
        this.resolver = settings.resolver();
        this.trustManager = settings.trustManager();
        this.timer = newTimer();
        this.tokens = new HashMap<>();
        settings.issuers()
                .forEach((name, issuer) -> tokens.put(name, credentials.provider("secret:" + name, null, issuer)));
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
        if (closed.get()) {
            throw new SecureRuntimeException(ErrorCode.RUNTIME_CLOSED, "the runtime was closed");
        }
        ComponentPolicy component = policy.components().get(name);
        if (component == null) {
            throw new SecureRuntimeException(
                    ErrorCode.COMPONENT_UNKNOWN,
                    "no component \"" + name + "\" in " + policy.source() + "; it has "
                            + policy.components().keySet() + ": add it under \"components\"");
        }
        return claims.claim(name, caller, free -> newComponent(new ComponentId(name, caller), component));
    }

    private GuardedComponent newComponent(ComponentId id, ComponentPolicy component) {
        events.publish(AuditEvent.of("component.claimed")
                .component(id.name())
                .attribute("secure_runtime.component.code", id.code().label())
                .attribute(
                        "secure_runtime.component.module",
                        id.code().moduleName().orElse("unnamed"))
                .build());
        return new GuardedComponent(
                id,
                this,
                egress,
                events,
                attachments(id, component),
                new ComponentSecrets(id, secrets, events),
                credentials.of(id));
    }

    private List<HeaderAttachment> attachments(ComponentId id, ComponentPolicy component) {
        List<HeaderAttachment> attachments = new ArrayList<>();
        for (String name : component.secrets()) {
            SecretPolicy secret = policy.secrets().get(name);
            if (secret == null || secret.attachment().isEmpty()) {
                continue;
            }
            RefreshingCredentialProvider<BearerToken> token = tokens.get(name);
            HeaderAttachment.Value value = token == null
                    ? reader -> secrets.<Boolean, RuntimeException>useForAttachment(id, name, bytes -> {
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

    private static void requireKnown(Policy policy, RuntimeSettings settings) {
        for (String name : settings.issuers().keySet()) {
            SecretPolicy secret = policy.secrets().get(name);
            if (secret == null || secret.attachment().isEmpty()) {
                throw new SecureRuntimeException(
                        ErrorCode.RUNTIME_MISCONFIGURED,
                        "credential(\"" + name + "\", ...) fills a secret that " + policy.source()
                                + " binds to no host: add \"attach\" under secrets." + name);
            }
        }
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

    private void announce(RuntimeSettings settings) {
        List<String> okHttps = DuplicateClasses.find("okhttp3/OkHttpClient.class");
        events.publish(AuditEvent.of("runtime.start")
                .attribute("secure_runtime.policy.source", policy.source())
                .attribute(
                        "secure_runtime.components",
                        List.copyOf(policy.components().keySet()))
                .attribute("secure_runtime.tier", "library")
                .attribute(
                        "secure_runtime.audit.on_failure",
                        settings.onAuditFailure().name().toLowerCase(Locale.ROOT))
                .build());
        LOG.info(
                "secure-runtime is up: {}, components {}, audit log {}. A guard, not a sandbox: only calls through guarded"
                        + " clients are judged and recorded; code that opens its own sockets is not seen.",
                policy.source(),
                policy.components().keySet(),
                settings.audit().directory());
        if (settings.onAuditFailure() == OnAuditFailure.PROCEED_UNRECORDED) {
            LOG.warn("guarded calls go on unrecorded when the audit log can't be written (PROCEED_UNRECORDED)");
        }
        egress.warnings().forEach(LOG::warn);
        if (okHttps.size() > 1) {
            LOG.warn("OkHttp is on the class path {} times, the first one is used: {}", okHttps.size(), okHttps);
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
        try {
            claims.all().forEach(GuardedComponent::close);
            tokens.values().forEach(RefreshingCredentialProvider::close);
            credentials.close();
            events.publish(AuditEvent.of("runtime.stop").build());
        } finally {
            if (log != null) {
                log.close();
            }
        }
    }

    boolean isClosed() {
        return closed.get();
    }

    String policySource() {
        return policy.source();
    }

    OnManyNames onManyNames(ComponentId id) {
        ComponentPolicy component = policy.components().get(id.name());
        return component == null ? OnManyNames.BLOCK : component.onManyNames();
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

    @Nullable
    X509TrustManager trustManager() {
        return trustManager;
    }
}
