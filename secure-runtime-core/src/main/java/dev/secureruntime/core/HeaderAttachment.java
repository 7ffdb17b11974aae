package dev.secureruntime.core;

import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.HostPort;
import dev.secureruntime.policy.SecretPolicy;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * A secret bound to a header of certain hosts.
 *
 * <p>What holds: the value is read when a request to one of the hosts is about to leave over https, and given to nobody
 * but the request. What does not: OkHttp wants a {@code String}, which stays in memory until it is collected.
 */
final class HeaderAttachment {

    /** Lends the secret's bytes. */
    @FunctionalInterface
    interface Value {
        void lend(Consumer<byte[]> reader);
    }

    private final String secret;
    private final SecretPolicy.Attachment attachment;
    private final Value value;

    HeaderAttachment(String secret, SecretPolicy.Attachment attachment, Value value) {
        this.secret = secret;
        this.attachment = attachment;
        this.value = value;
    }

    String secret() {
        return secret;
    }

    boolean belongsTo(EgressRequest request) {
        if (!request.scheme().equals("https")) {
            return false;
        }
        for (HostPort bound : attachment.hosts()) {
            if (bound.port() == request.port() && bound.host().equals(request.host())) {
                return true;
            }
        }
        return false;
    }

    void attach(BiConsumer<String, String> headers) {
        value.lend(bytes -> headers.accept(
                attachment.header(), attachment.prefix() + new String(bytes, StandardCharsets.US_ASCII)));
    }
}
