package dev.secureruntime.core.audit;

import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The keys of a content store, one for each subject.
 *
 * <pre>
 *   STORE/store               secure-runtime-content/1 LF origin LF naming key, 64 hexadecimal digits LF
 *   STORE/keys/NAME.key       P or W, key id (16), the key (32), or where W the key sealed under the wrapping key (48)
 *   STORE/keys/NAME.erasing   an erasure under way: overwritten already, or about to be
 * </pre>
 *
 * <p>NAME is the first half of HMAC-SHA-256(naming key, subject): subjects can be personal data, and neither the store nor the
 * log shall list them. Who has the naming key can try guesses. Not thread-safe.
 */
final class ContentKeys {

    private static final int MAX_SUBJECT = 1_024;
    private static final int STORE_BYTES = 512;
    private static final int KEY_FILE_BYTES = 128;
    private static final String KEY = ".key";
    private static final String ERASING = ".erasing";

    private final Path directory;
    private final String origin;
    private final byte[] naming;
    private final byte @Nullable [] wrapping;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, ContentKey> held = new HashMap<>();

    private ContentKeys(Path store, String origin, byte[] naming, byte @Nullable [] wrapping) {
        this.directory = store.resolve("keys");
        this.origin = origin;
        this.naming = naming;
        this.wrapping = wrapping;
    }

    /** Opens the keys of the store that belongs to the log {@code origin}; makes the store where there is none. */
    static ContentKeys openOrCreate(ContentSettings settings, String origin) throws IOException {
        Path store = settings.store();
        if (!Files.exists(store.resolve("store"))) {
            OwnerFiles.createDirectory(store);
            OwnerFiles.createDirectory(store.resolve("keys"));
            OwnerFiles.createDirectory(store.resolve("content"));
            byte[] naming = random(new SecureRandom());
            String text = ContentEntry.FORMAT + "\n" + origin + "\n" + Hex.text(naming) + "\n";
            OwnerFiles.replace(store.resolve("store"), text.getBytes(StandardCharsets.UTF_8));
        }
        Path wrapping = settings.wrappingKey().orElse(null);
        List<Path> wrapped = wrapped(store.resolve("keys"));
        if (wrapping != null && !Files.exists(wrapping)) {
            if (!wrapped.isEmpty()) {
                throw unusable(
                        store,
                        "has keys that are encrypted with a wrapping key, and there is no file " + wrapping
                                + ": put it back, or name the right one");
            }
            Files.createDirectories(Durable.parent(wrapping));
            OwnerFiles.replace(wrapping, random(new SecureRandom()));
        }
        ContentKeys keys = open(settings);
        keys.requireOrigin(store, origin);
        keys.requireOpens(wrapped);
        return keys;
    }

    /** Refuses a wrapping key, or none, that opens no key: the next subject's would be sealed under it, or not at all. */
    private void requireOpens(List<Path> wrapped) throws IOException {
        SecureRuntimeException refused = null;
        for (Path file : wrapped) {
            try {
                read(file).destroy();
                return;
            } catch (SecureRuntimeException e) {
                refused = e; // it may be this one file that is damaged
            }
        }
        if (refused != null) {
            throw refused;
        }
    }

    /** Refuses the store of another log. */
    void requireOrigin(Path store, String log) {
        if (!origin.equals(log)) {
            throw unusable(store, "belongs to the log " + origin + ", not to " + log);
        }
    }

    /** Opens the keys of a store that is there. */
    static ContentKeys open(ContentSettings settings) throws IOException {
        Path store = settings.store();
        if (!Files.exists(store.resolve("store"))) {
            throw unusable(store, "is no content store");
        }
        String[] lines = new String(OwnerFiles.read(store.resolve("store"), STORE_BYTES), StandardCharsets.UTF_8)
                .split("\n", -1);
        if (lines.length != 4 || !lines[0].equals(ContentEntry.FORMAT) || !lines[2].matches("[0-9a-f]{64}")) {
            throw unusable(store, "is not in the form " + ContentEntry.FORMAT);
        }
        byte[] wrapping = null;
        Path file = settings.wrappingKey().orElse(null);
        if (file != null) {
            wrapping = OwnerFiles.read(file, KEY_FILE_BYTES);
            if (wrapping.length != ContentCipher.KEY_BYTES) {
                throw unusable(store, "is given a wrapping key that doesn't have 32 bytes: " + file);
            }
        }
        byte[] naming = java.util.HexFormat.of().parseHex(lines[2]);
        return new ContentKeys(store, lines[1], naming, wrapping);
    }

    /** The files of keys that are sealed under a wrapping key. */
    private static List<Path> wrapped(Path directory) throws IOException {
        List<Path> wrapped = new ArrayList<>();
        for (Path file : files(directory, KEY)) {
            // Whoever may read it: one file that is in disorder stops its own subject, not the others.
            try (FileChannel channel = LineReader.openRegular(file)) {
                ByteBuffer kind = ByteBuffer.allocate(1);
                if (channel.read(kind) == 1 && kind.get(0) == 'W') {
                    wrapped.add(file);
                }
            }
        }
        return wrapped;
    }

    private static byte[] random(SecureRandom random) {
        byte[] bytes = new byte[ContentCipher.KEY_BYTES];
        random.nextBytes(bytes);
        return bytes;
    }

