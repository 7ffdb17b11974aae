package dev.secureruntime.core.egress;

/**
 * Whether all servers read a path alike. A path pattern means something only on such a path: {@code /v1/..%2fadmin}
 * begins with {@code /v1/} and may end anywhere.
 */
final class PathForm {

    private PathForm() {}

    /**
     * True for a path that some server may rewrite before it acts on it: dot segments, empty segments, path parameters,
     * back-slashes, control characters, an encoded slash, back-slash, percent sign or unreserved character (RFC 3986
     * section 2.3), an incomplete escape.
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
        return unreserved || c < ' ' || c == 0x7f || "/\\%;".indexOf(c) >= 0;
    }
}
