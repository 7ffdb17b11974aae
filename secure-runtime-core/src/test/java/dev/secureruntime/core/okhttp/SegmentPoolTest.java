package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import okio.Buffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SegmentPoolTest {

    private static final int SEGMENT = 8 * 1024;
    private static final byte[] MARK =
            "sk-pooled".repeat(1000).substring(0, SEGMENT).getBytes(StandardCharsets.US_ASCII);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 40})
    void wipe_afterAnyNumberOfSegmentsWasGivenBack_leavesNothingOfThem(int segments) {
        giveBack(segments);
        assertThat(marksInPool()).isPositive();
        giveBack(segments);

        SegmentPool.wipe();

        assertThat(marksInPool()).isZero();
    }

    @Test
    void wipe_aPoolThatWasWiped_makesNoMemory() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        SegmentPool.wipe();
        long before = threads.getThreadAllocatedBytes(self);

        SegmentPool.wipe();

        assertThat(threads.getThreadAllocatedBytes(self) - before).isLessThan(SEGMENT);
    }

    private static void giveBack(int segments) {
        Buffer buffer = new Buffer();
        for (int i = 0; i < segments; i++) {
            buffer.write(MARK);
        }
        buffer.clear();
    }

    /** The marks in the memory that Okio has for this thread; what it takes out is given back as it was. */
    private static int marksInPool() {
        int found = 0;
        Buffer buffer = new Buffer();
        try (Buffer.UnsafeCursor cursor = new Buffer.UnsafeCursor()) {
            buffer.readAndWriteUnsafe(cursor);
            for (int segment = 0; segment < 16; segment++) {
                cursor.expandBuffer(SEGMENT);
                found += new String(cursor.data, StandardCharsets.ISO_8859_1).contains("sk-pooled") ? 1 : 0;
            }
        }
        buffer.clear();
        return found;
    }
}
