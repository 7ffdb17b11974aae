package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The audit log in a directory, in the format {@code secure-runtime-audit/1}: a hash chain and an RFC 6962 tree over the
 * same stored bytes, under checkpoints with two signatures.
 *
 * <p>What holds: {@code append} gives the record its place at once; a receipt's stages say how firmly it stands; nothing is
 * dropped (callers wait when the queue is full); no signature covers a byte that was not forced to the device, read back by
 * path, and found to be what was appended. Each start, and each day, begins an epoch with a new signing key, and destroys
 * the one before. A start checks the whole log and refuses one that was tampered with.
 *
 * <p>What does not: a record that was only accepted is lost when the machine or the process dies within about a
 * millisecond; an orderly end of the virtual machine writes and signs everything, also without {@code close}. Whole records
 * above the newest checkpoint that a start finds are continued from, and counted in a {@code log.recovered} record: who
 * could write to the directory while no writer ran could have put them there.
 *
 * <p>Thread-safe. The first I/O failure ends the log: every append throws {@code SR-AUDIT-002} from then on. Format: {@code
 * docs/audit-log-format.md}.
 */
public final class HashChainedAuditLog implements AuditLog, AutoCloseable {

    private final AppendQueue queue;
    private final LogWriter writer;
    private final Anchoring anchoring;
    private final WriterLock lock;
    private final Retention retention;
    private final List<String> verifierKeys;
    private final SecretCheck secrets;
    private final @Nullable ContentStore content;
    private final Thread thread;
    private final Thread exitHook;
    private final CountDownLatch finished = new CountDownLatch(1);
    private volatile boolean exiting;
    private volatile @Nullable SecureRuntimeException failure;

    private HashChainedAuditLog(
            LogStart.Started started, WriterLock lock, SecretCheck secrets, @Nullable ContentStore content) {
        this.secrets = secrets;
        this.content = content;
        this.queue = started.queue();
        this.writer = started.writer();
        this.anchoring = started.anchoring();
        this.lock = lock;
        queue.anchoredBy(anchoring);
        this.retention = new Retention(started.files(), started.signer().logKey());
        this.verifierKeys = started.signer().pins();
        this.thread = new Thread(this::write, "secure-runtime-audit");
        this.thread.setDaemon(true);
        this.exitHook = new Thread(this::onExit, "secure-runtime-audit-exit");
    }

    /**
     * Opens the log in {@code settings.directory()}; makes log and signer where there are none.
     *
     * @throws SecureRuntimeException {@code SR-AUDIT-001} when another writer has it or its signer open, {@code SR-AUDIT-002} when it can't
     *     be written, {@code SR-AUDIT-004} when log or signer are not in a state that may be continued, {@code
     *     SR-RUNTIME-001} when the signer lies inside the directory or the name has other characters than a log's name
     */
    public static HashChainedAuditLog open(AuditSettings settings, Clock clock) {
        return open(settings, clock, SecretCheck.NONE);
    }

    /** The same, for a log that refuses events in which {@code secrets} finds one. */
    public static HashChainedAuditLog open(AuditSettings settings, Clock clock, SecretCheck secrets) {
        return open(settings, clock, secrets, System::nanoTime, StorageDevice.SYSTEM);
    }

    static HashChainedAuditLog open(AuditSettings settings, Clock clock, LongSupplier ticker, StorageDevice device) {
        return open(settings, clock, SecretCheck.NONE, ticker, device);
    }

