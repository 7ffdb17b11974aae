package dev.secureruntime.core.egress;

import java.util.Locale;

/**
 * Whether all servers read a path alike. A path pattern means something only on such a path: {@code /v1/..%2fadmin}
 * begins with {@code /v1/} and may end anywhere.
 */
final class PathForm {

    private PathForm() {}

    /**
     * True for a path that some server may rewrite before it acts on it: dot segments, empty segments, path parameters,
     * back-slashes, control characters, an encoded slash, back-slash, percent sign or unreserved character (RFC 3986
     * section 2.3), an incomplete escape, an overlong form of UTF-8.
     */
    static boolean isAmbiguous(String path) {
        if (path.isEmpty() || path.charAt(0) != '/') {
            return true;
        }
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c <= ' ' || c >= 0x7f || c == '\\' || c == ';' || c == '?' || c == '#') {
                return true;
            }
            if (c == '/' && isRewrittenSegment(path, i + 1)) {
                return true;
            }
            if (c == '%' && isRewrittenEscape(path, i)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isRewrittenSegment(String path, int start) {
        int end = path.indexOf('/', start);
        if (end == start) {
            return true;
        }
        int length = (end < 0 ? path.length() : end) - start;
        return (length == 1 && path.charAt(start) == '.') || (length == 2 && path.startsWith("..", start));
    }

    private static boolean isRewrittenEscape(String path, int percent) {
        if (percent + 2 >= path.length()) {
            return true;
        }
        int high = Character.digit(path.charAt(percent + 1), 16);
        int low = Character.digit(path.charAt(percent + 2), 16);
        if (high < 0 || low < 0) {
            return true;
        }
        char c = (char) (high << 4 | low);
        boolean unreserved =
                (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || "-._~".indexOf(c) >= 0;
        return unreserved || c < ' ' || c == 0x7f || "/\\%;".indexOf(c) >= 0 || isOverlong(path, percent, c);
    }

    /** Whether an escape begins what is no UTF-8, and what some decoders take for a plain character all the same. */
    private static boolean isOverlong(String path, int percent, char first) {
        boolean small = path.startsWith("%8", percent + 3);
        return first == 0xc0
                || first == 0xc1
                || first >= 0xf5
                || (first == 0xf0 && small)
                || (first == 0xe0 && (small || path.startsWith("%9", percent + 3)));
    }

    /**
     * A path, or a pattern, in which what servers take for the same is written the same way: escapes of printable ASCII
     * resolved, others in upper case. What means something else unescaped stays escaped, a star too: in a pattern it is one.
     */
    static String resolved(String path) {
        if (path.indexOf('%') < 0) {
            return path;
        }
        StringBuilder plain = new StringBuilder(path.length());
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c != '%' || i + 2 >= path.length()) {
                plain.append(c);
                continue;
            }
            String escape = path.substring(i, i + 3).toUpperCase(Locale.ROOT);
            boolean printable = escape.matches("%([2-6][0-9A-F]|7[0-9A-E])");
            char meant = printable ? (char) Integer.parseInt(escape, 1, 3, 16) : ' ';
            if (" /\\%;?#*".indexOf(meant) < 0) {
                plain.append(meant);
            } else {
                plain.append(escape);
            }
            i += 2;
        }
        return plain.toString();
    }
}
