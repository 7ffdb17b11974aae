package dev.secureruntime.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** What disk and processor give without any of our code. */
final class MachineLimits {

    private static final int BLOCK = 64 * 1024;

    private MachineLimits() {}

    /** How many times a second 64 KiB can be appended to a file and forced. */
    static double forcedAppends(Path directory, int count) throws IOException {
        Path file = directory.resolve("raw-forced");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
            long start = System.nanoTime();
            for (int i = 0; i < count; i++) {
                block.clear();
                channel.write(block);
                channel.force(false);
            }
            return count * 1e9 / (System.nanoTime() - start);
        } finally {
            Files.delete(file);
        }
    }

    /** Bytes per second, written in large blocks and forced once, at the end. */
    static double sequentialBytes(Path directory, long bytes) throws IOException {
        Path file = directory.resolve("raw-sequential");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer block = ByteBuffer.allocateDirect(4 * BLOCK);
            long start = System.nanoTime();
            for (long written = 0; written < bytes; written += block.capacity()) {
                block.clear();
                channel.write(block);
            }
            channel.force(false);
            return bytes * 1e9 / (System.nanoTime() - start);
        } finally {
            Files.delete(file);
        }
    }

    /**
     * Seconds that it takes one thread to wake so many, which wait for a future, and until all of them wait again: no log, no disk.
     * The best of some runs.
     */
    static double wakeUps(int threads, int rounds) throws InterruptedException {
        double best = Double.MAX_VALUE;
        for (int run = 0; run < 5; run++) {
            CyclicFuture gate = new CyclicFuture(threads);
            List<Thread> waiting = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                Thread thread = new Thread(() -> {
                    for (int round = 0; round < rounds; round++) {
                        gate.await();
                    }
                });
                waiting.add(thread);
                thread.start();
            }
            long start = System.nanoTime();
            for (int round = 0; round < rounds; round++) {
                gate.release();
            }
            for (Thread thread : waiting) {
                thread.join();
            }
            best = Math.min(best, (System.nanoTime() - start) / 1e9 / rounds);
        }
        return best;
    }

    /** A future for all who wait, and the next one once it is complete. */
    private static final class CyclicFuture {
        private final int threads;
        private final AtomicInteger arrived = new AtomicInteger();
        private final Thread releaser = Thread.currentThread();
        private volatile CompletableFuture<Void> now = new CompletableFuture<>();

        CyclicFuture(int threads) {
            this.threads = threads;
        }

        void await() {
            CompletableFuture<Void> waitedFor = now;
            if (arrived.incrementAndGet() == threads) {
                LockSupport.unpark(releaser);
            }
            waitedFor.join();
        }

        void release() {
            while (arrived.get() < threads) {
                LockSupport.park();
            }
            arrived.set(0);
            CompletableFuture<Void> waitedFor = now;
            now = new CompletableFuture<>();
            waitedFor.complete(null);
        }
    }

    /** SHA-256 of messages of one size, per second, on one core. */
    static double hashes(int messageBytes, int count) throws NoSuchAlgorithmException {
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        byte[] message = new byte[messageBytes];
        double best = 0;
        for (int round = 0; round < 5; round++) {
            long start = System.nanoTime();
            for (int i = 0; i < count; i++) {
                sha256.update(message);
                message[0] = sha256.digest()[0];
            }
            best = Math.max(best, count * 1e9 / (System.nanoTime() - start));
        }
        return best;
    }
}
