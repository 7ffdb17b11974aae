package dev.secureruntime.aws;

import dev.secureruntime.credential.CredentialIssuer;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.AssumeRoleRequest;
import software.amazon.awssdk.services.sts.model.Credentials;

/** One AssumeRole call for each issuance. Thread-safe, as the client is. */
final class AssumeRoleIssuer implements CredentialIssuer<SessionCredential> {

    private final StsClient sts;
    private final AssumeRoleRequest request;

    AssumeRoleIssuer(StsClient sts, AssumeRoleRequest request) {
        this.sts = sts;
        this.request = request;
    }

    @Override
    public SessionCredential issue() {
        Credentials issued = sts.assumeRole(request).credentials();
        if (issued == null
                || issued.accessKeyId() == null
                || issued.secretAccessKey() == null
                || issued.sessionToken() == null
                || issued.expiration() == null) {
            throw new IllegalStateException("the answer to AssumeRole lacks a part of its credentials");
        }
        AwsSessionCredentials session = AwsSessionCredentials.builder()
                .accessKeyId(issued.accessKeyId())
                .secretAccessKey(issued.secretAccessKey())
                .sessionToken(issued.sessionToken())
                .expirationTime(issued.expiration())
                .build();
        return new SessionCredential(session, issued.expiration());
    }
}
