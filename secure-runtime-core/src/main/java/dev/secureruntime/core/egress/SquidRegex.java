package dev.secureruntime.core.egress;

import java.util.List;

/** What the rules for Squid say in regular expressions (POSIX extended): which names and paths the policy refuses, and its path patterns. */
final class SquidRegex {

    /**
     * What {@link HostForm} calls malformed in a name, as far as Squid lets it through: it takes a trailing dot off, turns the host into
     * lower case, and takes any other text for a name. Colons and brackets are those of IPv6 addresses.
     */
    static final List<String> MALFORMED_NAMES = List.of(
            "[^]a-z0-9._:[-]",
            "[^:.]{%d}".formatted(HostForm.MAX_LABEL + 1),
            "^.{%d}".formatted(HostForm.MAX_NAME + 1),
            "^[.-]",
            "[-]$", // what begins with a hyphen is an option to Squid
            "[.-][.]",
            "[.]-",
            "^[^:]+[][]");

    /**
     * What {@link PathForm} calls ambiguous, as far as Squid shows it: it resolves escapes before it compares. Blanks and
     * characters beyond ASCII stand here too, since they can only come from escapes. Dot segments count in a query too, since
     * its question mark may have been escaped.
     */
    static final List<String> REWRITTEN_PATHS =
            List.of("^[^?]*//", "/[.][.]?([/?;\\\\]|$)", "^[^?]*[;%#\\\\]", "^[^?]*[^!-~]");

    private SquidRegex() {}

    /** A denied path stands here as Squid shows it, without the escapes of what is printable; one that is allowed as it is sent. */
    static String path(String pattern, boolean denied) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c == '*' && pattern.startsWith("**", i)) {
                regex.append("[^?]*");
                i++;
            } else if (c == '*') {
                regex.append("[^/?]*");
            } else if (denied && pattern.substring(i).matches("%(2[1-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e]).*")) {
                regex.append(literal((char) Integer.parseInt(pattern, i + 1, i + 3, 16)));
                i += 2;
            } else {
                regex.append(literal(c));
            }
        }
        return regex.toString();
    }

    private static String literal(char c) {
        if (Character.isLetterOrDigit(c) || c == '/' || c == '-' || c == '_') {
            return String.valueOf(c);
        }
        return c == '^' || c == '\\' ? "\\" + c : "[" + c + "]";
    }
}
