package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.audit.format.RecordEncoder;
import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

/**
 * Consecutive lines on their way to the writer, laid out as they will stand in the segment, but for the hashes of the
 * records before. Guarded by the queue's lock while it is filled, owned by the writer afterwards.
 */
final class Batch {

    private static final int CAPACITY = 256 * 1024;

    final byte[] lines = new byte[CAPACITY];
    int[] ends = new int[1_024];
    int count;
    int length;
    Group group = new Group();
    /** The first line is the {@code log.segment} record of the segment that starts here. */
    boolean startsSegment;
    /** The last line is the {@code log.key} record that ends the epoch. */
    boolean endsEpoch;

    /** What those who wait for the batch's records wait on; it outlives the batch, whose buffer is used again. */
    static final class Group {
        final CompletableFuture<Void> durable = new CompletableFuture<>();
        final CompletableFuture<Void> sealed = new CompletableFuture<>();
        /** The index behind the group's last record, once the writer has it. */
        long end;

        void fail(RuntimeException cause) {
            durable.completeExceptionally(cause);
            sealed.completeExceptionally(cause);
        }
    }

    boolean hasRoom() {
        return CAPACITY - length >= RecordEncoder.ROOM;
    }

    /** Adds a line; on an exception the batch is as before. */
    void add(RecordEncoder encoder, long seq, Instant now, AuditEvent event) {
        int end = encoder.encode(lines, length, seq, now, event);
        if (count == ends.length) {
            ends = Arrays.copyOf(ends, 2 * count);
        }
        ends[count++] = end;
        length = end;
    }

    /** Takes the last line out again. */
    void removeLast() {
        count--;
        length = start(count);
    }

    int start(int line) {
        return line == 0 ? 0 : ends[line - 1];
    }

    /** Makes the batch ready for other lines. */
    void reset() {
        count = 0;
        length = 0;
        group = new Group();
        startsSegment = false;
        endsEpoch = false;
    }
}
