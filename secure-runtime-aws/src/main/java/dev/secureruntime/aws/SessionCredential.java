package dev.secureruntime.aws;

import dev.secureruntime.credential.Credential;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;

/**
 * AWS session credentials, named in logs by their access key id, which is not secret. The secret parts are Strings by the
 * SDK's design and can't be overwritten; they are neither printed nor serialized.
 */
final class SessionCredential implements Credential {

    private final AwsSessionCredentials session;
    private final Instant expiresAt;

    SessionCredential(AwsSessionCredentials session, Instant expiresAt) {
        this.session = session;
        this.expiresAt = expiresAt;
    }

    @Override
    public String id() {
        return session.accessKeyId();
    }

    @Override
    public Instant expiresAt() {
        return expiresAt;
    }

    @Override
    public void lendSecrets(Consumer<byte[]> reader) {
        for (String part : List.of(session.secretAccessKey(), session.sessionToken())) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            try {
                reader.accept(bytes);
            } finally {
                Arrays.fill(bytes, (byte) 0);
            }
        }
    }

    AwsSessionCredentials session() {
        return session;
    }

    @Override
    public String toString() {
        return "SessionCredential[" + id() + ", expires " + expiresAt + "]";
    }
}
