package dev.secureruntime.policy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A list of hosts for a category of one's own: exact names and {@code *.suffix}, as rules write them, up to
 * {@value #MAX_HOSTS}. Kept as one block of bytes. Immutable and thread-safe.
 */
public final class HostList {

    /** The number of hosts that a list may have. */
    public static final int MAX_HOSTS = 1_000_000;

    private final byte[] lines;
    private final int size;
    private final String sha256;

    private HostList(byte[] lines, int size, String sha256) {
        this.lines = lines;
        this.size = size;
        this.sha256 = sha256;
    }

    /** A list of these patterns, none of them twice. */
    public static HostList of(Collection<String> patterns) {
        Builder builder = new Builder();
        patterns.forEach(builder::add);
        return builder.build(builder.lines.toByteArray());
    }

    /** Starts an empty list. */
    public static Builder builder() {
        return new Builder();
    }

    /** The number of hosts. */
    public int size() {
        return size;
    }

    /** The SHA-256 of what the list was read from, in hexadecimal: another one may be another list. */
    public String sha256() {
        return sha256;
    }

    /** Visits the patterns in their order. */
    public void forEach(Consumer<String> visitor) {
        int start = 0;
        for (int i = 0; i < lines.length; i++) {
            if (lines[i] == '\n') {
                visitor.accept(new String(lines, start, i - start, StandardCharsets.US_ASCII));
                start = i + 1;
            }
        }
    }

    @Override
    public String toString() {
        return size + " hosts, SHA-256 " + sha256;
    }

    /** Collects a list. Not thread-safe. */
    public static final class Builder {

        private final ByteArrayOutputStream lines = new ByteArrayOutputStream();
        private final Set<String> seen = new HashSet<>();

        private Builder() {}

        /**
         * Adds a host or a {@code *.suffix}.
         *
         * @throws IllegalArgumentException when it is neither, is on the list already, or the list is full
         */
        public Builder add(String pattern) {
            String host = isPlain(pattern) ? pattern : HostPattern.require(pattern);
            if (seen.size() == MAX_HOSTS) {
                throw new IllegalArgumentException("a list has at most " + MAX_HOSTS + " hosts");
            }
            if (!seen.add(host)) {
                throw new IllegalArgumentException("\"" + host + "\" is on the list twice");
            }
            lines.writeBytes(host.getBytes(StandardCharsets.US_ASCII));
            lines.write('\n');
            return this;
        }

        /** The finished list, known by the SHA-256 of the bytes that it was read from. */
        public HostList build(byte[] source) {
            try {
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(source);
                return new HostList(
                        lines.toByteArray(), seen.size(), HexFormat.of().formatHex(digest));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java has SHA-256", e);
            }
        }

        /** Whether it surely is a pattern, as almost every line is: {@link HostPattern} is exact and slow. */
        private static boolean isPlain(String pattern) {
            int length = pattern.length();
            int start = pattern.startsWith("*.") ? 2 : 0;
            if (length - start > 253 || length == start) {
                return false;
            }
            int label = start;
            for (int i = start; i <= length; i++) {
                char c = i == length ? '.' : pattern.charAt(i);
                if (c == '.') {
                    if (i == label || i - label > 63 || pattern.charAt(label) == '-' || pattern.charAt(i - 1) == '-') {
                        return false;
                    }
                    if (i < length) {
                        label = i + 1;
                    }
                } else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) {
                    return false;
                }
            }
            char first = pattern.charAt(label);
            return first < '0' || first > '9';
        }
    }
}
