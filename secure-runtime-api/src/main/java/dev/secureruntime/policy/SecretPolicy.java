package dev.secureruntime.policy;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a policy says of a secret: where it comes from, and the hosts that it belongs to. It never holds the secret.
 *
 * <p>A secret with an attachment is never handed out: guarded HTTP puts it into the named header as the last step before
 * a request leaves, and only for the hosts named. One that is handed out may leave for the hosts in {@link #sendTo} only. A
 * canary is for nobody: it lies where a thief looks, and tells of him when it leaves. Immutable and thread-safe.
 */
public final class SecretPolicy {

    private final @Nullable Source source;
    private final @Nullable Attachment attachment;
    private final Set<HostPort> sendTo;
    private final Use use;

    private enum Use {
        COMPONENTS,
        CANARY
    }

    private SecretPolicy(@Nullable Source source, @Nullable Attachment attachment, Set<HostPort> sendTo, Use use) {
        this.source = source;
        this.attachment = attachment;
        this.sendTo = Collections.unmodifiableSet(new LinkedHashSet<>(sendTo));
        this.use = use;
        if (use == Use.CANARY && (attachment != null || !sendTo.isEmpty())) {
            throw new IllegalArgumentException("a canary belongs to no host: it is neither attached nor sent");
        }
        if (attachment != null && !sendTo.isEmpty()) {
            throw new IllegalArgumentException(
                    "a secret that is attached is never handed out, so that no component can send it itself");
        }
    }

    /** A secret that is read from {@code source}. */
    public static SecretPolicy from(Source source) {
        return new SecretPolicy(source, null, Set.of(), Use.COMPONENTS);
    }

    /** A secret whose source, or whose issuer, is given to the runtime's builder in code. */
    public static SecretPolicy suppliedByCode() {
        return new SecretPolicy(null, null, Set.of(), Use.COMPONENTS);
    }

    /**
     * The same secret, bound to hosts.
     *
     * @throws IllegalArgumentException when it is a canary, or components send it themselves
     */
    public SecretPolicy attachedAs(Attachment attached) {
        return new SecretPolicy(source, attached, sendTo, use);
    }

    /**
     * The same secret, which entitled components may send to these hosts themselves, over https, anywhere in a request.
     *
     * @throws IllegalArgumentException when a host is none, or the secret is a canary or attached
     */
    public SecretPolicy sentTo(String... hosts) {
        return new SecretPolicy(source, attachment, HostPort.parseAll(hosts), use);
    }

    /**
     * The same secret as a canary: no component may be entitled to it, and a request in which it is found is refused and
     * recorded as an alarm.
     *
     * @throws IllegalArgumentException when it is attached or sent to hosts
     */
    public SecretPolicy asCanary() {
        return new SecretPolicy(source, attachment, sendTo, Use.CANARY);
    }

    /** Where the secret comes from; empty when code supplies it. */
    public Optional<Source> source() {
        return Optional.ofNullable(source);
    }

    /** The header and hosts that it is bound to; empty when components read it through a handle. */
    public Optional<Attachment> attachment() {
        return Optional.ofNullable(attachment);
    }

    /** The exact hosts that entitled components may send it to themselves. */
    public Set<HostPort> sendTo() {
        return sendTo;
    }

    /** Whether it is a canary. */
    public boolean isCanary() {
        return use == Use.CANARY;
    }

    /**
     * Where it comes from and where it may go, in words. A prefix is told by its length alone: it may hold what should not stand
     * in a policy.
     */
    public String describe() {
        String from = source == null ? "supplied by code" : source.describe();
        if (use == Use.CANARY) {
            return from + ", a canary: for nobody; found in a request, it is an alarm";
        }
        if (attachment != null) {
            return from + ", attached as " + attachment.describe() + " and never handed out";
        }
        return from + ", handed out and sent " + (sendTo.isEmpty() ? "nowhere" : "to " + joined(sendTo) + " only");
    }

    private static String joined(Set<HostPort> hosts) {
        return hosts.stream().map(HostPort::toString).sorted().collect(Collectors.joining(", "));
    }

    /** A place that a secret is read from. */
    public sealed interface Source {

        /** The place in words. */
        String describe();

        /** A file whose whole content, less a trailing line end, is the secret. */
        record File(Path path) implements Source {
            @Override
            public String describe() {
                return "from the file " + path;
            }
        }

        /** An environment variable. Every jar in the process can read it too. */
        record Environment(String variable) implements Source {
            @Override
            public String describe() {
                return "from the environment variable " + variable;
            }
        }
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
            if (RESERVED.contains(header.toLowerCase(Locale.ROOT))) {
                throw new IllegalArgumentException(
                        "\"" + header + "\" says where a request goes or how it is framed; no secret is sent in it");
            }
            if (!prefix.matches("[\\x20-\\x7e]*")) {
                throw new IllegalArgumentException("a prefix is printable ASCII");
            }
        }

        private static final String BEARER = "Bearer ";
        /** What the connection, the message's frame and its target are made of (RFC 9110, sections 7.2 and 7.6.1). */
        private static final Set<String> RESERVED = Set.of(
                "host",
                "content-length",
                "transfer-encoding",
                "connection",
                "keep-alive",
                "te",
                "trailer",
                "expect",
                "upgrade",
                "http2-settings",
                "sec-websocket-key",
                "sec-websocket-version",
                "sec-websocket-extensions",
                "proxy-connection",
                "proxy-authenticate",
                "proxy-authorization");

        private String describe() {
            String before = prefix.isEmpty() ? "" : " with a prefix of " + prefix.length() + " characters";
            return header + (prefix.equals(BEARER) ? ": Bearer" : before) + " to " + joined(hosts);
        }

        /** {@code Authorization: Bearer ...}, as OpenAI and most others want it. */
        public static Attachment bearer(String... hosts) {
            return new Attachment(HostPort.parseAll(hosts), "Authorization", BEARER);
        }

        /** A header that holds the secret alone, for example {@code x-api-key}. */
        public static Attachment header(String header, String... hosts) {
            return new Attachment(HostPort.parseAll(hosts), header, "");
        }
    }
}
