package dev.secureruntime.core.text;

import dev.secureruntime.core.text.SecretMatcher.Slot;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Looks for registered secrets in bytes that come in pieces; one that lies across pieces is found too.
 *
 * <p>It keeps as many of the last bytes as the longest pattern has, nothing while there is no pattern. A secret that is
 * registered while the scan is under way is found where it ends behind that. Not thread-safe.
 */
public final class SecretScan {

    private static final byte[] NOTHING = new byte[0];

    private final SecretMatcher matcher;
    private final Predicate<Set<Slot>> counts;
    private byte[] kept = NOTHING;
    private @Nullable Set<Slot> found;

    SecretScan(SecretMatcher matcher, Predicate<Set<Slot>> counts) {
        this.matcher = matcher;
        this.counts = counts;
    }

    /** Another one that has seen the same. */
    SecretScan copy() {
        SecretScan copy = new SecretScan(matcher, counts);
        copy.kept = kept.clone();
        copy.found = found;
        return copy;
    }

    /**
     * Looks at the next piece.
     *
     * @return whether a secret was found, in this piece or before
     */
    public boolean update(byte[] bytes, int offset, int length) {
        PatternTable table = matcher.table();
        if (found == null && !table.isEmpty() && length > 0) {
            int reach = table.longest() - 1;
            int near = Math.min(length, reach);
            byte[] joined = Arrays.copyOf(kept, kept.length + near);
            System.arraycopy(bytes, offset, joined, kept.length, near);
            found = table.find(joined, 0, kept.length, joined.length, counts);
            if (found == null) {
                found = table.find(bytes, offset, offset + near, offset + length, counts);
            }
            Arrays.fill(kept, (byte) 0);
            kept = length >= reach
                    ? Arrays.copyOfRange(bytes, offset + length - reach, offset + length)
                    : Arrays.copyOfRange(joined, Math.max(0, joined.length - reach), joined.length);
        }
        return found != null;
    }

    boolean looksForNothing() {
        return matcher.isEmpty();
    }

    /** Whether a secret was found. */
    public boolean found() {
        return found != null;
    }

    /** The slots of the secret that was found; null when none was. */
    public @Nullable Set<Slot> owners() {
        return found;
    }

    /** How many of the last bytes may be the beginning of a secret that is still to end. */
    public int reach() {
        return Math.max(0, matcher.table().longest() - 1);
    }
}
