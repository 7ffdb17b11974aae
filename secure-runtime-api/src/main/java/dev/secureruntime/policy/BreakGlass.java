package dev.secureruntime.policy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A grant for an emergency: opens one host or one address, on one port, to one component, and names who asked for it, why, and when
 * it ends.
 *
 * <p>What holds: it opens exactly that target, which neither a wildcard nor a block can be. It lasts {@link #LONGEST} at most and
 * is never renewed: another one is another record. A host that it opens is opened against every rule in {@code deny} that covers
 * the name; the addresses that the name has are judged as ever. An address that it opens is opened against everything that
 * closes addresses, cloud metadata included. Malformed targets, redirects with bodies, byte budgets and whatever the guard refuses
 * for its own sake stay refused.
 *
 * <p>What does not: a person and a reason are what somebody wrote. Whoever may edit the policy or holds the runtime can grant.
 *
 * <p>Immutable and thread-safe.
 */
public final class BreakGlass {

    /** The longest time from a grant's beginning to its end. */
    public static final Duration LONGEST = Duration.ofHours(24);

    private static final int MAX_PERSON = 128;
    private static final int MAX_REASON = 500;
    /** No control characters, those beyond ASCII among them, no formats, nothing unassigned, no line separators. */
    private static final Pattern PRINTABLE = Pattern.compile("[^\\p{C}\\p{Zl}\\p{Zp}]+");

    private static final Pattern BLANK = Pattern.compile("\\p{Z}*");

    private final String component;
    private final EgressRule rule;
    private final String target;
    private final String person;
    private final String reason;
    private final @Nullable Instant from;
    private final Instant until;

    private BreakGlass(
            String component,
            EgressRule rule,
            String target,
            String person,
            String reason,
            @Nullable Instant from,
            Instant until) {
        this.component = component;
        this.rule = rule;
        this.target = target;
        this.person = person;
        this.reason = reason;
        this.from = from;
        this.until = until;
    }

    /** Starts a grant for a component. */
    public static Builder grant(String component) {
        return new Builder(component);
    }

    /** The component's name. */
    public String component() {
        return component;
    }

    /** What it opens, as a rule that allows. */
    public EgressRule rule() {
        return rule;
    }

    /** What it opens, in words: {@code https://host:port}. */
    public String target() {
        return target;
    }

    /** Who asked for it. */
    public String person() {
        return person;
    }

    /** Why. */
    public String reason() {
        return reason;
    }

    /** When it begins; empty when it begins as soon as it is given. */
    public Optional<Instant> from() {
        return Optional.ofNullable(from);
    }

    /** When it ends; from this moment on it opens nothing. */
    public Instant until() {
        return until;
    }

    /** The same grant with its beginning, where it had none. */
    public BreakGlass beginningAt(Instant beginning) {
        if (from != null) {
            return this;
        }
        requireSpan(beginning, until);
        return new BreakGlass(component, rule, target, person, reason, beginning, until);
    }

    /** Whether it opens something at this moment, when the wall clock is all that is asked. */
    public boolean isOpenAt(Instant now) {
        return (from == null || !now.isBefore(from)) && now.isBefore(until);
    }

    /** A name for the grant: two of the same name say the same in everything. */
    public String digest() {
        String all = String.join("\u0000", component, target, person, reason, from().toString(), until.toString());
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(all.getBytes(StandardCharsets.UTF_8));
            return "bg-" + HexFormat.of().formatHex(hash, 0, 6);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static void requireSpan(Instant from, Instant until) {
        if (!until.isAfter(from)) {
            throw new IllegalArgumentException("a break-glass grant ends after it begins");
        }
        if (Duration.between(from, until).compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("a break-glass grant lasts at most " + LONGEST);
        }
    }

    @Override
    public String toString() {
        return "break-glass for " + component + " to " + target + " until " + until + ", " + person + ": " + reason;
    }

    /** Collects a grant. Target, person, reason and end are required. Not thread-safe. */
    public static final class Builder {

        private final String component;
        private @Nullable String host;
        private @Nullable String address;
        private int port;
        private String scheme = "https";
        private @Nullable String person;
        private @Nullable String reason;
        private @Nullable Instant from;
        private @Nullable Instant until;

        private Builder(String component) {
            this.component = component;
        }

        /** Opens an exact host on a port. */
        public Builder host(String exact, int onPort) {
            host = HostPattern.requireExactHost(exact);
            address = null;
            port = onPort;
            return this;
        }

        /**
         * Opens an exact address on a port, {@code 10.1.2.3} or {@code 10.1.2.3/32}: as a host, and as the address of a host that is
         * allowed.
         */
        public Builder address(String exact, int onPort) {
            if (!CidrBlock.parse(exact).isSingleAddress()) {
                throw new IllegalArgumentException("a break-glass grant opens one address, not the block " + exact);
            }
            address = exact;
            host = null;
            port = onPort;
            return this;
        }

        /** Opens by {@code http} or {@code https}; the latter unless said otherwise. */
        public Builder scheme(String name) {
            scheme = name;
            return this;
        }

        /** Names the person who asked for it and answers for it. */
        public Builder person(String name) {
            person = printable(name, MAX_PERSON, "person");
            return this;
        }

        /** Says why. */
        public Builder reason(String words) {
            reason = printable(words, MAX_REASON, "reason");
            return this;
        }

        /** Begins at a moment, and not as soon as it is given. */
        public Builder from(Instant moment) {
            from = moment;
            return this;
        }

        /** Ends at a moment, {@link #LONGEST} after the beginning at the latest. */
        public Builder until(Instant moment) {
            until = moment;
            return this;
        }

        private static String printable(String text, int longest, String what) {
            if (text.codePointCount(0, text.length()) > longest
                    || !PRINTABLE.matcher(text).matches()
                    || BLANK.matcher(text).matches()) {
                throw new IllegalArgumentException("the " + what + " of a break-glass grant is 1 to " + longest
                        + " printable characters, not all of them blank");
            }
            return text;
        }

        /**
         * The finished grant.
         *
         * @throws IllegalArgumentException when something is missing or not allowed
         */
        public BreakGlass build() {
            if (host == null && address == null) {
                throw new IllegalArgumentException("a break-glass grant names one host or one address, with its port");
            }
            if (person == null || reason == null || until == null) {
                throw new IllegalArgumentException("a break-glass grant names a person, a reason and an end");
            }
            if (from != null) {
                requireSpan(from, until);
            }
            EgressRule.Scope scope = new EgressRule.Scope(Set.of(port), Set.of(scheme), Set.of(), Set.of());
            EgressRule rule = host != null ? EgressRule.host(host, scope) : EgressRule.cidr(block(), scope);
            String name = host != null ? host : literal();
            return new BreakGlass(component, rule, scheme + "://" + name + ":" + port, person, reason, from, until);
        }

        private String block() {
            String text = String.valueOf(address);
            return text.indexOf('/') >= 0 ? text : text + (text.indexOf(':') >= 0 ? "/128" : "/32");
        }

        private String literal() {
            String text = block().substring(0, block().indexOf('/'));
            try {
                // A literal, as the block's parser has made sure: no name is looked up.
                String plain = InetAddress.getByName(text).getHostAddress();
                return plain.indexOf(':') >= 0 ? "[" + plain + "]" : plain;
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException("\"" + text + "\" is no address", e);
            }
        }
    }
}
