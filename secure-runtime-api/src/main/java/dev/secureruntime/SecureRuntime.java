package dev.secureruntime;

import dev.secureruntime.audit.AuditLog;

/**
 * The runtime: one policy, one audit log, and the components that work under them.
 *
 * <pre>{@code
 * try (SecureRuntime runtime = SecureRuntime.builder()
 *         .policy(Path.of("policy.json"))
 *         .auditLog(Path.of("audit"))
 *         .build()) {
 *     Component agent = runtime.component("support-agent");
 *     ...
 * }
 * }</pre>
 *
 * <p>What holds: what goes through a guarded client is judged by the policy before a name is looked up, equipped with
 * the credentials bound to its host, and recorded. What does not: code in the process that never asks - a library that
 * opens a socket of its own - is not seen here. It is a guard, not a sandbox.
 *
 * <p>Thread-safe.
 */
public interface SecureRuntime extends AutoCloseable {

    /** Starts a runtime; it is real only after {@link RuntimeBuilder#build}. */
    static RuntimeBuilder builder() {
        return new RuntimeBuilder(RuntimeFactory.load());
    }

    /**
     * Claims a component for the calling code. The first claim binds the name to the caller's class loader, module and
     * code source; the same code gets the same handle again, other code is refused.
     *
     * @throws dev.secureruntime.error.SecureRuntimeException {@code SR-COMPONENT-001} when the policy has no such
     *     component, {@code SR-COMPONENT-002} when other code has claimed it
     */
    Component component(String name);

    /** The runtime's audit log. */
    AuditLog audit();

    /** Refuses all further calls, signs the log's last checkpoint and closes it. Idempotent. */
    @Override
    void close();
}
