package dev.secureruntime.core.text;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.SecretKey;

/**
 * What the matcher looks for at one moment: of each pattern 32 bits of a keyed hash of its last bytes, its length, and an
 * HMAC-SHA-256 of all of it. Immutable.
 *
 * <p>Matching goes by a pattern's end: whoever reads bytes in order then has the whole pattern behind it.
 */
final class PatternTable {

    static final int WINDOW = 8;

    private static final int FILTER_BITS = 15;
    private static final int FILTER_SHIFT = 64 - FILTER_BITS;

    /** One pattern, without its bytes. */
    record Pattern(int windowHash, int length, byte[] digest) {}

    private final long multiplier;
    private final SecretKey key;
    private final long[] filter = new long[1 << FILTER_BITS - 6];
    private final Pattern[] patterns;
    private final int longest;

    PatternTable(long multiplier, SecretKey key, List<Pattern> patterns) {
        this.multiplier = multiplier;
        this.key = key;
        this.patterns = patterns.stream()
                .sorted((a, b) -> Integer.compare(a.windowHash(), b.windowHash()))
                .toArray(Pattern[]::new);
        int most = 0;
        for (Pattern pattern : this.patterns) {
            int bucket = pattern.windowHash() >>> 32 - FILTER_BITS;
            filter[bucket >>> 6] |= 1L << bucket;
            most = Math.max(most, pattern.length());
        }
        this.longest = most;
    }

    static Pattern pattern(byte[] form, long multiplier, SecretKey key) {
        long window = 0;
        for (int i = form.length - WINDOW; i < form.length; i++) {
            window = window << 8 | form[i] & 0xff;
        }
        return new Pattern((int) (window * multiplier >>> 32), form.length, mac(key).doFinal(form));
    }

    boolean isEmpty() {
        return patterns.length == 0;
    }

    /** The length of the longest pattern. */
    int longest() {
        return longest;
    }

    /** Whether a pattern may end with these eight bytes: true for all that do, and for one window in some hundred others. */
    boolean mayEnd(long window) {
        int bucket = (int) (window * multiplier >>> FILTER_SHIFT);
        return (filter[bucket >>> 6] & 1L << bucket) != 0;
    }

    /** The bytes in front of some place. */
    interface Before {
        /** The last {@code length} bytes, or an empty array when there are not that many. */
        byte[] last(int length);
    }

    /** Whether a pattern does end there. */
    boolean ends(long window, Before before) {
        int hash = (int) (window * multiplier >>> 32);
        for (int i = first(hash); i < patterns.length && patterns[i].windowHash() == hash; i++) {
            byte[] candidate = before.last(patterns[i].length());
            boolean found =
                    candidate.length > 0 && MessageDigest.isEqual(mac(key).doFinal(candidate), patterns[i].digest());
            Arrays.fill(candidate, (byte) 0);
            if (found) {
                return true;
            }
        }
        return false;
    }

    private int first(int hash) {
        int low = 0;
        int high = patterns.length;
        while (low < high) {
            int middle = low + high >>> 1;
            if (patterns[middle].windowHash() < hash) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    static Mac mac(SecretKey key) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }
}
