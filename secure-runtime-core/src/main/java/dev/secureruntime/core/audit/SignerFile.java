package dev.secureruntime.core.audit;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The file that holds the private keys of one log, outside its directory and readable by its owner only.
 *
 * <pre>
 *   secure-runtime-signer/1
 *   new | started                    whether the log has its first checkpoint
 *   first-epoch VKEY
 *   log PRIVATE+KEY+...
 *   epoch PRIVATE+KEY+...            the key of the current epoch
 *   next PRIVATE+KEY+...             only between the announcement of the next epoch and its start
 * </pre>
 *
 * <p>It is replaced atomically; the old content stays reachable under {@code .old} until it is overwritten, also when the
 * process dies in between. What does not hold: a journaling or copy-on-write file system, or a flash disk, may keep the
 * overwritten blocks. Not thread-safe.
 */
final class SignerFile {

    private static final String HEADER = "secure-runtime-signer/1";
    private static final String NEW = "new";
    private static final String STARTED = "started";
    private static final String FIRST = "first-epoch ";
    private static final String LOG = "log ";
    private static final String EPOCH = "epoch ";
    private static final String NEXT = "next ";
    private static final int MAX_BYTES = 4_096;
    private static final Set<PosixFilePermission> OWNER =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    private final Path file;
    private final SecureRandom random = new SecureRandom();
    private final VerifierKey firstEpoch;
    private final SigningKey log;
    private SigningKey epoch;
    private @Nullable SigningKey next;
    private boolean started;

    private SignerFile(
            Path file,
            VerifierKey firstEpoch,
            SigningKey log,
            SigningKey epoch,
            @Nullable SigningKey next,
            boolean started) {
        this.file = file;
        this.firstEpoch = firstEpoch;
        this.log = log;
        this.epoch = epoch;
        this.next = next;
        this.started = started;
    }

    /** Makes the keys of a new log and stores them. */
    static SignerFile create(Path file, String name) throws IOException {
        SecureRandom random = new SecureRandom();
        byte[] unique = new byte[16];
        random.nextBytes(unique);
        String origin = requireName(name) + "/" + Hex.text(unique);
        SigningKey epoch = SigningKey.generate(origin + LogFiles.EPOCH, random);
        SignerFile signer =
                new SignerFile(file, epoch.verifier(), SigningKey.generate(origin, random), epoch, null, false);
        Files.createDirectories(Durable.parent(file));
        signer.save();
        return signer;
    }

