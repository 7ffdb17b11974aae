package dev.secureruntime;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.credential.BearerToken;
import dev.secureruntime.credential.CredentialIssuer;
import dev.secureruntime.egress.EgressProxy;
import dev.secureruntime.egress.HostResolver;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.secret.SecretSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Collects what a {@link SecureRuntime} is made of. A policy and a place for the audit log are required; the rest has
 * safe defaults. Not thread-safe.
 */
public final class RuntimeBuilder {

    private final RuntimeFactory factory;
    private final Map<String, SecretSource> secrets = new HashMap<>();
    private final Map<String, CredentialIssuer<BearerToken>> issuers = new HashMap<>();
    private @Nullable Path policyFile;
    private @Nullable Policy policy;
    private @Nullable AuditSettings audit;
    private OnAuditFailure onAuditFailure = OnAuditFailure.REFUSE;
    private HostResolver resolver = HostResolver.SYSTEM;
    private @Nullable X509TrustManager trustManager;
    private @Nullable EgressProxy egressProxy;
    private @Nullable Duration policyReload;
    private @Nullable Path shadowFile;
    private @Nullable Policy shadow;
    private Duration longestBreakGlass = BreakGlass.LONGEST;

    RuntimeBuilder(RuntimeFactory factory) {
        this.factory = factory;
    }

    /** Reads the policy from a JSON file, or a YAML file when {@code jackson-dataformat-yaml} is on the class path. */
    public RuntimeBuilder policy(Path file) {
        this.policyFile = file;
        this.policy = null;
        return this;
    }

    /** Takes a policy that was built in code. */
    public RuntimeBuilder policy(Policy policy) {
        this.policy = policy;
        this.policyFile = null;
        return this;
    }

    /**
     * Judges each hop by a candidate policy too, read from a file, and records where the two differ ({@code secure_runtime.shadow.*} in
     * the call's record, {@link SecureRuntime#shadowReport}). The candidate changes nothing that happens: its rules for targets are
     * asked, and its secrets, budgets and grants are not used. One that can't be read is reported once and left out.
     * {@link SecureRuntime#reload()} reads it again, and so does {@link #reloadPolicyEvery}.
     */
    public RuntimeBuilder shadowPolicy(Path file) {
        this.shadowFile = file;
        this.shadow = null;
        return this;
    }

    /** The same with a candidate that was built in code. */
    public RuntimeBuilder shadowPolicy(Policy candidate) {
        this.shadow = candidate;
        this.shadowFile = null;
        return this;
    }

    /**
     * Says how long a break-glass grant may last, {@link BreakGlass#LONGEST} unless said otherwise, and never longer than that. A policy with
     * a longer one is refused.
     */
    public RuntimeBuilder breakGlassAtMost(Duration longest) {
        if (longest.isNegative() || longest.compareTo(BreakGlass.LONGEST) > 0) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "breakGlassAtMost: expected a time up to " + BreakGlass.LONGEST + ", not " + longest);
        }
        this.longestBreakGlass = longest;
        return this;
    }

    /** Keeps the audit log in {@code directory}, its signing keys in {@code directory}.signer beside it. */
    public RuntimeBuilder auditLog(Path directory) {
        return auditLog(AuditSettings.in(directory));
    }

    /** Keeps the audit log as {@code settings} says. */
    public RuntimeBuilder auditLog(AuditSettings settings) {
        this.audit = settings;
        return this;
    }

    /** Says what happens to guarded calls when the log can't be written. The default is {@link OnAuditFailure#REFUSE}. */
    public RuntimeBuilder onAuditFailure(OnAuditFailure choice) {
        this.onAuditFailure = choice;
        return this;
    }

    /** Gives a secret's source in code; it beats the policy's {@code source}. */
    public RuntimeBuilder secret(String name, SecretSource source) {
        secrets.put(name, source);
        return this;
    }

    /** Fills a bound secret with short-lived tokens, renewed ahead of their end. */
    public RuntimeBuilder credential(String name, CredentialIssuer<BearerToken> issuer) {
        issuers.put(name, issuer);
        return this;
    }

    /** Resolves allowed host names; the default is {@link HostResolver#SYSTEM}. */
    public RuntimeBuilder resolver(HostResolver resolver) {
        this.resolver = resolver;
        return this;
    }

    /** Decides which server certificates are trusted; the default is the platform's trust store. */
    public RuntimeBuilder trustManager(X509TrustManager trustManager) {
        this.trustManager = trustManager;
        return this;
    }

    /**
     * Sends guarded requests through one HTTP proxy. Without it they go directly: proxies that are set for the whole JVM, or
     * on a client library, have no effect either way. See {@link EgressProxy} for what is not judged behind a proxy.
     */
    public RuntimeBuilder egressProxy(EgressProxy proxy) {
        this.egressProxy = proxy;
        return this;
    }

    /**
     * Looks at the policy's file for a change, and reloads it as {@link SecureRuntime#reload()} does; off unless called. Its
     * bytes are compared, not its date. A file that is not valid, or only half written, changes nothing and is reported once.
     */
    public RuntimeBuilder reloadPolicyEvery(Duration interval) {
        if (interval.toMillis() < 1) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "reloadPolicyEvery: expected at least a millisecond");
        }
        this.policyReload = interval;
        return this;
    }

    /**
     * Checks everything, then opens the log. Nothing is written before the policy is valid.
     *
     * @throws SecureRuntimeException with a code that says what is wrong
     */
    public SecureRuntime build() {
        if (policyFile == null && policy == null) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "no policy: call policy(Path) or policy(Policy)");
        }
        if (audit == null) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "no place for the audit log: call auditLog(Path)");
        }
        if (policyReload != null && policyFile == null) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "reloadPolicyEvery looks at a file: call policy(Path)");
        }
        return factory.create(new RuntimeSettings(
                policyFile,
                policy,
                audit,
                onAuditFailure,
                secrets,
                issuers,
                resolver,
                trustManager,
                egressProxy,
                policyReload,
                shadowFile,
                shadow,
                longestBreakGlass));
    }
}