    private static HashChainedAuditLog open(
            AuditSettings settings, Clock clock, SecretCheck secrets, LongSupplier ticker, StorageDevice device) {
        try {
            LogFiles files = new LogFiles(settings.directory());
            ContentFirst devices = new ContentFirst(device);
            LogStart start = new LogStart(settings, clock, ticker, devices, files);
            start.requireFit(); // before there is a directory that nobody wanted
            Files.createDirectories(files.directory());
            WriterLock lock = WriterLock.ofLog(files);
            HashChainedAuditLog log;
            try {
                LogStart.Started started = start.start();
                ContentStore content = openContent(settings, started, secrets);
                if (content != null) {
                    devices.store(content);
                }
                log = new HashChainedAuditLog(started, lock, secrets, content);
            } catch (IOException | RuntimeException e) {
                lock.close();
                throw e;
            }
            log.begin();
            return log;
        } catch (IOException e) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_UNWRITABLE, "The audit log " + settings.directory() + " can't be opened: " + e, e);
        }
    }

    /** Starts the threads. What can't begin is closed: no writer, lock or exit hook is left that nobody owns. */
    private void begin() throws IOException {
        thread.start();
        try {
            Runtime.getRuntime().addShutdownHook(exitHook);
            if (content != null) {
                content.unfinished().forEach(erased -> onRecord(content, erased));
            }
            anchoring.start();
        } catch (IOException | RuntimeException e) {
            anchoring.fail(AppendQueue.unwritable(e));
            try {
                close();
            } catch (SecureRuntimeException closing) {
                e.addSuppressed(closing);
            }
            throw e;
        }
    }

    private static @Nullable ContentStore openContent(
            AuditSettings settings, LogStart.Started started, SecretCheck secrets) throws IOException {
        ContentSettings content = settings.content().orElse(null);
        if (content == null) {
            return null;
        }
        try {
            return ContentStore.open(content, started.signer().origin(), secrets);
        } catch (IOException | RuntimeException e) {
            started.writer().close();
            throw e;
        }
    }

    /**
     * Makes the signer of a log that is started later, so that verifiers can be told its keys before.
     *
     * @return the verifier keys to pin: log key, first epoch key
     * @throws SecureRuntimeException {@code SR-AUDIT-004} when the file exists, {@code SR-AUDIT-002} when it can't be written
     */
    public static List<String> createSigner(Path file, String name) {
        return createSigner(
                AuditSettings.in(file.resolveSibling("log")).signer(file).name(name));
    }

    /**
     * Makes the signer of a log that is started later with the same settings: signer file, name, log key, post-quantum.
     *
     * @return the verifier keys to pin: log key, first epoch key, and the ML-DSA key where there is one
     * @throws SecureRuntimeException {@code SR-AUDIT-004} when the file exists, {@code SR-AUDIT-002} when it can't be written or
     *     the log key doesn't sign
     */
    public static List<String> createSigner(AuditSettings settings) {
        Path file = settings.signer();
        try {
            SignerFile signer = SignerFile.create(file, settings);
            signer.destroy();
            return signer.pins();
        } catch (IOException e) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_UNWRITABLE, "The signer " + file + " can't be made: " + e.getMessage(), e);
        }
    }

    @Override
    public Receipt append(AuditEvent event) {
        if (event.type().startsWith(RecordParser.RESERVED) || event.type().equals(LogRecords.ERASED)) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_RECORD_REJECTED,
                    "Record rejected, nothing was written: types that begin with log., and content.erased, are written by"
                            + " the log alone");
        }
        if (secrets.occursIn(event)) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_RECORD_REJECTED,
                    "Record rejected, nothing was written: a registered secret stands in one of its texts. Record the"
                            + " secret's name; what the text came from must not hold the secret itself");
        }
        Receipt receipt = queue.append(content == null || event.openings().isEmpty() ? event : content.keep(event));
        if (exiting) {
            // The virtual machine ends without asking the writer's thread: what it hasn't written by then is lost.
            await(receipt.reached(Receipt.Stage.DURABLE).toCompletableFuture());
        }
        return receipt;
    }

    @Override
    public Receipt erase(String subject) {
        if (content == null) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED, "the log keeps no content: give AuditSettings.content(...)");
        }
        queue.requireWritable();
        synchronized (content) {
            // An erasure leaves a mark until its record is durable; another of the subject must not take it away.
            return onRecord(content, content.erase(subject));
        }
    }

    private Receipt onRecord(ContentStore store, ContentStore.Erased erased) {
        Receipt receipt = queue.append(ContentStore.record(erased));
        await(receipt.reached(Receipt.Stage.DURABLE).toCompletableFuture());
        store.recorded(erased);
        return receipt;
    }

    @Override
    public void checkpoint() {
        requireWritable();
        await(queue.wantSeal());
    }

    @Override
    public List<String> verifierKeys() {
        return verifierKeys;
    }

    /** The number of records, including those that the log writes itself. */
    public long size() {
        return queue.size();
    }

    /**
     * Says whether appending is possible, for a guard that refuses to act unrecorded.
     *
     * @throws SecureRuntimeException {@code SR-AUDIT-002} when the log failed or is closed
     */
    public void requireWritable() {
        queue.requireWritable();
    }

    /** Removes the segments that hold only records below {@code index}, otherwise like {@link #retireBefore}. */
    public long retireBelow(long index, List<Path> anchors) {
        return retire(Retention.Limit.below(index), anchors);
    }

    /**
     * Removes the oldest segments as long as they hold only records from before {@code time}, by the times that the records
     * have, and keeps what proves that they existed. A clock that was ahead once keeps its records, and all after them, for longer.
     *
     * <p>What holds: the log says under a checkpoint what was removed, before anything is; only records are removed that a
     * checkpoint covers which someone keeps elsewhere, and that every anchor of this log has seen since it was opened: none could
     * be shown how the log continued otherwise; what is left verifies from the same pinned keys. What does not: a
     * removed record can't be shown or proved any more, except by proofs that were made before.
     *
     * @param anchors files with checkpoints of this log that are kept elsewhere
     * @return the index of the first record that is left
     * @throws IllegalArgumentException when an anchor can't be read, is not signed by the log key, or none is given
     * @throws SecureRuntimeException {@code SR-AUDIT-004} when the log doesn't have an anchored checkpoint or was changed,
     *     {@code SR-AUDIT-002} when it can't be written: then nothing was removed, or the next start finishes it
     */
    public long retireBefore(Instant time, List<Path> anchors) {
        return retire(retention.before(time), anchors);
    }

    private synchronized long retire(Retention.Limit limit, List<Path> anchors) {
        requireWritable();
        try {
            RetiredHead head = retention.plan(limit.and(Retention.Limit.below(anchoring.seenByAll())), anchors);
            if (head == null) {
                return retention.first();
            }
            queue.append(LogRecords.retired(head.below(), head.anchoredSize(), head.anchored()));
            checkpoint();
            retention.carryOut(head);
            return head.below();
        } catch (LogFault e) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_LOG_INCONSISTENT,
                    "Nothing was removed: " + e.firstBad().file() + ": "
                            + e.firstBad().reason());
        } catch (IOException e) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_UNWRITABLE,
                    "Records could not be removed, or not all of them; do it again: " + e,
                    e);
        }
    }

    private static void await(CompletableFuture<?> stage) {
        try {
            stage.join();
        } catch (CompletionException e) {
            throw AppendQueue.unwritable(e.getCause() == null ? e : e.getCause());
        }
    }

    private void write() {
        try {
            writer.run();
        } catch (IOException | RuntimeException | Error e) {
            // Decided here, not hidden: every append and every waiting caller gets it from now on.
            failure = writer.poison(e);
            anchoring.fail(failure);
        } finally {
            finished.countDown();
        }
    }

    private void onExit() {
        exiting = true;
        try {
            checkpoint();
        } catch (SecureRuntimeException e) {
            if (queue.isClosed() && isWrittenToTheEnd()) {
                return;
            }
            LoggerFactory.getLogger(HashChainedAuditLog.class).error("The audit log could not be sealed at exit", e);
        }
    }

    /** Of a log that someone else closes: whether everything was written and signed; waits for it. */
    private boolean isWrittenToTheEnd() {
        try {
            finished.await();
            return failure == null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Seals the log: writes and signs everything, then lets go of the directory. Further calls do nothing. Anchors are given
     * the newest checkpoint before, and waited for some seconds; which of them didn't take it is in the developer's log.
     *
     * @throws SecureRuntimeException {@code SR-AUDIT-002} when something could not be written; receipts say what
     */
    @Override
    public void close() {
        anchoring.finish();
        queue.close();
        boolean interrupted = false;
        while (true) {
            try {
                finished.await();
                thread.join();
                break;
            } catch (InterruptedException e) {
                // A half-closed log would lose records: finish first, then pass the interrupt on.
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        release();
    }

    private boolean released;

    private synchronized void release() {
        if (released) {
            return;
        }
        released = true;
        try {
            Runtime.getRuntime().removeShutdownHook(exitHook);
        } catch (IllegalStateException e) {
            LoggerFactory.getLogger(HashChainedAuditLog.class)
                    .debug("The virtual machine ends, and runs the hook whether or not it is needed", e);
        }
        try (lock) {
            writer.close();
            if (content != null) {
                content.close();
            }
        } catch (IOException e) {
            throw new SecureRuntimeException(ErrorCode.AUDIT_UNWRITABLE, "The audit log could not be closed: " + e, e);
        }
        SecureRuntimeException cause = failure;
        if (cause != null) {
            throw new SecureRuntimeException(
                    ErrorCode.AUDIT_UNWRITABLE, "The audit log could not be sealed: " + cause.getCause(), cause);
        }
    }
}
