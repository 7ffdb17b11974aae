package dev.secureruntime.audit;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where and how content - prompts, outputs, what a caller calls content - is kept beside the log, encrypted with a key for
 * each subject. Immutable: each method gives a changed copy.
 *
 * <p>What holds: once {@link AuditLog#erase} has returned, what was kept of the subject can't be decrypted from what is left,
 * and every proof about the log still holds. What does not: copies of the store that were made before, with their keys; blocks
 * that a journaling or copy-on-write file system or a flash disk still has.
 */
public final class ContentSettings {

    private static final int MEBIBYTE = 1 << 20;
    private static final int MOST = 16 * MEBIBYTE;

    private final Path store;
    private final int maxFieldBytes;
    private final @Nullable Path wrappingKey;

    private ContentSettings(Path store, int maxFieldBytes, @Nullable Path wrappingKey) {
        this.store = store;
        this.maxFieldBytes = maxFieldBytes;
        this.wrappingKey = wrappingKey;
    }

    /** A store in a directory of its own, outside the log's: who gets the log must not get the content with it. */
    public static ContentSettings in(Path store) {
        return new ContentSettings(store.toAbsolutePath().normalize(), MEBIBYTE, null);
    }

    /**
     * Keeps values of at most this many bytes, at most 16 MiB; the default is 1 MiB. A longer one is committed to in full and
     * not kept: a part of it would prove nothing.
     */
    public ContentSettings maxFieldBytes(int bytes) {
        if (bytes < 1 || bytes > MOST) {
            throw new IllegalArgumentException("a field that is kept has 1 to " + MOST + " bytes");
        }
        return new ContentSettings(store, bytes, wrappingKey);
    }

    /**
     * Encrypts the subjects' keys with the key in this file, which lies outside the store. A copy of the store alone can then
     * never be read. The file is made where there is none and no key of the store was encrypted with one; a store whose
     * wrapping key is not there isn't opened ({@code SR-CONTENT-002}).
     */
    public ContentSettings wrappingKey(Path file) {
        return new ContentSettings(store, maxFieldBytes, file.toAbsolutePath().normalize());
    }

    /** The store's directory. */
    public Path store() {
        return store;
    }

    /** The size of the longest value that is kept. */
    public int maxFieldBytes() {
        return maxFieldBytes;
    }

    /** The file of the key that encrypts the subjects' keys. */
    public Optional<Path> wrappingKey() {
        return Optional.ofNullable(wrappingKey);
    }
}
