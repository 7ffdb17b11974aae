package dev.secureruntime.core.egress;

import java.util.regex.Pattern;

/**
 * A path pattern: {@code *} stands for anything within a segment, {@code **} for anything at all, every other character
 * for itself, case and all. Matching allocates nothing and takes at most time proportional to pattern times path.
 */
record PathPattern(String pattern) {

    private static final Pattern ESCAPE_BY_STARS = Pattern.compile("%[0-9A-Fa-f]?\\*+");
    private static final Pattern STARS = Pattern.compile("\\*+");

    /** A plain text in place of the stars: where it is no path that servers read alike, no path is that matches. */
    String example() {
        return STARS.matcher(ESCAPE_BY_STARS.matcher(pattern).replaceAll("%20")).replaceAll("a");
    }

    boolean matches(String path) {
        int p = 0;
        int at = 0;
        // Where to go on when the text does not fit: behind the last star, and behind the last pair of stars.
        int star = -1;
        int starAt = -1;
        int pair = -1;
        int pairAt = -1;
        while (at < path.length()) {
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                if (p + 1 < pattern.length() && pattern.charAt(p + 1) == '*') {
                    p += 2;
                    pair = p;
                    pairAt = at;
                    star = -1;
                } else {
                    p++;
                    star = p;
                    starAt = at;
                }
            } else if (p < pattern.length() && pattern.charAt(p) == path.charAt(at)) {
                p++;
                at++;
            } else if (star >= 0 && path.charAt(starAt) != '/') {
                p = star;
                at = ++starAt;
            } else if (pair >= 0) {
                p = pair;
                at = ++pairAt;
                star = -1;
            } else {
                return false;
            }
        }
        while (p < pattern.length() && pattern.charAt(p) == '*') {
            p++;
        }
        return p == pattern.length();
    }
}
