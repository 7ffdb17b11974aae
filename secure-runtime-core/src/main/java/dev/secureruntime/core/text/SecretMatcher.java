package dev.secureruntime.core.text;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds registered secrets in bytes and texts, without keeping them.
 *
 * <p>What holds: a secret of {@value PatternTable#WINDOW} to {@value #LONGEST} bytes is found as it is, JSON-escaped (once and
 * twice), in base64 (both alphabets, all alignments, with and without padding), in hexadecimal (either case) and
 * percent-encoded, wherever it stands; of a longer one the first {@value #LONGEST} bytes are. What is kept is a random key,
 * 32 bits of a keyed hash of each form's last eight bytes, and an HMAC-SHA-256 of each form.
 *
 * <p>What does not: who reads the process's memory gets the key too, and can try guesses of a weak secret. Pieces of a
 * secret, mixtures of encodings, compressed or encrypted text are not found. A shorter secret can't be registered: it would
 * be found where it is not.
 *
 * <p>Thread-safe: what is looked for is swapped as a whole.
 */
public final class SecretMatcher {

    /** The shortest secret that is looked for, in bytes. */
    public static final int SHORTEST = PatternTable.WINDOW;

    /** The longest part of a secret that is looked for. */
    public static final int LONGEST = 4_096;

    private final KeyedDigest keyed;
    private final long multiplier;
    private final Object lock = new Object();
    private final Set<Slot> slots = new LinkedHashSet<>();
    private volatile PatternTable table;
    private volatile PatternTable hosts;

    /** A matcher that finds nothing yet. */
    public SecretMatcher() {
        SecureRandom random = new SecureRandom();
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        this.keyed = new KeyedDigest(bytes);
        this.multiplier = random.nextLong() | 1;
        this.table = new PatternTable(multiplier, keyed, List.of());
        this.hosts = table;
    }

    /** What became of a secret that was to be looked for. */
    public enum Outcome {
        /** It is looked for from now on. */
        REGISTERED,
        /** It is shorter than eight bytes, and not looked for. */
        TOO_SHORT
    }

    /** A place for the values that one secret takes: the newest {@code keep} of them are looked for. */
    public Slot slot(int keep) {
        return new Slot(keep);
    }

    /** The values of one secret, as it is rotated. Thread-safe. */
    public final class Slot implements AutoCloseable {

        private final int keep;
        private final ArrayDeque<Value> values = new ArrayDeque<>();

        private Slot(int keep) {
            this.keep = keep;
        }

        /** Looks for {@code secret} from now on, and for the values before it, up to as many as the slot keeps. */
        public Outcome remember(byte[] secret) {
            if (secret.length < PatternTable.WINDOW) {
                return Outcome.TOO_SHORT;
            }
            byte[] digest = keyed.of(secret);
            synchronized (lock) {
                Value known = values.stream()
                        .filter(value -> MessageDigest.isEqual(value.digest(), digest))
                        .findFirst()
                        .orElse(null);
                if (known != null) {
                    // A value that came back is the newest again: others must not push it out.
                    values.remove(known);
                    values.addLast(known);
                } else {
                    byte[] part = Arrays.copyOf(secret, Math.min(secret.length, LONGEST));
                    values.addLast(
                            new Value(digest, patterns(SecretForms.of(part)), patterns(SecretForms.inHosts(part))));
                    Arrays.fill(part, (byte) 0);
                    if (values.size() > keep) {
                        values.removeFirst();
                    }
                    slots.add(this);
                    swap();
                }
            }
            return Outcome.REGISTERED;
        }

        private List<PatternTable.Pattern> patterns(List<byte[]> forms) {
            List<PatternTable.Pattern> patterns = new ArrayList<>();
            for (byte[] form : forms) {
                patterns.add(PatternTable.pattern(form, multiplier, keyed, this));
                Arrays.fill(form, (byte) 0);
            }
            return patterns;
        }

        /** Looks for none of the slot's values any more. */
        @Override
        public void close() {
            synchronized (lock) {
                values.clear();
                if (slots.remove(this)) {
                    swap();
                }
            }
        }
    }

    private record Value(byte[] digest, List<PatternTable.Pattern> patterns, List<PatternTable.Pattern> inHosts) {}

    private void swap() {
        List<PatternTable.Pattern> all = new ArrayList<>();
        List<PatternTable.Pattern> inHosts = new ArrayList<>();
        slots.forEach(slot -> slot.values.forEach(value -> {
            all.addAll(value.patterns());
            inHosts.addAll(value.inHosts());
        }));
        table = new PatternTable(multiplier, keyed, all);
        hosts = new PatternTable(multiplier, keyed, inHosts);
    }

    PatternTable table() {
        return table;
    }

    /** Whether there is nothing to look for. */
    public boolean isEmpty() {
        return table.isEmpty();
    }

    /** Whether a registered secret stands in {@code bytes}. */
    public boolean occursIn(byte[] bytes) {
        return find(bytes, owners -> true) != null;
    }

    /** The slots of a registered secret that stands in {@code bytes} and counts; null when there is none. */
    public @Nullable Set<Slot> find(byte[] bytes, Predicate<Set<Slot>> counts) {
        PatternTable current = table;
        return current.isEmpty() ? null : current.find(bytes, 0, 0, bytes.length, counts);
    }

    /**
     * The slots of a registered secret that stands in a host's name and counts; null when there is none. Names are compared
     * without case and look for what fits into one: the secret as it is, in hexadecimal and in base32, also over several labels.
     */
    public @Nullable Set<Slot> findInHost(String host, Predicate<Set<Slot>> counts) {
        PatternTable current = hosts;
        if (current.isEmpty()) {
            return null;
        }
        byte[] labels = host.toLowerCase(Locale.ROOT).replace(".", "").getBytes(StandardCharsets.UTF_8);
        return current.find(labels, 0, 0, labels.length, counts);
    }

    /** Whether a registered secret stands in {@code text}, in UTF-8. */
    public boolean occursIn(String text) {
        return table.occursIn(text);
    }

    /** A scan of bytes that come in pieces, for any secret. */
    public SecretScan scan() {
        return scan(owners -> true);
    }

    /** A scan of bytes that come in pieces, for the secrets that count. */
    public SecretScan scan(Predicate<Set<Slot>> counts) {
        return new SecretScan(this, counts);
    }

    /** A scan of a body that comes in pieces, for the secrets that count. */
    public BodyScan scanBody(Predicate<Set<Slot>> counts) {
        return new BodyScan(scan(counts));
    }

    @Override
    public String toString() {
        return "SecretMatcher";
    }
}
