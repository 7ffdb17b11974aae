package dev.secureruntime.core.text;

import java.util.Optional;

/**
 * Finds, among known names, the one that somebody probably meant, by edit distance. Bounded: names over 253
 * characters are never compared. Thread-safe: without state.
 */
public final class NearestName {

    private static final int MAX_LENGTH = 253;

    private NearestName() {}

    /** The known name nearest to {@code written}, if it is within a third of the written name's length, at least one edit. */
    public static Optional<String> of(String written, Iterable<String> known) {
        if (written.length() > MAX_LENGTH) {
            return Optional.empty();
        }
        int limit = Math.max(1, written.length() / 3);
        String best = null;
        for (String name : known) {
            int distance = distance(written, name, limit);
            if (distance <= limit) {
                best = name;
                limit = distance - 1;
            }
        }
        return Optional.ofNullable(best);
    }

    /**
     * The number of edits between two texts, an edit being one character more, less or other, or two neighbours swapped;
     * some number above {@code limit} when there are more than that.
     */
    public static int distance(String a, String b, int limit) {
        if (limit < 0 || Math.abs(a.length() - b.length()) > limit || b.length() > MAX_LENGTH) {
            return Integer.MAX_VALUE;
        }
        int[] twoAbove = new int[b.length() + 1];
        int[] above = new int[b.length() + 1];
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            above[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            row[0] = i;
            int least = i;
            for (int j = 1; j <= b.length(); j++) {
                char left = a.charAt(i - 1);
                char right = b.charAt(j - 1);
                int replaced = above[j - 1] + (left == right ? 0 : 1);
                row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
                if (i > 1 && j > 1 && left == b.charAt(j - 2) && a.charAt(i - 2) == right) {
                    row[j] = Math.min(row[j], 1 + twoAbove[j - 2]);
                }
                least = Math.min(least, row[j]);
            }
            if (least > limit) {
                return Integer.MAX_VALUE;
            }
            int[] free = twoAbove;
            twoAbove = above;
            above = row;
            row = free;
        }
        return above[b.length()];
    }
}
