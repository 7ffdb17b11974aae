package dev.secureruntime.policy;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A host as a policy writes it: an exact name such as {@code api.openai.com}, or {@code *.suffix}, which stands for every
 * name below the suffix and not for the suffix itself.
 *
 * <p>Names are ASCII (internationalised names in their {@code xn--} form), labels of 1 to 63 characters, 253 in all, no
 * trailing dot, and the last label is not a number: an address belongs into a {@code cidr} rule.
 */
final class HostPattern {

    private static final Pattern LABEL = Pattern.compile("[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?");
    private static final Pattern NUMBER = Pattern.compile("[0-9]+|0x[0-9a-f]*");
    private static final int MAX_LENGTH = 253;

    private HostPattern() {}

    /** The pattern in lower case, or an error that says what is wrong with it. */
    static String require(String pattern) {
        if (pattern.startsWith("*.")) {
            return "*." + requireName(pattern, pattern.substring(2));
        }
        return requireExactHost(pattern);
    }

    /** The host in lower case, or an error that says what is wrong with it. */
    static String requireExactHost(String host) {
        return requireName(host, host);
    }

    private static String requireName(String written, String raw) {
        // Before lower case: it turns some characters beyond ASCII, the Kelvin sign for one, into ASCII letters.
        if (!raw.chars().allMatch(c -> c < 0x80)) {
            throw invalid(written, "it is not ASCII; write an international name in its xn-- form");
        }
        String name = raw.toLowerCase(Locale.ROOT);
        if (name.isEmpty()) {
            throw invalid(written, "it is empty");
        }
        if (name.indexOf(':') >= 0 || name.indexOf('/') >= 0) {
            throw invalid(
                    written, "expected a host name alone; a port belongs into \"ports\", an address into \"cidr\"");
        }
        if (name.indexOf('*') >= 0) {
            throw invalid(written, "a wildcard stands only at the beginning, as \"*.\"");
        }
        if (name.length() > MAX_LENGTH) {
            throw invalid(written, "it is longer than 253 characters");
        }
        String[] labels = name.split("\\.", -1);
        for (String label : labels) {
            if (!LABEL.matcher(label).matches()) {
                throw invalid(written, "\"" + label + "\" is no label of a host name");
            }
        }
        if (NUMBER.matcher(labels[labels.length - 1]).matches()) {
            throw invalid(written, "it is an address or looks like one; write {\"cidr\": ...} instead");
        }
        return name;
    }

    private static IllegalArgumentException invalid(String written, String why) {
        return new IllegalArgumentException("\"" + written + "\" is no host pattern: " + why);
    }
}
