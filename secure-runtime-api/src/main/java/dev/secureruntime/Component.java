package dev.secureruntime;

import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.credential.Credentials;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.identity.ComponentId;
import dev.secureruntime.secret.Secrets;

/**
 * A part of the service that has a policy of its own. The handle is the right to act as the component: give it to the
 * code that is the component, and to no other.
 *
 * <p>Guarded HTTP is reached through the adapter of the client library in use, which takes this handle: {@code
 * GuardedOkHttp} in {@code dev.secureruntime.core.okhttp} for OkHttp.
 *
 * <p>Thread-safe. After the runtime is closed every refusal is final: nothing is allowed, no secret is opened.
 */
public interface Component {

    /** The name, with the code that claimed it. */
    ComponentId id();

    /** What the egress policy says of a request; asks only, sends and records nothing. */
    EgressDecision explain(EgressRequest request);

    /** The secrets that the component is entitled to. */
    Secrets secrets();

    /** Providers of short-lived credentials. */
    Credentials credentials();

    /**
     * The audit log, in this component's name: what is appended through it is said of this component. Types that the
     * runtime itself writes ({@code log.*}, {@code runtime.*}, {@code egress.*}, {@code secret.*}, {@code credential.*},
     * {@code component.*}, {@code policy.*}) are refused.
     */
    AuditLog audit();
}
