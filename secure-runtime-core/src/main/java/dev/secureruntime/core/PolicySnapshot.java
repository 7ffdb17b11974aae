package dev.secureruntime.core;

import dev.secureruntime.RuntimeSettings;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.secret.SecretGuard;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.PolicyVersion;
import dev.secureruntime.policy.SecretPolicy;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One version of the policy with all that was made from it: egress rules, entitlements, bindings. Whoever holds it sees one
 * policy, whatever is put in force meanwhile. Thread-safe; immutable but for what is compiled when it is first needed.
 */
final class PolicySnapshot {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final PolicyVersion version;
    private final Policy policy;
    private final EgressPolicy egress;
    private final SecretGuard secrets;
    private final Map<String, ComponentSnapshot> components = new ConcurrentHashMap<>();
    private final List<ActiveGrant> grants;
    /** The snapshot of the same version without grants, which has what is compiled later; null when this is it. */
    private final @Nullable PolicySnapshot origin;

    private @Nullable EgressPolicy connections;

    /**
     * Checks a policy as a whole and compiles it.
     *
     * @throws SecureRuntimeException when it can't be put in force with these sources and issuers of secrets
     */
    PolicySnapshot(PolicyVersion version, Policy policy, RuntimeSettings settings, SecretWatch watch) {
        requireBound(policy, settings);
        warnOfUnused(policy, settings);
        this.version = version;
        this.grants = List.of();
        this.origin = null;
        this.policy = policy;
        this.egress = EgressPolicy.compile(policy, version.toString());
        this.secrets =
                new SecretGuard(policy, settings.secrets(), settings.issuers().keySet(), watch::remember);
        List<String> unread = secrets.showAll();
        if (!unread.isEmpty()) {
            LOG.warn("secrets {} can't be read yet; records are searched for them once they can", unread);
        }
    }

    private PolicySnapshot(PolicySnapshot origin, List<ActiveGrant> grants) {
        this.version = origin.version;
        this.policy = origin.policy;
        this.egress = origin.egress;
        this.secrets = origin.secrets;
        this.origin = origin;
        this.grants = List.copyOf(grants);
    }

    /** The same version of the policy with these break-glass grants beside it: a snapshot of its own. */
    PolicySnapshot with(List<ActiveGrant> others) {
        return new PolicySnapshot(origin == null ? this : origin, others);
    }

    /** The break-glass grants that were in force when this was put in force; each may be over by now. */
    List<ActiveGrant> grants() {
        return grants;
    }

    private static void warnOfUnused(Policy policy, RuntimeSettings settings) {
        Set<String> unused = new TreeSet<>(settings.secrets().keySet());
        unused.removeAll(policy.secrets().keySet());
        policy.components().values().forEach(component -> unused.removeAll(component.secrets()));
        if (!unused.isEmpty()) {
            LOG.warn(
                    "the runtime's builder was given sources for secrets that {} doesn't name, and they are not used: {}",
                    policy.source(),
                    unused);
        }
    }

    private static void requireBound(Policy policy, RuntimeSettings settings) {
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

    PolicyVersion version() {
        return version;
    }

    Policy policy() {
        return policy;
    }

    EgressPolicy egress() {
        return egress;
    }

    SecretGuard secrets() {
        return secrets;
    }

    /** The rules as they apply to connections that are open; compiled when the first such question is put. */
    synchronized EgressPolicy connections() {
        if (origin != null) {
            return origin.connections();
        }
        if (connections == null) {
            connections = EgressPolicy.compileForConnections(policy, version.toString());
        }
        return connections;
    }

    /** What this version says of a component: one object for all who ask. */
    ComponentSnapshot of(String component, Supplier<ComponentSnapshot> first) {
        ComponentSnapshot known = components.get(component);
        return known != null ? known : components.computeIfAbsent(component, name -> first.get());
    }
}
