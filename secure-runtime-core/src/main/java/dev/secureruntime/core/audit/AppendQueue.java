package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.core.audit.format.RecordEncoder;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Where callers leave their records for the writer: gives each its index and its place in a segment, and encodes it.
 *
 * <p>Bounded: when {@value #MAX_BATCHES} batches wait, callers wait too; nothing is ever dropped. The writer is not woken
 * for every record: it looks after {@value #LINGER_NANOS} ns, or at once when someone waits for a record. Thread-safe.
 */
final class AppendQueue {

    private static final int MAX_BATCHES = 16;
    private static final long LINGER_NANOS = 1_000_000;
    /** Some microseconds: longer than the lock is mostly held, shorter than it takes to sleep and to be woken. */
    private static final int SPINS = 64;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition space = lock.newCondition();
    private final ArrayDeque<Batch> full = new ArrayDeque<>();
    private final ArrayDeque<Batch> spare = new ArrayDeque<>();
    private final RecordEncoder encoder = new RecordEncoder();
    private final Clock clock;
    private final LogRecords records;
    private final long segmentLimit;

    private Batch open = new Batch();
    private Batch.Group newest = open.group;
    private long next;
    private long segmentNumber;
    private long segmentUsed;
    private boolean segmentHasRecords;
    /** Set before the writer looks for the last time whether someone waits for it, so that one of the two sees the other. */
    private volatile boolean writerWaits;

    private boolean urgent;
    private volatile boolean closed;
    private final AtomicLong durableWanted = new AtomicLong();
    private volatile long sealWanted;
    private volatile @Nullable SecureRuntimeException failure;
    private volatile @Nullable Anchoring anchoring;

    /** A queue for a new log, whose first batch starts the first segment. */
    AppendQueue(Clock clock, LogRecords records, long segmentLimit) {
        this.clock = clock;
        this.records = records;
        this.segmentLimit = segmentLimit;
        startSegment(0, clock.instant());
    }

    /** A queue that continues a log. */
    AppendQueue(Clock clock, LogRecords records, long segmentLimit, long next, long segmentNumber, long segmentUsed) {
        this.clock = clock;
        this.records = records;
        this.segmentLimit = segmentLimit;
        this.next = next;
        this.segmentNumber = segmentNumber;
        this.segmentUsed = segmentUsed;
        this.segmentHasRecords = true;
    }

    private void acquire() {
        for (int i = 0; i < SPINS; i++) {
            if (lock.tryLock()) {
                return;
            }
            Thread.onSpinWait();
        }
        lock.lock();
    }

    Receipt append(AuditEvent event) {
        acquire();
        try {
            requireWritable();
            while (full.size() >= MAX_BATCHES) {
                wakeWriter();
                space.awaitUninterruptibly();
                requireWritable();
            }
            return add(event);
        } finally {
            lock.unlock();
        }
    }

    /** Appends a record of the log's own from the writer's thread, which must not wait for itself. */
    void appendOwn(AuditEvent event) {
        acquire();
        try {
            add(event);
        } finally {
            lock.unlock();
        }
    }

    /** Appends the record that ends the epoch, the last of its batch. */
    void appendEpochEnd(AuditEvent event) {
        acquire();
        try {
            add(event);
            open.endsEpoch = true;
            push();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the current segment where it holds a record beside its first; from the writer's thread, like the above. */
    void endSegment() {
        acquire();
        try {
            if (segmentHasRecords && !closed) {
                if (open.count > 0) {
                    push();
                }
                startSegment(segmentNumber + 1, clock.instant());
            }
        } finally {
            lock.unlock();
        }
    }

    private Receipt add(AuditEvent event) {
        if (!open.hasRoom()) {
            push();
        }
        // Read once: a clock that fails must not do so when half of what follows is done.
        Instant now = clock.instant();
        int before = open.length;
        open.add(encoder, next, now, event);
        int length = open.length - before;
        if (segmentHasRecords && segmentUsed + length > segmentLimit) {
            open.removeLast();
            if (open.count > 0) {
                push();
            }
            startSegment(segmentNumber + 1, now);
            before = open.length;
            open.add(encoder, next, now, event);
            length = open.length - before;
        }
        segmentUsed += length;
        segmentHasRecords = true;
        if (writerWaits && open.count == 1) {
            wakeWriter();
        }
        newest = open.group;
        return new Entry(next++, newest);
    }

    private void startSegment(long number, Instant now) {
        open.add(encoder, next, now, records.segment(number));
        next++;
        open.startsSegment = true;
        segmentNumber = number;
        segmentUsed = open.length;
        segmentHasRecords = false;
    }

    private void push() {
        open.group.end = next;
        full.add(open);
        Batch fresh = spare.poll();
        open = fresh == null ? new Batch() : fresh;
        wakeWriter();
    }

    private void wakeWriter() {
        if (writerWaits) {
            work.signal();
        }
    }

    /**
     * The next batch for the writer; null after {@code maxWaitNanos}, or sooner when something other than writing is to be
     * done.
     *
     * @param durable the number of records that are forced
     */
    @Nullable
    Batch take(long maxWaitNanos, long durable) {
        acquire();
        try {
            long waited = maxWaitNanos;
            boolean lingered = false;
            while (true) {
                writerWaits = true;
                boolean hurried = urgent || closed || durableWanted.get() > durable;
                if (full.isEmpty() && open.count > 0 && (hurried || lingered)) {
                    push();
                }
                Batch batch = full.poll();
                if (batch != null || hurried || waited <= 0) {
                    urgent = urgent && batch != null && open.count > 0;
                    space.signalAll();
                    return batch;
                }
                if (open.count > 0) {
                    work.awaitNanos(LINGER_NANOS);
                    lingered = true;
                } else {
                    waited = work.awaitNanos(waited);
                }
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts the writer", e);
        } finally {
            writerWaits = false;
            lock.unlock();
        }
    }

    /** Makes the writer look for something other than records to write. */
    void nudge() {
        acquire();
        try {
            urgent = true;
            wakeWriter();
        } finally {
            lock.unlock();
        }
    }

    /** Gives a written batch's buffer back. */
    void recycle(Batch batch) {
        batch.reset();
        acquire();
        try {
            if (spare.size() < MAX_BATCHES) {
                spare.add(batch);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Asks for the records below {@code size} to be forced soon. */
    private void wantDurable(long size) {
        if (durableWanted.get() >= size) {
            // Whoever asked for a later record has woken the writer, which forces everything up to there.
            return;
        }
        durableWanted.accumulateAndGet(size, Math::max);
        if (writerWaits) {
            acquire();
            try {
                wakeWriter();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Says who knows when records are anchored. */
    void anchoredBy(Anchoring anchors) {
        anchoring = anchors;
    }

    /** Asks for a checkpoint over everything so far; completes when it is durable. */
    CompletableFuture<Void> wantSeal() {
        acquire();
        try {
            sealWanted = next;
            urgent = true;
            wakeWriter();
            return newest.sealed;
        } finally {
            lock.unlock();
        }
    }

    long durableWanted() {
        return durableWanted.get();
    }

    long sealWanted() {
        return sealWanted;
    }

    long size() {
        acquire();
        try {
            return next;
        } finally {
            lock.unlock();
        }
    }

    boolean isDrained() {
        acquire();
        try {
            return closed && full.isEmpty() && open.count == 0;
        } finally {
            lock.unlock();
        }
    }

    boolean isClosed() {
        return closed;
    }

    /** No more records: appends throw, the writer finishes. */
    void close() {
        acquire();
        try {
            closed = true;
            wakeWriter();
            space.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the queue after a failure, which every append gets from now on; returns those who wait for a queued record. */
    List<Batch.Group> poison(SecureRuntimeException cause) {
        acquire();
        try {
            failure = cause;
            List<Batch.Group> waiting = new ArrayList<>();
            full.forEach(batch -> waiting.add(batch.group));
            full.clear();
            waiting.add(open.group);
            space.signalAll();
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    /** What callers get after the log failed: it says why, as messages are all that many of them show. */
    static SecureRuntimeException unwritable(Throwable failure) {
        Throwable first = failure.getCause() == null ? failure : failure.getCause();
        return new SecureRuntimeException(
                ErrorCode.AUDIT_UNWRITABLE, "The audit log can't be written: " + first, failure);
    }

    void requireWritable() {
        SecureRuntimeException cause = failure;
        if (cause != null) {
            throw unwritable(cause);
        }
        if (closed) {
            throw new SecureRuntimeException(ErrorCode.AUDIT_UNWRITABLE, "The audit log is closed");
        }
    }

    /** A record's place, and the group that it reaches the stages with. */
    private final class Entry implements Receipt {
        private final long index;
        private final Batch.Group group;

        Entry(long index, Batch.Group group) {
            this.index = index;
            this.group = group;
        }

        @Override
        public long index() {
            return index;
        }

        @Override
        public CompletionStage<Receipt> reached(Stage stage) {
            if (stage == Stage.ACCEPTED) {
                return CompletableFuture.completedStage(this);
            }
            Anchoring anchors = anchoring;
            if (stage == Stage.ANCHORED && anchors != null) {
                return anchors.reached(index + 1).thenApply(done -> this);
            }
            var reached = stage == Stage.DURABLE ? group.durable : group.sealed;
            if (stage == Stage.DURABLE && !reached.isDone()) {
                wantDurable(index + 1);
            }
            return reached.thenApply(done -> this);
        }
    }
}
