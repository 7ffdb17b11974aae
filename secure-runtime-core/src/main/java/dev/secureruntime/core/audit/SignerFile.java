package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.LogKey;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The file that holds the private keys of one log, outside its directory and readable by its owner only.
 *
 * <pre>
 *   secure-runtime-signer/1          /2 where a line of it needs the newer reader
 *   new | started                    whether the log has its first checkpoint
 *   first-epoch VKEY
 *   log PRIVATE+KEY+...              or, in /2: log-key VKEY, and the private key is in a device
 *   epoch PRIVATE+KEY+...            the key of the current epoch
 *   next PRIVATE+KEY+...             only between the announcement of the next epoch and its start
 *   ml-dsa PRIVATE+KEY+...           in /2, where checkpoints have an ML-DSA-44 signature too
 * </pre>
 *
 * <p>How it is kept, and what of it survives a replacement: {@link SecretFile}. Not thread-safe.
 */
final class SignerFile {

    private static final String HEADER = "secure-runtime-signer/1";
    private static final String HEADER_2 = "secure-runtime-signer/2";
    private static final String NEW = "new";
    private static final String STARTED = "started";
    private static final String FIRST = "first-epoch ";
    private static final String LOG = "log ";
    private static final String EPOCH = "epoch ";
    private static final String NEXT = "next ";
    private static final String DEVICE = "log-key ";
    private static final String ML_DSA = "ml-dsa ";

    private final SecretFile file;
    private final WriterLock lock;
    private final SecureRandom random = new SecureRandom();
    private final VerifierKey firstEpoch;
    private final LogSigner log;
    private final @Nullable MlDsaSigningKey mlDsa;
    private SigningKey epoch;
    private @Nullable SigningKey next;
    private boolean started;

    private SignerFile(
            SecretFile file,
            WriterLock lock,
            VerifierKey firstEpoch,
            LogSigner log,
            @Nullable MlDsaSigningKey mlDsa,
            SigningKey epoch,
            @Nullable SigningKey next,
            boolean started) {
        this.file = file;
        this.lock = lock;
        this.firstEpoch = firstEpoch;
        this.log = log;
        this.mlDsa = mlDsa;
        this.epoch = epoch;
        this.next = next;
        this.started = started;
    }