    private static String requireName(String name) {
        if (!name.matches("[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*") || name.length() > 128) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "A log's name is of letters, digits, '.', '_', '-' and '/', at most 128 characters");
        }
        return name;
    }

    /** Reads the keys; finishes an overwriting that was cut off. */
    static SignerFile read(Path file) throws IOException {
        if (isPosix(file) && !OWNER.containsAll(Files.getPosixFilePermissions(file))) {
            throw inconsistent(
                    file, "can be read or written by others; its keys may be known to them. Make it mode 0600");
        }
        if (Files.size(file) > MAX_BYTES) {
            throw inconsistent(file, "is not a signer file");
        }
        try {
            SignerFile signer = parse(file, Files.readString(file).lines().toList());
            signer.wipe(signer.old());
            return signer;
        } catch (IllegalArgumentException e) {
            // The cause is left out on purpose: it could repeat a part of the file.
            throw inconsistent(file, "is not a signer file in the form " + HEADER);
        }
    }

    private static SignerFile parse(Path file, List<String> lines) {
        if (lines.size() < 5 || lines.size() > 6 || !lines.get(0).equals(HEADER)) {
            throw new IllegalArgumentException("header");
        }
        boolean started = lines.get(1).equals(STARTED);
        if (!started && !lines.get(1).equals(NEW)) {
            throw new IllegalArgumentException("state");
        }
        SigningKey log = SigningKey.parse(after(LOG, lines.get(3)));
        SigningKey epoch = SigningKey.parse(after(EPOCH, lines.get(4)));
        SigningKey next = lines.size() == 6 ? SigningKey.parse(after(NEXT, lines.get(5))) : null;
        return new SignerFile(file, VerifierKey.parse(after(FIRST, lines.get(2))), log, epoch, next, started);
    }

    private static String after(String label, String line) {
        if (!line.startsWith(label)) {
            throw new IllegalArgumentException(label);
        }
        return line.substring(label.length());
    }

    private static SecureRuntimeException inconsistent(Path file, String what) {
        return new SecureRuntimeException(ErrorCode.AUDIT_LOG_INCONSISTENT, "The signer " + file + " " + what);
    }

    String origin() {
        return log.verifier().name();
    }

    VerifierKey logKey() {
        return log.verifier();
    }

    VerifierKey firstEpochKey() {
        return firstEpoch;
    }

    VerifierKey epochKey() {
        return epoch.verifier();
    }

    /** The announced key of the next epoch, or null. */
    @Nullable
    VerifierKey nextKey() {
        return next == null ? null : next.verifier();
    }

    boolean isStarted() {
        return started;
    }

    /** Both signatures over a checkpoint's text, the log key's first. */
    List<SignedNote.Signature> sign(byte[] text) {
        return List.of(log.sign(text), epoch.sign(text));
    }

    /** Remembers that the log has a checkpoint: from now on a missing log is a lost log, never a new one. */
    void start() throws IOException {
        started = true;
        save();
    }

    /** Makes and stores the key of the next epoch, before the log announces it. */
    VerifierKey prepareNext() throws IOException {
        SigningKey key = SigningKey.generate(epoch.verifier().name(), random);
        next = key;
        save();
        return key.verifier();
    }

    /** Makes the announced key the current one and destroys the one before. */
    void promoteNext() throws IOException {
        SigningKey old = epoch;
        if (next == null) {
            throw new IllegalStateException("no epoch was announced");
        }
        epoch = next;
        next = null;
        save();
        old.destroy();
    }

    void destroy() {
        log.destroy();
        epoch.destroy();
        if (next != null) {
            next.destroy();
        }
    }

    private void save() throws IOException {
        List<String> lines = new ArrayList<>(List.of(
                HEADER, started ? STARTED : NEW, FIRST + firstEpoch, LOG + log.export(), EPOCH + epoch.export()));
        if (next != null) {
            lines.add(NEXT + next.export());
        }
        byte[] content = (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
        FileAttribute<?>[] attributes = isPosix(Durable.parent(file))
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER)}
                : new FileAttribute<?>[0];
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            Durable.replace(file, content, attributes);
            return;
        }
        try (FileChannel previous = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            keepSecondName();
            Durable.replace(file, content, attributes);
            overwrite(previous);
        }
        if (Files.deleteIfExists(old())) {
            Durable.forceDirectory(Durable.parent(file));
        }
    }

    private Path old() {
        return file.resolveSibling(file.getFileName() + ".old");
    }

    /** So that the next start finds the replaced content and overwrites it, should this process die in between. */
    private void keepSecondName() throws IOException {
        wipe(old());
        try {
            Files.createLink(old(), file);
        } catch (UnsupportedOperationException | FileSystemException e) {
            // A file system without hard links: the content is still overwritten below, but not after a crash.
            return;
        }
        Durable.forceDirectory(Durable.parent(file));
    }

    private void wipe(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        // Between linking and renaming, the old name leads to the current content: that must only lose its second name.
        if (!Files.isSameFile(path, file)) {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
                overwrite(channel);
            }
        }
        Files.delete(path);
        Durable.forceDirectory(Durable.parent(path));
    }

    private static void overwrite(FileChannel channel) throws IOException {
        channel.position(0);
        Durable.write(channel, ByteBuffer.wrap(new byte[(int) channel.size()]));
        channel.force(true);
    }

    private static boolean isPosix(Path file) throws IOException {
        return Files.getFileStore(file).supportsFileAttributeView("posix");
    }

    @Override
    public String toString() {
        return "signer of " + log.verifier();
    }
}
