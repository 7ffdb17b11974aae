package dev.secureruntime;

import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.PolicyReload;
import dev.secureruntime.policy.PolicyVersion;
import dev.secureruntime.policy.ShadowReport;

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

    /** The policy that is in force now. */
    PolicyVersion policyVersion();

    /**
     * Reads the policy's file again and puts it in force.
     *
     * <p>What holds: the new policy is checked as a whole before it takes the old one's place; one that is not valid leaves
     * the old one in force. Each hop of a call is judged, connected and equipped under one version. When this returns, every
     * call under way that the new policy refuses has been cut, and every connection that it refuses closed; the cut calls
     * fail with an {@code EgressDeniedException} whose layer is {@code UNDER_WAY}. What was sent before is sent. A component
     * that the new policy doesn't have keeps its handle and is refused everything; one that is new can be claimed. Issuers of
     * credentials are those that the runtime was built with: a policy that no longer binds such a secret is refused.
     *
     * <p>The reload is recorded ({@code policy.reloaded}), and so is one that is refused ({@code policy.rejected}). A file that
     * says what the policy in force says changes nothing.
     *
     * @throws dev.secureruntime.error.SecureRuntimeException with the codes of {@link RuntimeBuilder#build} when the policy
     *     can't be put in force, {@code SR-RUNTIME-001} when the runtime's policy was built in code; and {@code SR-AUDIT-002}
     *     when it is in force and could not be recorded
     */
    PolicyReload reload();

    /** Puts a policy in force that was built in code, as {@link #reload()} does with a file. */
    PolicyReload reload(Policy policy);

    /**
     * Opens a target in an emergency, until the grant's end or until the handle is closed.
     *
     * <p>What holds: the grant is recorded before it opens anything, each use is recorded with its call, and so is its end
     * ({@code egress.break_glass}). It ends by the wall clock or by elapsed time, whichever comes first, so that a clock that is set
     * back doesn't prolong it. When it has ended, calls under way and connections that only it allowed are cut, as by a reload.
     * A reload leaves it in force. What does not: code that holds this runtime can grant itself; hand out components instead.
     *
     * @throws dev.secureruntime.error.SecureRuntimeException {@code SR-POLICY-004} when it is over already, begins later, lasts longer
     *     than {@link RuntimeBuilder#breakGlassAtMost} says, or when too many are in force; {@code SR-COMPONENT-001} when the policy
     *     has no such component; {@code SR-AUDIT-002} when it could not be recorded, and opens nothing
     */
    BreakGlassGrant breakGlass(BreakGlass grant);

    /** How the candidate policy's answers differ from those of the policy in force; see {@link RuntimeBuilder#shadowPolicy}. */
    ShadowReport shadowReport();

    /** The runtime's audit log. */
    AuditLog audit();

    /** Refuses all further calls, signs the log's last checkpoint and closes it. Idempotent. */
    @Override
    void close();
}
