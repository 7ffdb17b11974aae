package dev.secureruntime.audit;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What opens a {@link Commitment}: the salt and the value. An event carries it to the log, whose content store may keep it;
 * the record has the commitment alone.
 *
 * <p>What holds: it is never printed. What does not: whoever holds the object can read the value, so keep events that carry
 * openings no longer than it takes to append them. The arrays are not copied: change none of them. Thread-safe.
 */
public final class Opening {

    /** The number of bytes of a salt. */
    public static final int SALT_BYTES = 16;

    private static final int MAX_NAME = 255;

    private final String name;
    private final @Nullable String subject;
    private final Commitment commitment;
    private final byte[] salt;
    private final byte @Nullable [] value;

    Opening(String name, @Nullable String subject, Commitment commitment, byte[] salt, byte @Nullable [] value) {
        this.name = name;
        this.subject = subject;
        this.commitment = commitment;
        this.salt = salt;
        this.value = value;
    }

    static Opening of(String name, @Nullable String subject, byte[] value) {
        Commitment.Digest digest = Commitment.digest(name, value.length);
        digest.update(value, 0, value.length);
        return digest.opening(subject);
    }

    static void requireName(String name) {
        if (name.isEmpty() || name.length() > MAX_NAME || name.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw new IllegalArgumentException(
                    "the name of a content field is of printable ASCII without spaces, at most 255 characters");
        }
    }

    /** The field's name. */
    public String name() {
        return name;
    }

    /** Whose content it is, as the caller said; empty means the component's. */
    public Optional<String> subject() {
        return Optional.ofNullable(subject);
    }

    /** The commitment that it opens. */
    public Commitment commitment() {
        return commitment;
    }

    /** The salt. */
    public byte[] salt() {
        return salt;
    }

    /** The value; empty when it was longer than what was to be kept. */
    public Optional<byte[]> value() {
        return Optional.ofNullable(value);
    }

    /** Whether salt and value, under the field's name, are what {@code commitment} binds. */
    public static boolean opens(Commitment commitment, String name, byte[] salt, byte[] value) {
        Commitment.Digest digest = new Commitment.Digest(name, salt, -1);
        digest.update(value, 0, value.length);
        return digest.commitment().equals(commitment);
    }

    /** The field's name and size, nothing of subject, salt or value. */
    @Override
    public String toString() {
        return "Opening[" + name + ", " + commitment.bytes() + " bytes]";
    }
}
