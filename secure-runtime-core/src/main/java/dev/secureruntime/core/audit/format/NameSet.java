package dev.secureruntime.core.audit.format;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * The member names of one JSON object, to find duplicates without making a string of each.
 *
 * <p>Objects have few members, so the first sixteen are compared as bytes; an object that has more (65,535 bytes hold some
 * ten thousand) goes on with a hash set, so that the cost stays linear. Not thread-safe.
 */
final class NameSet {

    private static final int PLAIN = 16;

    private final int[] from = new int[PLAIN];
    private final int[] to = new int[PLAIN];
    private int count;
    private boolean plain = true;
    private final Set<String> decoded = new HashSet<>();

    void clear() {
        count = 0;
        plain = true;
        if (!decoded.isEmpty()) {
            decoded.clear();
        }
    }

    /** Adds the name whose raw bytes are given; false when it is there already, also in another spelling. */
    boolean add(byte[] buffer, int start, int end, boolean escaped) {
        if (plain && !escaped && count < PLAIN) {
            for (int i = 0; i < count; i++) {
                if (Arrays.equals(buffer, from[i], to[i], buffer, start, end)) {
                    return false;
                }
            }
            from[count] = start;
            to[count++] = end;
            return true;
        }
        if (plain) {
            plain = false;
            for (int i = 0; i < count; i++) {
                decoded.add(JsonText.decode(buffer, from[i], to[i]));
            }
        }
        return decoded.add(JsonText.decode(buffer, start, end));
    }
}
