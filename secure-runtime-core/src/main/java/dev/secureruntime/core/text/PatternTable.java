package dev.secureruntime.core.text;

import dev.secureruntime.core.text.SecretMatcher.Slot;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;

/**
 * What the matcher looks for at one moment: of each pattern 32 bits of a keyed hash of its last bytes, its length, and an
 * HMAC-SHA-256 of all of it. Immutable.
 *
 * <p>Matching goes by a pattern's end: whoever reads bytes in order then has the whole pattern behind it.
 */
final class PatternTable {

    static final int WINDOW = 8;

    private static final VarHandle LAST_EIGHT =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final int LEAST_FILTER_BITS = 12;
    private static final int MOST_FILTER_BITS = 20;
    private static final Comparator<Pattern> ORDER = Comparator.comparingInt(Pattern::windowHash)
            .thenComparingInt(Pattern::length)
            .thenComparing(Pattern::digest, Arrays::compare);

    /** One pattern, without its bytes, and whose it is: a value may be known by several names. */
    record Pattern(int windowHash, int length, byte[] digest, Set<Slot> owners) {}

    private final long multiplier;
    private final SecretKey key;
    private final long[] filter;
    private final int filterShift;
    private final Pattern[] patterns;
    private final int longest;

    PatternTable(long multiplier, SecretKey key, List<Pattern> patterns) {
        this.multiplier = multiplier;
        this.key = key;
        this.patterns = merged(patterns);
        // Some 64 bits for each pattern, so that one window in 64 looks further.
        int bits = 64 - Long.numberOfLeadingZeros(64L * this.patterns.length);
        int filterBits = Math.max(LEAST_FILTER_BITS, Math.min(MOST_FILTER_BITS, bits));
        this.filter = new long[1 << filterBits - 6];
        this.filterShift = 64 - filterBits;
        int most = 0;
        for (Pattern pattern : this.patterns) {
            int bucket = pattern.windowHash() >>> 32 - filterBits;
            filter[bucket >>> 6] |= 1L << bucket;
            most = Math.max(most, pattern.length());
        }
        this.longest = most;
    }

    private static Pattern[] merged(List<Pattern> patterns) {
        List<Pattern> merged = new ArrayList<>();
        for (Pattern pattern : patterns.stream().sorted(ORDER).toList()) {
            Pattern last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
            if (last != null && ORDER.compare(last, pattern) == 0) {
                Set<Slot> owners = new LinkedHashSet<>(last.owners());
                owners.addAll(pattern.owners());
                merged.set(
                        merged.size() - 1,
                        new Pattern(last.windowHash(), last.length(), last.digest(), Set.copyOf(owners)));
            } else {
                merged.add(pattern);
            }
        }
        return merged.toArray(Pattern[]::new);
    }

    static Pattern pattern(byte[] form, long multiplier, SecretKey key, Slot owner) {
        long window = (long) LAST_EIGHT.get(form, form.length - WINDOW);
        return new Pattern((int) (window * multiplier >>> 32), form.length, mac(key).doFinal(form), Set.of(owner));
    }

    boolean isEmpty() {
        return patterns.length == 0;
    }

    /** The length of the longest pattern. */
    int longest() {
        return longest;
    }

    /** Whether a pattern may end with these eight bytes: true for all that do, and for one window in some dozens of others. */
    boolean mayEnd(long window) {
        int bucket = (int) (window * multiplier >>> filterShift);
        return (filter[bucket >>> 6] & 1L << bucket) != 0;
    }

    /**
     * The owners of the first pattern that ends behind {@code from}, begins at {@code floor} or later, and counts; null when
     * there is none.
     */
    @Nullable
    Set<Slot> find(byte[] bytes, int floor, int from, int to, Predicate<Set<Slot>> counts) {
        long[] bits = filter;
        for (int end = Math.max(from + 1, floor + WINDOW); end <= to; end++) {
            long hash = (long) LAST_EIGHT.get(bytes, end - WINDOW) * multiplier;
            int bucket = (int) (hash >>> filterShift);
            if ((bits[bucket >>> 6] & 1L << bucket) != 0) {
                int last = end;
                Set<Slot> found = ending(
                        (int) (hash >>> 32),
                        length -> length > last - floor ? new byte[0] : Arrays.copyOfRange(bytes, last - length, last),
                        counts);
                if (found != null) {
                    return found;
                }
            }
        }
        return null;
    }

    /** The bytes in front of some place. */
    interface Before {
        /** The last {@code length} bytes, or an empty array when there are not that many. */
        byte[] last(int length);
    }

    /** Whether a pattern does end there. */
    boolean ends(long window, Before before) {
        return ending((int) (window * multiplier >>> 32), before, owners -> true) != null;
    }

    private @Nullable Set<Slot> ending(int hash, Before before, Predicate<Set<Slot>> counts) {
        for (int i = first(hash); i < patterns.length && patterns[i].windowHash() == hash; i++) {
            byte[] candidate = before.last(patterns[i].length());
            boolean found =
                    candidate.length > 0 && MessageDigest.isEqual(mac(key).doFinal(candidate), patterns[i].digest());
            Arrays.fill(candidate, (byte) 0);
            if (found && counts.test(patterns[i].owners())) {
                return patterns[i].owners();
            }
        }
        return null;
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