    /** Makes the keys of a new log and stores them, held until {@link #destroy}; a log key that lives elsewhere is tried first. */
    static SignerFile create(Path file, AuditSettings settings) throws IOException {
        SecureRandom random = new SecureRandom();
        byte[] unique = new byte[16];
        random.nextBytes(unique);
        String origin = requireName(settings.name()) + "/" + Hex.text(unique);
        SigningKey epoch = SigningKey.generate(origin + LogFiles.EPOCH, random);
        LogSigner log = device(origin, settings);
        if (log == null) {
            log = SigningKey.generate(origin, random);
        } else {
            // No checkpoint: it has one line. A device that can't sign is found out before there is a log.
            log.sign((origin + " key check\n").getBytes(StandardCharsets.UTF_8));
        }
        MlDsaSigningKey mlDsa =
                settings.isPostQuantum() ? MlDsaSigningKey.generate(origin + LogFiles.ML_DSA, random) : null;
        Files.createDirectories(Durable.parent(file));
        WriterLock lock = WriterLock.ofSigner(file);
        SignerFile signer =
                new SignerFile(new SecretFile(file), lock, epoch.verifier(), log, mlDsa, epoch, null, false);
        try {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new SecureRuntimeException(
                        ErrorCode.AUDIT_LOG_INCONSISTENT, "The signer " + file + " exists already; it is not replaced");
            }
            signer.save();
            return signer;
        } catch (IOException | RuntimeException e) {
            signer.destroy();
            throw e;
        }
    }

    private static @Nullable LogSigner device(String origin, AuditSettings settings) {
        LogKey key = settings.logKey().orElse(null);
        return key == null ? null : DeviceKey.of(origin, key, settings.logKeyPatience());
    }

    static String requireName(String name) {
        if (!name.matches("[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*") || name.length() > 128) {
            throw misconfigured("A log's name is of letters, digits, '.', '_', '-' and '/', at most 128 characters");
        }
        return name;
    }

    private static SecureRuntimeException misconfigured(String what) {
        return new SecureRuntimeException(ErrorCode.RUNTIME_MISCONFIGURED, what);
    }

    /** Reads the keys, held until {@link #destroy}; finishes an overwriting that was cut off. */
    static SignerFile read(Path path, AuditSettings settings) throws IOException {
        WriterLock lock = WriterLock.ofSigner(path);
        try {
            return read(new SecretFile(path), lock, settings);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static SignerFile read(SecretFile file, WriterLock lock, AuditSettings settings) throws IOException {
        SignerFile signer;
        try {
            signer = parse(file, lock, file.read(), settings);
        } catch (IllegalArgumentException e) {
            // The cause is left out on purpose: it could repeat a part of the file.
            throw file.inconsistent("is not a signer file in the form " + HEADER + " or " + HEADER_2);
        }
        if (settings.isPostQuantum() && signer.mlDsa == null) {
            throw misconfigured(
                    "The signer " + file.file() + " has no ML-DSA key: postQuantum() is for new logs. Leave it out,"
                            + " or start a new log with a signer of its own");
        }
        file.finish();
        return signer;
    }

    private static SignerFile parse(SecretFile file, WriterLock lock, List<String> content, AuditSettings settings) {
        Deque<String> lines = new ArrayDeque<>(content);
        String header = lines.isEmpty() ? "" : lines.remove();
        if (!header.equals(HEADER) && !header.equals(HEADER_2) || lines.size() < 4) {
            throw new IllegalArgumentException("header");
        }
        String state = lines.remove();
        if (!state.equals(STARTED) && !state.equals(NEW)) {
            throw new IllegalArgumentException("state");
        }
        VerifierKey firstEpoch = VerifierKey.parse(after(FIRST, lines.remove()));
        LogSigner log = logSigner(file, lines.remove(), settings);
        SigningKey epoch = SigningKey.parse(after(EPOCH, lines.remove()));
        SigningKey next = begins(lines, NEXT) ? SigningKey.parse(after(NEXT, lines.remove())) : null;
        MlDsaSigningKey mlDsa = begins(lines, ML_DSA) ? MlDsaSigningKey.parse(after(ML_DSA, lines.remove())) : null;
        boolean second = mlDsa != null || !(log instanceof SigningKey);
        if (!lines.isEmpty() || second != header.equals(HEADER_2)) {
            throw new IllegalArgumentException("lines");
        }
        return new SignerFile(file, lock, firstEpoch, log, mlDsa, epoch, next, state.equals(STARTED));
    }

    private static LogSigner logSigner(SecretFile file, String line, AuditSettings settings) {
        if (line.startsWith(LOG)) {
            if (settings.logKey().isPresent()) {
                throw misconfigured(
                        "The signer " + file.file() + " holds the log key itself: logKey(...) is for new logs."
                                + " Leave it out, or start a new log with a signer of its own");
            }
            return SigningKey.parse(after(LOG, line));
        }
        VerifierKey expected = VerifierKey.parse(after(DEVICE, line));
        LogSigner device = device(expected.name(), settings);
        if (device == null) {
            throw misconfigured("The log key of " + file.file() + " is in a device: give it with logKey(...)");
        }
        if (!device.verifier().equals(expected)) {
            throw file.inconsistent("belongs to the log key " + expected + "; logKey(...) is " + device.verifier());
        }
        return device;
    }

    private static boolean begins(Deque<String> lines, String label) {
        return !lines.isEmpty() && lines.element().startsWith(label);
    }

    private static String after(String label, String line) {
        if (!line.startsWith(label)) {
            throw new IllegalArgumentException(label);
        }
        return line.substring(label.length());
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

    /** The ML-DSA key, or null when the log has none. */
    @Nullable
    MlDsaKey mlDsaKey() {
        return mlDsa == null ? null : mlDsa.verifier();
    }

    /** The keys to pin: log key, first epoch key, and the ML-DSA key where there is one. */
    List<String> pins() {
        List<String> keys = new ArrayList<>(List.of(log.verifier().toString(), firstEpoch.toString()));
        if (mlDsa != null) {
            keys.add(mlDsa.verifier().toString());
        }
        return List.copyOf(keys);
    }

    /** The signatures over a checkpoint: the log key's, the epoch key's, and the ML-DSA key's where there is one. */
    List<SignedNote.Signature> sign(Checkpoint checkpoint) throws IOException {
        byte[] text = checkpoint.text();
        List<SignedNote.Signature> signatures = new ArrayList<>(List.of(log.sign(text), epoch.sign(text)));
        if (mlDsa != null) {
            signatures.add(mlDsa.sign(checkpoint));
        }
        return signatures;
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

    /** Forgets the private keys, and lets others have the signer. */
    void destroy() throws IOException {
        log.destroy();
        epoch.destroy();
        if (next != null) {
            next.destroy();
        }
        if (mlDsa != null) {
            mlDsa.destroy();
        }
        lock.close();
    }

    private void save() throws IOException {
        List<String> lines = new ArrayList<>(List.of(
                mlDsa == null && log instanceof SigningKey ? HEADER : HEADER_2,
                started ? STARTED : NEW,
                FIRST + firstEpoch,
                log instanceof SigningKey key ? LOG + key.export() : DEVICE + log.verifier(),
                EPOCH + epoch.export()));
        if (next != null) {
            lines.add(NEXT + next.export());
        }
        if (mlDsa != null) {
            lines.add(ML_DSA + mlDsa.export());
        }
        file.write(lines);
    }

    @Override
    public String toString() {
        return "signer of " + log.verifier();
    }
}