    static SecureRuntimeException unusable(Path store, String why) {
        return new SecureRuntimeException(ErrorCode.CONTENT_STORE_UNUSABLE, "The content store " + store + " " + why);
    }

    String origin() {
        return origin;
    }

    /** Refuses what names no subject; of unpaired surrogates UTF-8 would make one and the same. */
    static void requireSubject(String subject) {
        if (subject.isEmpty()
                || subject.length() > MAX_SUBJECT
                || !StandardCharsets.UTF_8.newEncoder().canEncode(subject)) {
            throw new IllegalArgumentException(
                    "a subject, or component/NAME, has 1 to " + MAX_SUBJECT + " characters and no unpaired surrogate");
        }
    }

    /** What names a subject in the store and in the log. */
    String digest(String subject) {
        requireSubject(subject);
        byte[] mac = ContentCipher.mac(naming).doFinal(subject.getBytes(StandardCharsets.UTF_8));
        return Hex.text(Arrays.copyOf(mac, ContentEntry.ID_BYTES));
    }

    /** The subject's key; made, and durable, where there is none. */
    ContentKey of(String subject) throws IOException {
        String digest = digest(subject);
        ContentKey key = held.get(digest);
        if (key == null) {
            Path file = directory.resolve(digest + KEY);
            key = Files.exists(file) ? read(file) : create(file);
            held.put(digest, key);
        }
        return key;
    }

    private ContentKey create(Path file) throws IOException {
        byte[] id = new byte[ContentEntry.ID_BYTES];
        random.nextBytes(id);
        ContentKey key = new ContentKey(Hex.text(id), random(random));
        byte[] stored = wrapping == null ? key.bytes() : ContentCipher.seal(wrapping, context(key.id()), key.bytes());
        ByteBuffer content = ByteBuffer.allocate(1 + id.length + stored.length);
        content.put((byte) (wrapping == null ? 'P' : 'W')).put(id).put(stored);
        OwnerFiles.replace(file, content.array());
        Arrays.fill(content.array(), (byte) 0);
        return key;
    }

    private byte[] context(String id) {
        // The id is random and belongs to this key alone.
        return (ContentEntry.FORMAT + " key\0" + origin + "\0" + id).getBytes(StandardCharsets.UTF_8);
    }

    private ContentKey read(Path file) throws IOException {
        byte[] content = OwnerFiles.read(file, KEY_FILE_BYTES);
        int head = 1 + ContentEntry.ID_BYTES;
        boolean wrapped =
                content.length == head + ContentCipher.KEY_BYTES + ContentCipher.TAG_BYTES && content[0] == 'W';
        if (!wrapped && (content.length != head + ContentCipher.KEY_BYTES || content[0] != 'P')) {
            throw unusable(directory, "has a damaged key file: " + file.getFileName());
        }
        String id = Hex.text(Arrays.copyOfRange(content, 1, head));
        byte[] bytes = Arrays.copyOfRange(content, head, content.length);
        Arrays.fill(content, (byte) 0);
        if (wrapped) {
            bytes = wrapping == null ? null : ContentCipher.open(wrapping, context(id), bytes);
        }
        if (bytes == null) {
            throw unusable(directory, "needs the wrapping key that its keys were encrypted with");
        }
        return new ContentKey(id, bytes);
    }

    /** All keys by their ids. */
    Map<String, ContentKey> all() throws IOException {
        Map<String, ContentKey> all = new HashMap<>();
        for (Path file : files(directory, KEY)) {
            ContentKey key = read(file);
            all.put(key.id(), key);
        }
        return all;
    }

    private static List<Path> files(Path directory, String suffix) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().matches("[0-9a-f]{32}\\" + suffix))
                    .toList();
        }
    }

    /**
     * Destroys a subject's key, in memory and in its file, and leaves the file as a mark until the log has it on record.
     *
     * @return whether there was a key
     */
    boolean shred(String digest) throws IOException {
        ContentKey key = held.remove(digest);
        if (key != null) {
            key.destroy();
        }
        Path file = directory.resolve(digest + KEY);
        Path mark = directory.resolve(digest + ERASING);
        boolean known = Files.exists(file) || Files.exists(mark);
        if (Files.exists(mark)) {
            // Of an earlier erasure, which may have failed here: behind the renaming nothing leads to its blocks any
            // more.
            OwnerFiles.overwrite(mark);
        }
        if (Files.exists(file)) {
            // The same blocks under another name: should the process die here, the next start overwrites them.
            Files.move(file, mark, StandardCopyOption.ATOMIC_MOVE);
            Durable.forceDirectory(directory);
            OwnerFiles.overwrite(mark);
        }
        return known;
    }

    /** The subjects whose erasure was begun and is not on record. */
    List<String> erasing() throws IOException {
        return files(directory, ERASING).stream()
                .map(file -> file.getFileName().toString().replace(ERASING, ""))
                .toList();
    }

    /** The erasure is on record. */
    void erased(String digest) throws IOException {
        if (Files.deleteIfExists(directory.resolve(digest + ERASING))) {
            Durable.forceDirectory(directory);
        }
    }

    void destroy() {
        held.values().forEach(ContentKey::destroy);
        held.clear();
        Arrays.fill(naming, (byte) 0);
        if (wrapping != null) {
            Arrays.fill(wrapping, (byte) 0);
        }
    }
}
