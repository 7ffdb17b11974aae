package dev.secureruntime.aws;

import dev.secureruntime.credential.CredentialProvider;
import dev.secureruntime.credential.CredentialUnavailableException;
import dev.secureruntime.credential.Credentials;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.ResolveIdentityRequest;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.AssumeRoleRequest;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * The credentials of an assumed IAM role, as AWS SDK clients take them.
 *
 * <pre>{@code
 * AssumeRoleCredentials role = AssumeRoleCredentials.builder(component.credentials(), sts)
 *         .role("arn:aws:iam::123456789012:role/reports", "support-agent")
 *         .build();
 * BedrockRuntimeClient client = BedrockRuntimeClient.builder().credentialsProvider(role).build();
 * }</pre>
 *
 * <p>What holds is what the component's {@link CredentialProvider} holds: never an expired credential, one call to STS
 * however many threads ask, service from the credential in hand while STS is down, and a record of each issuance. What
 * does not: the secret access key is a {@code String} by the SDK's design, so it can't be overwritten.
 *
 * <p>On failure {@link #resolveCredentials} throws {@link CredentialUnavailableException}; {@link #resolveIdentity}
 * completes with it.
 *
 * <p>Closing ends this object alone: it drops what it refers to and refuses from then on. It closes neither the {@link
 * StsClient} that it was given, nor the credential, which ends with the runtime. An SDK client closes the provider that it
 * was built with, more than once at that; give each client its own {@link #share} when several use one role.
 *
 * <p>Thread-safe.
 */
public final class AssumeRoleCredentials implements AwsCredentialsProvider, SdkAutoCloseable {

    private final String roleArn;
    private volatile @Nullable CredentialProvider<SessionCredential> provider;

    private AssumeRoleCredentials(String roleArn, @Nullable CredentialProvider<SessionCredential> provider) {
        this.roleArn = roleArn;
        this.provider = provider;
    }

    /**
     * Starts with whose credentials they are and who is asked for them.
     *
     * @param credentials the component's, from {@code component.credentials()}
     * @param sts asked for each new session; it needs time-outs, credentials and a region of its own, and stays the
     *     caller's to close
     */
    public static Builder builder(Credentials credentials, StsClient sts) {
        return new Builder(credentials, sts);
    }

    @Override
    public AwsSessionCredentials resolveCredentials() {
        return open().get().session();
    }

    /**
     * The same as {@link #resolveCredentials}, with a failure inside the future, where asynchronous clients look for it: the
     * SDK's default method throws it at them instead. While no valid credential is in hand the calling thread waits.
     */
    @Override
    public CompletableFuture<AwsCredentialsIdentity> resolveIdentity(ResolveIdentityRequest request) {
        try {
            return CompletableFuture.completedFuture(resolveCredentials());
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Another provider of the same credentials, to be closed apart from this one. */
    public AssumeRoleCredentials share() {
        return new AssumeRoleCredentials(roleArn, open());
    }

    /** Ends this object; see above for what it leaves open. Idempotent. */
    @Override
    public void close() {
        provider = null;
    }

    @Override
    public String toString() {
        return "AssumeRoleCredentials[" + roleArn + "]";
    }

    private CredentialProvider<SessionCredential> open() {
        CredentialProvider<SessionCredential> current = provider;
        if (current == null) {
            throw new CredentialUnavailableException(
                    "no credential for " + scope(roleArn)
                            + ": this AssumeRoleCredentials is closed; an SDK client closes"
                            + " the provider that it was built with, so give each client its own share()",
                    null);
        }
        return current;
    }

    private static String scope(String roleArn) {
        return "sts:" + roleArn;
    }

    /** Collects the role and its limits; {@link #role} is required. Not thread-safe. */
    public static final class Builder {

        private static final Pattern SESSION_NAME = Pattern.compile("[\\w+=,.@-]{2,64}");
        private static final Duration LEAST = Duration.ofMinutes(15);
        private static final Duration MOST = Duration.ofHours(12);

        private final Credentials credentials;
        private final StsClient sts;
        private @Nullable String roleArn;
        private @Nullable String sessionName;
        private Duration duration = LEAST;
        private @Nullable String sessionPolicy;
        private @Nullable String externalId;

        private Builder(Credentials credentials, StsClient sts) {
            this.credentials = credentials;
            this.sts = sts;
        }

        /**
         * The role, and the session's name, which CloudTrail shows beside each call: the component's name, say.
         *
         * @param roleArn {@code arn:aws:iam::123456789012:role/name}
         * @param sessionName 2 to 64 letters, digits or {@code _+=,.@-}
         */
        public Builder role(String roleArn, String sessionName) {
            if (!roleArn.startsWith("arn:") || !roleArn.contains(":role/")) {
                throw new IllegalArgumentException(
                        "expected a role's ARN such as arn:aws:iam::123456789012:role/name, not \"" + roleArn + "\"");
            }
            if (!SESSION_NAME.matcher(sessionName).matches()) {
                throw new IllegalArgumentException(
                        "a session name is 2 to 64 letters, digits or _+=,.@- , not \"" + sessionName + "\"");
            }
            this.roleArn = roleArn;
            this.sessionName = sessionName;
            return this;
        }

        /** How long a session lasts: 15 minutes, which is the default, to 12 hours. The role may allow less. */
        public Builder duration(Duration duration) {
            if (duration.compareTo(LEAST) < 0 || duration.compareTo(MOST) > 0) {
                throw new IllegalArgumentException("a session lasts 15 minutes to 12 hours, not " + duration);
            }
            this.duration = duration;
            return this;
        }

        /** An IAM policy (JSON) that narrows what the role allows; it can't widen it. */
        public Builder sessionPolicy(String json) {
            this.sessionPolicy = json;
            return this;
        }

        /** The external id that the role's trust policy asks for. */
        public Builder externalId(String externalId) {
            this.externalId = externalId;
            return this;
        }

        /** The credentials; STS is asked for the first time when they are first needed. */
        public AssumeRoleCredentials build() {
            if (roleArn == null) {
                throw new IllegalStateException("no role: call role(roleArn, sessionName)");
            }
            AssumeRoleRequest request = AssumeRoleRequest.builder()
                    .roleArn(roleArn)
                    .roleSessionName(sessionName)
                    .durationSeconds(Math.toIntExact(duration.toSeconds()))
                    .policy(sessionPolicy)
                    .externalId(externalId)
                    .build();
            AssumeRoleIssuer issuer = new AssumeRoleIssuer(sts, request);
            return new AssumeRoleCredentials(roleArn, credentials.provider(scope(roleArn), issuer));
        }
    }
}
