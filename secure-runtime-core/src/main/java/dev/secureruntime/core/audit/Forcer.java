package dev.secureruntime.core.audit;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Forces what the writer has written to the device, so that the writer writes the next lines meanwhile, and tells those who
 * wait. A force covers what was written before it began, and only that.
 *
 * <p>One force at a time, by whatever thread: the system reports a failed write-back to one caller only, and another that came
 * right behind would take the lost bytes for durable. After a failure nothing is forced any more.
 *
 * <p>Called by the writer's thread alone.
 */
final class Forcer implements AutoCloseable {

    /** How much is written while a force goes on; a device that stalls stalls the writer, and that in turn the callers. */
    private static final long AHEAD_BYTES = 128 * 1024;

    private final StorageDevice device;
    private final Notifier notifier;
    private final Runnable whenFailed;
    private final ExecutorService thread;
    private ArrayDeque<Batch.Group> pending = new ArrayDeque<>();
    private ArrayDeque<Batch.Group> inForce = new ArrayDeque<>();
    private @Nullable SegmentFile segment;
    private long pendingBytes;
    private long written;
    private long durable;
    private long wanted;
    private boolean busy;
    private @Nullable Throwable failure;

    /**
     * Starts where nothing is left to force.
     *
     * @param whenFailed is run by another thread, when a force failed there
     */
    Forcer(StorageDevice device, Notifier notifier, Runnable whenFailed) {
        this.device = device;
        this.notifier = notifier;
        this.whenFailed = whenFailed;
        this.thread = Executors.newSingleThreadExecutor(task -> {
            Thread created = new Thread(task, "secure-runtime-audit-force");
            created.setDaemon(true);
            return created;
        });
    }

    /**
     * Says that there are {@code size} records now, the last of them in {@code file}; all before them are in it, or durable.
     * Waits when much was written since the force that is under way began.
     *
     * @param bytes the size of those that are new
     */
    synchronized void written(SegmentFile file, Batch.Group group, long size, int bytes) {
        segment = file;
        written = size;
        pending.add(group);
        pendingBytes += bytes;
        startWhereWanted();
        while (busy && pendingBytes > AHEAD_BYTES) {
            awaitChange();
        }
    }

    /** Asks for the records below {@code size} to be forced as soon as they are written. */
    synchronized void want(long size) {
        wanted = size;
        startWhereWanted();
    }

    private void startWhereWanted() {
        if (!busy && isWanted()) {
            busy = true;
            thread.execute(this::run);
        }
    }

    private boolean isWanted() {
        return failure == null && wanted > durable && written > durable;
    }

    private void run() {
        try {
            do {
                forceWritten();
            } while (goesOn());
        } catch (IOException | RuntimeException | Error e) {
            fail(e);
            // The writer's next step ends the log because of it.
            whenFailed.run();
        }
    }

    private synchronized boolean goesOn() {
        busy = isWanted();
        notifyAll();
        return busy;
    }

    private synchronized void fail(Throwable cause) {
        failure = cause;
        busy = false;
        notifyAll();
    }

    private void forceWritten() throws IOException {
        SegmentFile file;
        long size;
        List<Batch.Group> groups;
        synchronized (this) {
            file = segment;
            size = written;
            inForce = pending;
            pending = new ArrayDeque<>();
            pendingBytes = 0;
            notifyAll();
            groups = List.copyOf(inForce);
        }
        if (file != null) {
            file.force(device);
        }
        synchronized (this) {
            durable = size;
            inForce = new ArrayDeque<>();
        }
        notifier.tell(groups, group -> group.durable.complete(null));
    }

    /** Returns when {@code file} is forced with everything that was written. */
    void force(SegmentFile file) throws IOException {
        synchronized (this) {
            awaitIdle();
            segment = file;
            busy = true;
        }
        try {
            forceWritten();
        } catch (IOException | RuntimeException | Error e) {
            fail(e);
            throw e;
        }
        goesOnElsewhere();
    }

    /** The writer's thread doesn't force for others. */
    private synchronized void goesOnElsewhere() {
        busy = false;
        startWhereWanted();
    }

    private void awaitIdle() throws IOException {
        while (busy) {
            awaitChange();
        }
        requireNoFailure();
    }

    private void awaitChange() {
        try {
            wait();
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts the writer", e);
        }
    }

    /** Throws the failure of a force that was made by another thread. */
    synchronized void requireNoFailure() throws IOException {
        if (failure != null) {
            throw new IOException(failure);
        }
    }

    /** Those who wait for records that are not known to be durable. */
    synchronized List<Batch.Group> waiting() {
        List<Batch.Group> groups = new ArrayList<>(inForce);
        groups.addAll(pending);
        return groups;
    }

    @Override
    public void close() {
        thread.shutdown();
    }
}
