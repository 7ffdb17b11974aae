package dev.secureruntime.core.okhttp;

import okio.Buffer;

/**
 * Okio keeps the memory of used buffers for the next one, as it is. The headers of a request, with its credential, are among
 * it, and any code on the thread could have that memory given to it.
 *
 * <p>What holds: after {@link #wipe}, the memory that Okio keeps for this thread has been overwritten. What does not: Okio
 * shares its pools among threads, so that code on another thread can be quicker; it may hold more than this takes; and the
 * TLS engine has copies of its own.
 */
final class SegmentPool {

    /** What Okio keeps for a thread, twice: another thread that shares its pool may be giving memory back meanwhile. */
    private static final int POOLED = 2 * 64 * 1024;

    private static final byte[] ZEROS = new byte[8 * 1024];

    private SegmentPool() {}

    static void wipe() {
        Buffer memory = new Buffer();
        for (int looked = 0; looked < POOLED; looked += ZEROS.length) {
            if (mayHoldMemory()) {
                memory.write(ZEROS);
            }
        }
        memory.clear();
    }

    /** False when the pool of this thread is empty or in use at this moment: then Okio would make new memory, for nothing. */
    private static boolean mayHoldMemory() {
        try {
            return okio.SegmentPool.INSTANCE.getByteCount() > 0;
        } catch (LinkageError e) {
            return true; // an Okio that doesn't say: what isn't known is overwritten
        }
    }
}
