package dev.secureruntime.core.audit;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Has the chunks of a segment checked on all processors, a bounded number ahead of the one thread that takes their records
 * in order. That thread checks chunks too where it would have to wait for one.
 *
 * <p>A chunk that can't be read has no records: whoever reads on without it finds out why. Errors of a worker are thrown to
 * the thread that takes. Not thread-safe; the threads end when it is closed.
 */
final class ReadAhead implements AutoCloseable {

    /**
     * How much is checked at once, and by how many threads.
     *
     * @param chunkBytes 0 for not at all
     * @param threads with the calling thread
     */
    record Plan(int chunkBytes, int threads) {

        private static final int CHUNK = 256 * 1024;
        private static final int MAX_THREADS = 16;

        static Plan ofMachine() {
            return new Plan(CHUNK, Math.min(Runtime.getRuntime().availableProcessors(), MAX_THREADS));
        }

        static Plan none() {
            return new Plan(0, 1);
        }
    }

    /** How many chunks for each thread are begun or wait. */
    private static final int DEPTH = 3;

    private record Stretch(RecordChunk chunk, FutureTask<RecordChunk> filled) {}

    private final Plan plan;
    private final LongConsumer progress;
    private final Deque<Stretch> stretches = new ArrayDeque<>();
    /** The one that was used last is used first: its memory is in the processor's cache. */
    private final Deque<RecordChunk> free = new ArrayDeque<>();

    private @Nullable ExecutorService workers;
    private @Nullable LineReader segment;
    private @Nullable RecordChunk current;
    private long limit;
    private long next;
    private long before;

    /**
     * Starts with nothing read.
     *
     * @param progress gets how many bytes of the segments were passed, from the thread that takes, once a chunk
     */
    ReadAhead(Plan plan, LongConsumer progress) {
        this.plan = plan;
        this.progress = progress;
    }

    /**
     * The chunk whose next record is the one that {@code lines} would read next, or null when that record is not a good and
     * plain one.
     *
     * @param end how far the segment reached when it was opened
     */
    @Nullable
    RecordChunk at(LineReader lines, long end) {
        long position = lines.position();
        if (plan.chunkBytes == 0 || position == 0 || position >= end) {
            return null;
        }
        if (lines != segment) {
            start(lines, position, end);
        }
        while (current == null || current.stop() <= position) {
            if (!takeNext(lines.channel())) {
                return null;
            }
        }
        return current.isAt(position) ? current : null;
    }

    private void start(LineReader lines, long position, long end) {
        drop();
        segment = lines;
        before += limit;
        next = position;
        limit = end;
    }

    private boolean takeNext(FileChannel channel) {
        if (current != null) {
            progress.accept(before + current.stop());
            free.push(current);
            current = null;
        }
        int depth = plan.threads == 1 ? 1 : DEPTH * plan.threads;
        while (next < limit && stretches.size() < depth) {
            submit(channel);
        }
        Stretch first = stretches.poll();
        if (first == null) {
            return false;
        }
        current = filled(first);
        return current != null;
    }

    private void submit(FileChannel channel) {
        RecordChunk chunk = free.isEmpty() ? new RecordChunk(plan.chunkBytes) : free.pop();
        long begin = next;
        long end = Math.min(begin + plan.chunkBytes, limit);
        long segmentEnd = limit;
        FutureTask<RecordChunk> task = new FutureTask<>(() -> {
            chunk.fill(channel, begin, end, segmentEnd);
            return chunk;
        });
        stretches.add(new Stretch(chunk, task));
        next = end;
        if (plan.threads == 1 || workers == null && stretches.size() == 1 && next == limit) {
            task.run();
        } else {
            workers().execute(task);
        }
    }

    private ExecutorService workers() {
        if (workers == null) {
            workers = Executors.newFixedThreadPool(plan.threads - 1, task -> {
                Thread thread = new Thread(task, "secure-runtime-audit-verifier");
                thread.setDaemon(true);
                return thread;
            });
        }
        return workers;
    }

    private @Nullable RecordChunk filled(Stretch stretch) {
        try {
            work(stretch);
            return stretch.filled.get();
        } catch (InterruptedException e) {
            // The next read of the calling thread fails because of it.
            Thread.currentThread().interrupt();
            return null;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException) {
                return stretch.chunk;
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException("a chunk could not be checked", e.getCause());
        }
    }

    /** Checks what no other thread has begun with, until {@code wanted} is checked. */
    private void work(Stretch wanted) {
        wanted.filled.run();
        for (Stretch stretch : stretches) {
            if (wanted.filled.isDone()) {
                return;
            }
            stretch.filled.run();
        }
    }

    private void drop() {
        stretches.forEach(stretch -> stretch.filled.cancel(true));
        stretches.clear();
        if (current != null) {
            free.push(current);
            current = null;
        }
    }

    @Override
    public void close() {
        drop();
        if (workers == null) {
            return;
        }
        workers.shutdownNow();
        try {
            workers.awaitTermination(1, TimeUnit.MINUTES);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
