package dev.secureruntime.policy;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a policy says of a secret: where it comes from, and the hosts that it is bound to. It never holds the secret.
 *
 * <p>A secret with an attachment is never handed out: guarded HTTP puts it into the named header as the last step before
 * a request leaves, and only for the hosts named.
 */
public final class SecretPolicy {

    private final @Nullable Source source;
    private final @Nullable Attachment attachment;

    private SecretPolicy(@Nullable Source source, @Nullable Attachment attachment) {
        this.source = source;
        this.attachment = attachment;
    }

    /** A secret that is read from {@code source}. */
    public static SecretPolicy from(Source source) {
        return new SecretPolicy(source, null);
    }

    /** A secret whose source, or whose issuer, is given to the runtime's builder in code. */
    public static SecretPolicy suppliedByCode() {
        return new SecretPolicy(null, null);
    }

    /** The same secret, bound to hosts. */
    public SecretPolicy attachedAs(Attachment attachment) {
        return new SecretPolicy(source, attachment);
    }

    /** Where the secret comes from; empty when code supplies it. */
    public Optional<Source> source() {
        return Optional.ofNullable(source);
    }

    /** The header and hosts that it is bound to; empty when components read it through a handle. */
    public Optional<Attachment> attachment() {
        return Optional.ofNullable(attachment);
    }

    /** A place that a secret is read from. */
    public sealed interface Source {
        /** A file whose whole content, less a trailing line end, is the secret. */
        record File(Path path) implements Source {}

        /** An environment variable. Every jar in the process can read it too. */
        record Environment(String variable) implements Source {}
    }

    /**
     * A header that carries the secret.
     *
     * @param hosts the exact hosts that get it, over https only
     * @param header the header's name
     * @param prefix what stands before the secret, for example {@code "Bearer "}
     */
    public record Attachment(Set<HostPort> hosts, String header, String prefix) {

        public Attachment {
            hosts = Collections.unmodifiableSet(new LinkedHashSet<>(hosts));
            if (hosts.isEmpty()) {
                throw new IllegalArgumentException("an attachment needs a host");
            }
            if (!header.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+")) {
                throw new IllegalArgumentException("\"" + header + "\" is no header's name");
            }
            if (!prefix.matches("[\\x20-\\x7e]*")) {
                throw new IllegalArgumentException("a prefix is printable ASCII");
            }
        }

        /** {@code Authorization: Bearer ...}, as OpenAI and most others want it. */
        public static Attachment bearer(String... hosts) {
            return new Attachment(parse(hosts), "Authorization", "Bearer ");
        }

        /** A header that holds the secret alone, for example {@code x-api-key}. */
        public static Attachment header(String header, String... hosts) {
            return new Attachment(parse(hosts), header, "");
        }

        private static Set<HostPort> parse(String... hosts) {
            Set<HostPort> parsed = new LinkedHashSet<>();
            for (String host : hosts) {
                parsed.add(HostPort.parse(host));
            }
            return parsed;
        }
    }
}
