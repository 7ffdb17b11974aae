package dev.secureruntime;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.credential.BearerToken;
import dev.secureruntime.credential.CredentialIssuer;
import dev.secureruntime.egress.EgressProxy;
import dev.secureruntime.egress.HostResolver;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.secret.SecretSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * What {@link RuntimeBuilder} collected, as it is handed to the engine. Applications use the builder.
 *
 * @param policyFile the policy's file, where it is read from one
 * @param policy the policy, where it was built in code; exactly one of the two is given
 * @param audit how the log is kept
 * @param onAuditFailure what happens when the log can't be written
 * @param secrets the secrets' sources given in code, by name
 * @param issuers the issuers of tokens that fill bound secrets, by name
 * @param resolver finds the addresses of allowed hosts
 * @param trustManager decides on server certificates; null means the platform's trust store
 * @param egressProxy the HTTP proxy that guarded requests go through; null means none
 * @param policyReload how often the policy's file is looked at for a change; null means never
 * @param shadowFile a candidate policy's file; null without one
 * @param shadow a candidate policy that was built in code; null without one
 * @param longestBreakGlass how long a break-glass grant may last
 */
public record RuntimeSettings(
        @Nullable Path policyFile,
        @Nullable Policy policy,
        AuditSettings audit,
        OnAuditFailure onAuditFailure,
        Map<String, SecretSource> secrets,
        Map<String, CredentialIssuer<BearerToken>> issuers,
        HostResolver resolver,
        @Nullable X509TrustManager trustManager,
        @Nullable EgressProxy egressProxy,
        @Nullable Duration policyReload,
        @Nullable Path shadowFile,
        @Nullable Policy shadow,
        Duration longestBreakGlass) {

    public RuntimeSettings {
        secrets = Map.copyOf(secrets);
        issuers = Map.copyOf(issuers);
    }
}
