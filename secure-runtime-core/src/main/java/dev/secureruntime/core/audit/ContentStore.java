package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.audit.Opening;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what opens the commitments of a log's records, encrypted with a key for each subject, in a directory of its own.
 *
 * <p>What holds: a value is written before its record gets a place in the log, and is on the device before the record is
 * reported to be ({@link #force} is called first). A value that holds a registered secret, or that is too long, is not
 * kept, and the record says so. After {@link #erase} nothing that is left decrypts what was kept of the subject. What does
 * not: a crash can leave values whose record never came to be; {@link ContentSweep} removes them.
 *
 * <p>Thread-safe. A failure to write values ends the log with the next record, as one of the log's own files would; one to
 * make a key refuses the record. Values are written by the threads of
 * callers, so nothing here can be broken off by an interrupt: neither the stream nor what {@link Uninterrupted} does.
 */
final class ContentStore {

    private static final long FILE_BYTES = 64L << 20;
    private static final String NOT_STORED = "secure_runtime.content.not_stored";

    private final ContentSettings settings;
    private final SecretCheck secrets;
    private final ContentKeys keys;

    /** Erasing excludes everything else: no value may be sealed with a key that is half overwritten. */
    private final ReentrantReadWriteLock erasing = new ReentrantReadWriteLock();

    private final Object writing = new Object();
    private @Nullable FileOutputStream file;
    private long written;
    private boolean dirty;
    private @Nullable IOException failure;

    private ContentStore(ContentSettings settings, SecretCheck secrets, ContentKeys keys) {
        this.settings = settings;
        this.secrets = secrets;
        this.keys = keys;
    }

    static ContentStore open(ContentSettings settings, String origin, SecretCheck secrets) throws IOException {
        return new ContentStore(settings, secrets, ContentKeys.openOrCreate(settings, origin));
    }

    /** Keeps the event's content; what comes back says what was not kept. */
    AuditEvent keep(AuditEvent event) {
        List<String> notStored = new ArrayList<>();
        event.openings().values().forEach(opening -> requireSubject(subject(opening, event)));
        for (Opening opening : event.openings().values()) {
            String reason = keep(opening, subject(opening, event));
            if (reason != null) {
                notStored.add(opening.name() + ": " + reason);
            }
        }
        return notStored.isEmpty()
                ? event
                : event.toBuilder().attribute(NOT_STORED, notStored).build();
    }

    private static String subject(Opening opening, AuditEvent event) {
        return opening.subject()
                .orElseGet(() -> "component/" + event.component().orElse(""));
    }

    private static void requireSubject(String subject) {
        try {
            ContentKeys.requireSubject(subject);
        } catch (IllegalArgumentException e) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_RECORD_REJECTED, "Record rejected, nothing was written: " + e.getMessage(), e);
        }
    }

    /** Why it was not kept; null when it was. */
    private @Nullable String keep(Opening opening, String subject) {
        byte[] value = opening.value().orElse(null);
        if (value == null || value.length > settings.maxFieldBytes()) {
            return "too_long";
        }
        if (secrets.occursIn(value)) {
            return "registered_secret";
        }
        erasing.readLock().lock();
        try {
            ContentKey key = key(subject);
            ContentEntry entry = ContentEntry.seal(
                    key, keys.origin(), opening.commitment().sha256(), opening.name(), opening.salt(), value);
            write(entry.bytes());
            return null;
        } catch (IOException e) {
            throw unwritable(e);
        } finally {
            erasing.readLock().unlock();
        }
    }

    private ContentKey key(String subject) throws IOException {
        synchronized (keys) {
            return Uninterrupted.take(() -> keys.of(subject));
        }
    }

    private void write(byte[] entry) throws IOException {
        synchronized (writing) {
            if (failure != null) {
                throw failure;
            }
            try {
                if (file == null || written > FILE_BYTES) {
                    force();
                    startFile();
                }
                java.util.Objects.requireNonNull(file).write(entry);
                written += entry.length;
                dirty = true;
            } catch (IOException e) {
                // Half an entry may stand at the end of the file: nothing must be written behind it.
                failure = e;
                throw e;
            }
        }
    }

    private void startFile() throws IOException {
        if (file != null) {
            file.close();
        }
        Path next = Uninterrupted.take(() -> {
            Path path = ContentFiles.next(settings.store().resolve("content"));
            OwnerFiles.create(path).close();
            return path;
        });
        file = new FileOutputStream(next.toFile(), true);
        written = 0;
    }

    /** Returns when everything that was kept so far is on the device. */
    void force() throws IOException {
        synchronized (writing) {
            if (failure != null) {
                // Once a forcing failed, one that succeeds proves nothing about what was written before.
                throw failure;
            }
            if (dirty && file != null) {
                file.getFD().sync();
                dirty = false;
            }
        }
    }

    /** A subject whose key was destroyed: what names it in the log, and whether there was a key. */
    record Erased(String digest, boolean known) {}

    /** Destroys the subject's key. */
    Erased erase(String subject) {
        erasing.writeLock().lock();
        try {
            String digest = keys.digest(subject);
            return new Erased(digest, Uninterrupted.take(() -> keys.shred(digest)));
        } catch (IOException e) {
            throw unwritable(e);
        } finally {
            erasing.writeLock().unlock();
        }
    }

    /** Finishes the erasures that were begun and are not on record. */
    List<Erased> unfinished() throws IOException {
        List<Erased> unfinished = new ArrayList<>();
        for (String digest : keys.erasing()) {
            keys.shred(digest);
            unfinished.add(new Erased(digest, true));
        }
        return unfinished;
    }

    /** The erasure is on record, durably. */
    void recorded(Erased erased) {
        try {
            Uninterrupted.take(() -> {
                keys.erased(erased.digest());
                return erased;
            });
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    static AuditEvent record(Erased erased) {
        return AuditEvent.of(LogRecords.ERASED)
                .attribute("secure_runtime.content.subject", erased.digest())
                .attribute("secure_runtime.content.keys", erased.known() ? 1 : 0)
                .build();
    }

    private SecureRuntimeException unwritable(IOException e) {
        return new SecureRuntimeException(
                ErrorCode.AUDIT_UNWRITABLE, "The content store " + settings.store() + " can't be written: " + e, e);
    }

    void close() throws IOException {
        try {
            closeFile();
        } finally {
            destroyKeys();
        }
    }

    private void destroyKeys() {
        erasing.writeLock().lock();
        try {
            keys.destroy();
        } finally {
            erasing.writeLock().unlock();
        }
    }

    private void closeFile() throws IOException {
        synchronized (writing) {
            try {
                force();
            } finally {
                failure = new IOException("the content store is closed");
                if (file != null) {
                    file.close();
                }
            }
        }
    }
}
