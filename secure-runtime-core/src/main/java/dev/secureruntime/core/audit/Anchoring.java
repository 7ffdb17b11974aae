package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AnchorConflictException;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The anchors of a log that is being written: which checkpoint is the newest, who has taken which, who waits for that.
 *
 * <p>Nothing here holds up the writer or the sealer: they leave the newest checkpoint and go on. What anchors give becomes
 * {@code log.anchored} records. Such records alone are no reason to anchor again, or the log would grow for ever by itself:
 * their indexes are remembered, and a checkpoint has news only when it covers another record. Thread-safe.
 */
final class Anchoring {

    private static final Logger LOG = LoggerFactory.getLogger(Anchoring.class);
    private static final int KNOWN_TREES = 8;

    private final LogFiles files;
    private final AppendQueue queue;
    private final LongSupplier ticker;
    private final AnchorTimes times;
    private final List<AnchorKeeper> keepers = new ArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread created = new Thread(task, "secure-runtime-audit-anchor");
        created.setDaemon(true);
        return created;
    });
    private final ConcurrentSkipListMap<Long, CompactRange> trees = new ConcurrentSkipListMap<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final TreeMap<Long, CompletableFuture<Void>> waiting = new TreeMap<>();
    private final TreeSet<Long> ownRecords = new TreeSet<>();
    private @Nullable StoredCheckpoint newest;
    private long wanted;
    private int appending;
    private @Nullable SecureRuntimeException ended;

    Anchoring(AuditSettings settings, LogFiles files, AppendQueue queue, LongSupplier ticker) {
        this.files = files;
        this.queue = queue;
        this.ticker = ticker;
        this.times = AnchorTimes.of(settings.anchorInterval());
        settings.anchors().forEach((name, anchor) -> keepers.add(new AnchorKeeper(name, anchor, this, threads, times)));
    }

    void start() {
        long now = ticker.getAsLong();
        for (AnchorKeeper keeper : keepers) {
            keeper.dueAt = now;
            threads.execute(keeper);
        }
    }

    /** Called by the sealer for every checkpoint. */
    void sealed(byte[] note, CompactRange tree) {
        if (keepers.isEmpty()) {
            return;
        }
        StoredCheckpoint checkpoint = new StoredCheckpoint(files, note, tree.copy(), trees);
        lock.lock();
        try {
            newest = checkpoint;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The newest checkpoint is to be anchored soon. */
    void wantNewest() {
        lock.lock();
        try {
            if (newest != null) {
                wanted = Math.max(wanted, newest.size());
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Completes when every anchor has taken a checkpoint over the first {@code size} records. */
    CompletableFuture<Void> reached(long size) {
        if (keepers.isEmpty()) {
            return CompletableFuture.failedFuture(new SecureRuntimeException(
                    ErrorCode.ANCHOR_NONE,
                    "The log has no anchor, so its records are never anchored; add one with AuditSettings.anchor"));
        }
        CompletableFuture<Void> reached;
        lock.lock();
        try {
            SecureRuntimeException failure = ended == null ? conflict() : ended;
            if (takenByAll() >= size) {
                return CompletableFuture.completedFuture(null);
            }
            if (failure != null) {
                return CompletableFuture.failedFuture(failure);
            }
            wanted = Math.max(wanted, size);
            reached = waiting.computeIfAbsent(size, any -> new CompletableFuture<>());
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        queue.wantSeal();
        return reached;
    }

    /** Up to which size every anchor has seen the log; to be shown more, it may need a proof from there on. */
    long seenByAll() {
        lock.lock();
        try {
            return keepers.isEmpty() ? Long.MAX_VALUE : takenByAll();
        } finally {
            lock.unlock();
        }
    }

    private long takenByAll() {
        return keepers.stream().mapToLong(keeper -> keeper.taken).min().orElse(0);
    }

    private @Nullable SecureRuntimeException conflict() {
        for (AnchorKeeper keeper : keepers) {
            if (keeper.state == AnchorKeeper.State.CONFLICT) {
                return new SecureRuntimeException(
                        ErrorCode.ANCHOR_CONFLICT,
                        "The anchor " + keeper.name + " holds a checkpoint that this log contradicts");
            }
        }
        return null;
    }

    /** The checkpoint that an anchor is due to be given, once it is; null when anchoring has ended. */
    @Nullable
    StoredCheckpoint awaitDue(AnchorKeeper keeper) throws InterruptedException {
        lock.lock();
        try {
            while (ended == null) {
                StoredCheckpoint checkpoint = newest;
                if (checkpoint == null || appending > 0 || !hasNews(keeper, checkpoint)) {
                    changed.await();
                    continue;
                }
                boolean soon = keeper.taken < wanted && wanted <= checkpoint.size();
                long now = ticker.getAsLong();
                long due = keeper.failures > 0 ? keeper.retryAt : soon ? now : keeper.dueAt;
                if (due - now <= 0) {
                    return checkpoint;
                }
                changed.awaitNanos(due - now);
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    private boolean hasNews(AnchorKeeper keeper, StoredCheckpoint checkpoint) {
        long added = checkpoint.size() - keeper.taken;
        return added > 0
                && added > ownRecords.subSet(keeper.taken, checkpoint.size()).size();
    }

    /** An anchor took a checkpoint: that becomes a record, then those who wait are told. */
    void taken(AnchorKeeper keeper, StoredCheckpoint checkpoint, StoredEvidence evidence) {
        boolean recovered = keeper.failures > 0;
        List<AuditEvent> events = new ArrayList<>();
        events.add(LogRecords.anchored(keeper.name, checkpoint, evidence));
        if (recovered) {
            LOG.info("The anchor {} takes checkpoints again", keeper.name);
            events.add(LogRecords.anchorState(keeper.name, "reached", null));
        }
        append(events);
        List<CompletableFuture<Void>> reached;
        lock.lock();
        try {
            keeper.attempts++;
            keeper.failures = 0;
            keeper.state = AnchorKeeper.State.REACHED;
            keeper.taken = checkpoint.size();
            keeper.dueAt = ticker.getAsLong() + times.everyNanos();
            trees.put(checkpoint.size(), checkpoint.tree());
            if (trees.size() > KNOWN_TREES) {
                trees.pollFirstEntry();
            }
            ownRecords.headSet(takenByAll()).clear();
            var covered = waiting.headMap(takenByAll(), true);
            reached = new ArrayList<>(covered.values());
            covered.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        tell(reached, null);
    }

    /** Never on a thread that something waits for: what callers do then may wait for the log. */
    private void tell(List<CompletableFuture<Void>> futures, @Nullable SecureRuntimeException failure) {
        if (futures.isEmpty()) {
            return;
        }
        Thread told = new Thread(
                () -> futures.forEach(future -> {
                    if (failure == null) {
                        future.complete(null);
                    } else {
                        future.completeExceptionally(failure);
                    }
                }),
                "secure-runtime-audit-anchored");
        told.setDaemon(true);
        told.start();
    }

    /** An anchor failed: it is asked again later; a conflict also fails those who wait. */
    void failed(AnchorKeeper keeper, IOException cause) {
        boolean conflicts = cause instanceof AnchorConflictException;
        // Only a checkpoint that it takes ends a conflict: who can cut the network must not make it forgotten.
        boolean contradicted = conflicts || keeper.state == AnchorKeeper.State.CONFLICT;
        AnchorKeeper.State state = contradicted ? AnchorKeeper.State.CONFLICT : AnchorKeeper.State.UNREACHABLE;
        if (isEnded()) {
            return;
        }
        if (keeper.state != state) {
            report(keeper, conflicts, cause);
        }
        List<CompletableFuture<Void>> failed = List.of();
        SecureRuntimeException failure;
        lock.lock();
        try {
            keeper.attempts++;
            keeper.state = state;
            keeper.retryAt = ticker.getAsLong() + keeper.backOff(cause);
            keeper.failures++;
            failure = conflict();
            if (failure != null) {
                failed = new ArrayList<>(waiting.values());
                waiting.clear();
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        tell(failed, failure);
    }

    /** Once per change of state, not once per attempt. */
    private void report(AnchorKeeper keeper, boolean conflicts, IOException cause) {
        if (conflicts) {
            LOG.error("The anchor {} contradicts the audit log {}", keeper.name, files.directory(), cause);
        } else {
            LOG.warn("The anchor {} didn't take a checkpoint; it is asked again", keeper.name, cause);
        }
        append(List.of(LogRecords.anchorState(keeper.name, conflicts ? "conflict" : "unreachable", cause)));
    }

    /** Not under the lock: the queue may wait for the sealer, which needs it. */
    private void append(List<AuditEvent> events) {
        lock.lock();
        appending++;
        lock.unlock();
        List<Long> indexes = new ArrayList<>();
        try {
            for (AuditEvent event : events) {
                indexes.add(queue.append(event).index());
            }
        } catch (SecureRuntimeException e) {
            // The log failed or was closed meanwhile, and says so itself; what the anchor took, it has.
            LOG.debug("No record of an anchor can be appended any more", e);
        } finally {
            lock.lock();
            ownRecords.addAll(indexes);
            appending--;
            changed.signalAll();
            lock.unlock();
        }
    }

    private boolean isEnded() {
        lock.lock();
        try {
            return ended != null;
        } finally {
            lock.unlock();
        }
    }

    /** The log failed: nothing more is anchored. */
    void fail(SecureRuntimeException cause) {
        end(cause);
    }

    /** Before the log is closed: gives every anchor the newest checkpoint, waits in bounded time, and says who hasn't it. */
    synchronized void finish() {
        if (keepers.isEmpty() || isEnded()) {
            return;
        }
        try {
            queue.requireWritable();
            queue.wantSeal().join();
        } catch (SecureRuntimeException | CompletionException e) {
            end(new SecureRuntimeException(ErrorCode.AUDIT_UNWRITABLE, "The audit log can't be written", e));
            return;
        }
        List<String> late = awaitTaken();
        end(new SecureRuntimeException(
                ErrorCode.ANCHOR_NOT_REACHED, "The log was closed before these anchors took the record: " + late));
    }

    private List<String> awaitTaken() {
        lock.lock();
        try {
            long deadline = ticker.getAsLong() + times.closeNanos();
            StoredCheckpoint last = newest;
            if (last == null) {
                return List.of();
            }
            wanted = last.size();
            int[] before = keepers.stream().mapToInt(keeper -> keeper.attempts).toArray();
            keepers.forEach(keeper -> keeper.retryAt = ticker.getAsLong());
            changed.signalAll();
            while (ticker.getAsLong() - deadline < 0 && isAnyPending(last, before)) {
                changed.awaitNanos(deadline - ticker.getAsLong());
            }
            List<String> late = new ArrayList<>();
            for (AnchorKeeper keeper : keepers) {
                if (hasNews(keeper, last)) {
                    late.add(keeper.name);
                    LOG.warn(
                            "The audit log {} is closed, and the anchor {} has taken {} of its {} records",
                            files.directory(),
                            keeper.name,
                            keeper.taken,
                            last.size());
                }
            }
            return late;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return keepers.stream().map(keeper -> keeper.name).toList();
        } finally {
            lock.unlock();
        }
    }

    private boolean isAnyPending(StoredCheckpoint last, int[] before) {
        if (appending > 0) {
            return true;
        }
        for (int i = 0; i < before.length; i++) {
            AnchorKeeper keeper = keepers.get(i);
            if (hasNews(keeper, last) && (keeper.failures == 0 || keeper.attempts == before[i])) {
                return true;
            }
        }
        return false;
    }

    private void end(SecureRuntimeException cause) {
        List<CompletableFuture<Void>> failed;
        lock.lock();
        try {
            if (ended != null) {
                return;
            }
            ended = cause;
            failed = new ArrayList<>(waiting.values());
            waiting.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        // Calls that hang are interrupted; the keepers' threads end by themselves.
        keepers.forEach(AnchorKeeper::stop);
        threads.shutdown();
        tell(failed, cause);
    }
}
