package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Seals what the writer has forced to the device, on a thread of its own, so that writing goes on meanwhile: reads the lines
 * back by path and hashes them again, adds them to the tree, signs, and stores the checkpoint. One seal at a time.
 *
 * <p>Called by the writer's thread alone; tree and checkpoints are touched only by the sealing thread.
 */
final class Sealer implements AutoCloseable {

    private final CheckpointStore checkpoints;
    private final CompactRange tree;
    private final Notifier notifier;
    private final Runnable whenDone;
    private final Anchoring anchoring;
    private final ExecutorService thread;
    private @Nullable Seal inFlight;
    private @Nullable CompletableFuture<Void> result;
    private long sealed;

    /** Lines that were forced, and those who wait for their seal. */
    record Seal(
            SegmentFile segment,
            long from,
            long to,
            byte[] leaves,
            int count,
            long size,
            ArrayDeque<Batch.Group> groups) {}

    Sealer(
            CheckpointStore checkpoints,
            CompactRange tree,
            long sealed,
            Notifier notifier,
            Runnable whenDone,
            Anchoring anchoring) {
        this.anchoring = anchoring;
        this.notifier = notifier;
        this.checkpoints = checkpoints;
        this.tree = tree;
        this.sealed = sealed;
        this.whenDone = whenDone;
        this.thread = Executors.newSingleThreadExecutor(task -> {
            Thread created = new Thread(task, "secure-runtime-audit-seal");
            created.setDaemon(true);
            return created;
        });
    }

    /** The number of records under the newest checkpoint, as far as the writer knows. */
    long sealed() {
        return sealed;
    }

    /** Whether no seal is being made; learns the outcome of one that has ended. */
    boolean isIdle() throws IOException {
        if (result != null && result.isDone()) {
            await();
        }
        return result == null;
    }

    /** Starts to seal; only when idle. */
    void start(Seal seal) {
        inFlight = seal;
        CompletableFuture<Void> outcome = CompletableFuture.runAsync(
                () -> {
                    try {
                        seal(seal);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                },
                thread);
        result = outcome;
        // Only once the outcome is there: a writer that is woken before would not see it, and sleep on.
        outcome.whenComplete((done, failure) -> whenDone.run());
    }

    private void seal(Seal seal) throws IOException {
        seal.segment.requireLeaves(seal.from, seal.to, seal.leaves, seal.count);
        for (int i = 0; i < seal.count; i++) {
            tree.append(seal.leaves, i * TreeHasher.BYTES);
        }
        anchoring.sealed(checkpoints.sign(tree.size(), tree.root()), tree);
        notifier.tell(seal.groups, group -> group.sealed.complete(null));
    }

    /** Waits for the seal that is being made, if one is. */
    void await() throws IOException {
        Seal seal = inFlight;
        if (result == null || seal == null) {
            return;
        }
        try {
            result.join();
        } catch (CompletionException e) {
            throw new IOException("sealing failed: " + e.getCause(), e.getCause());
        }
        sealed = seal.size;
        result = null;
        inFlight = null;
    }

    /** SHA-256 of the newest checkpoint's signed text; only when idle. */
    byte[] newestHash() {
        return checkpoints.newestHash();
    }

    /** Those who wait for the seal that is being made. */
    Collection<Batch.Group> inFlight() {
        return inFlight == null ? List.of() : inFlight.groups;
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
