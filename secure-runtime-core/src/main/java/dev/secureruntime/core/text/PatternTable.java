package dev.secureruntime.core.text;

import dev.secureruntime.core.text.SecretMatcher.Slot;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
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
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int LEAST_FILTER_BITS = 12;
    private static final int MOST_FILTER_BITS = 20;
    private static final int REMEMBERED = 256;
    private static final int LONGEST_REMEMBERED = 128;
    private static final Comparator<Pattern> ORDER = Comparator.comparingInt(Pattern::windowHash)
            .thenComparingInt(Pattern::length)
            .thenComparing(Pattern::digest, Arrays::compare);

    /** One pattern, without its bytes, and whose it is: a value may be known by several names. */
    record Pattern(int windowHash, int length, byte[] digest, Set<Slot> owners) {}

    private final long multiplier;
    private final KeyedDigest keyed;
    private final long[] filter;
    private final int filterShift;
    private final Pattern[] patterns;
    private final int longest;
    /** Texts in which nothing was found, by their hash: the names and most values of a record come again and again. */
    private final @Nullable String[] clean = new String[REMEMBERED];

    PatternTable(long multiplier, KeyedDigest keyed, List<Pattern> patterns) {
        this.multiplier = multiplier;
        this.keyed = keyed;
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

    static Pattern pattern(byte[] form, long multiplier, KeyedDigest keyed, Slot owner) {
        long window = (long) LAST_EIGHT.get(form, form.length - WINDOW);
        return new Pattern((int) (window * multiplier >>> 32), form.length, keyed.of(form), Set.of(owner));
    }

    boolean isEmpty() {
        return patterns.length == 0;
    }

    /** The length of the longest pattern. */
    int longest() {
        return longest;
    }

    /** Whether a pattern stands in {@code text}, in UTF-8. */
    boolean occursIn(String text) {
        if (isEmpty() || text.length() * 3L < WINDOW) {
            return false;
        }
        if (text.length() > LONGEST_REMEMBERED) {
            return occursIn(text.getBytes(StandardCharsets.UTF_8));
        }
        int place = text.hashCode() & REMEMBERED - 1;
        if (text.equals(clean[place])) {
            return false;
        }
        boolean occurs = occursIn(text.getBytes(StandardCharsets.UTF_8));
        if (!occurs) {
            clean[place] = text; // whichever thread's text is seen there, it is one that nothing stands in
        }
        return occurs;
    }

    private boolean occursIn(byte[] bytes) {
        return find(bytes, 0, 0, bytes.length, owners -> true) != null;
    }

    /**
     * The owners of the first pattern that ends behind {@code from}, begins at {@code floor} or later, and counts; null when
     * there is none.
     */
    @Nullable
    Set<Slot> find(byte[] bytes, int floor, int from, int to, Predicate<Set<Slot>> counts) {
        int end = possibleEnd(bytes, Math.max(from + 1, floor + WINDOW), to);
        while (end <= to) {
            Set<Slot> found = ending(bytes, floor, end, counts);
            if (found != null) {
                return found;
            }
            end = possibleEnd(bytes, end + 1, to);
        }
        return null;
    }

    /**
     * The first place from {@code end} to {@code to} that a pattern may end at: each one that a pattern does end at, and one in
     * some dozens of others. A loop of its own, with nothing in it that is called: it passes over every byte that leaves.
     */
    private int possibleEnd(byte[] bytes, int end, int to) {
        long[] bits = filter;
        long factor = multiplier;
        int shift = filterShift;
        int at = end;
        while (at <= to) {
            int bucket = (int) ((long) LAST_EIGHT.get(bytes, at - WINDOW) * factor >>> shift);
            if ((bits[bucket >>> 6] >>> bucket & 1) != 0) {
                break;
            }
            at++;
        }
        return at;
    }

    private @Nullable Set<Slot> ending(byte[] bytes, int floor, int end, Predicate<Set<Slot>> counts) {
        int hash = (int) ((long) LAST_EIGHT.get(bytes, end - WINDOW) * multiplier >>> 32);
        for (int i = first(hash); i < patterns.length && patterns[i].windowHash() == hash; i++) {
            Pattern pattern = patterns[i];
            if (pattern.length() > end - floor) {
                continue;
            }
            byte[] candidate = Arrays.copyOfRange(bytes, end - pattern.length(), end);
            boolean found = MessageDigest.isEqual(keyed.of(candidate), pattern.digest());
            Arrays.fill(candidate, (byte) 0);
            if (found && counts.test(pattern.owners())) {
                return pattern.owners();
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
}
