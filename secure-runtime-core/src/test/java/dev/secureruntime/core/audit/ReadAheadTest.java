package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is checked ahead, and by however many threads, the verdict is that of the record-by-record reader. */
class ReadAheadTest {

    private static final List<ReadAhead.Plan> PLANS = List.of(
            new ReadAhead.Plan(300, 1),
            new ReadAhead.Plan(1_500, 3),
            new ReadAhead.Plan(64 * 1024, 2),
            ReadAhead.Plan.ofMachine());

    @TempDir
    private static Path home;

    private static List<String> keys = List.of();
    private static List<Path> files = List.of();

    @BeforeAll
    static void writeLog() throws IOException {
        for (int run = 0; run < 2; run++) {
            try (HashChainedAuditLog log =
                    LogFixture.open(LogFixture.settings(home).segmentBytes(40_000))) {
                keys = log.verifierKeys();
                for (int i = 0; i < 120; i++) {
                    log.append(LogFixture.event(i));
                    log.append(AuditEvent.of("t").component("\u00e9\n" + i).build());
                    if (i % 50 == 7) {
                        log.checkpoint();
                    }
                }
                log.append(AuditEvent.of("large")
                        .attribute("text", "x".repeat(30_000))
                        .build());
            }
        }
        List<Path> all = new ArrayList<>(LogFixture.segments(home));
        all.add(LogFixture.log(home).resolve("checkpoints"));
        files = all;
    }

    /** All that a scan says, as text. */
    private static String outcome(ReadAhead.Plan plan) throws IOException {
        LogScan scan = new LogScan(
                new LogFiles(LogFixture.log(home)), VerifierKey.parse(keys.get(0)), VerifierKey.parse(keys.get(1)));
        scan.readAhead(plan);
        List<String> leaves = new ArrayList<>();
        scan.onLeaf((index, hash) -> leaves.add(index + Hex.text(hash)));
        String fault = "";
        try {
            scan.run();
        } catch (LogFault e) {
            fault = e.firstBad().toString();
        }
        LogState state = scan.state();
        return String.join(
                "\n",
                fault,
                scan.size() + " " + scan.signed() + " " + scan.hasTornRecord(),
                scan.reasons().toString(),
                leaves.toString(),
                Hex.text(state.lastLeaf()),
                Hex.text(state.tree().root()),
                state.segmentFirst() + " " + state.segmentSize());
    }

    private static void requireSameOutcomes() throws IOException {
        String careful = outcome(ReadAhead.Plan.none());
        for (ReadAhead.Plan plan : PLANS) {
            assertThat(outcome(plan)).as(plan.toString()).isEqualTo(careful);
        }
    }

    @Test
    void scan_wholeLog_sameOutcome() throws IOException {
        assertThat(outcome(ReadAhead.Plan.none())).startsWith("\n").contains(" false\n[]\n");
        requireSameOutcomes();
    }

    @Test
    void scan_damagedAnywhere_sameOutcome() throws IOException {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 150; i++) {
            Path file = files.get(random.nextInt(files.size()));
            byte[] good = Files.readAllBytes(file);
            Files.write(file, damaged(random, good));
            try {
                requireSameOutcomes();
            } finally {
                Files.write(file, good);
            }
        }
    }

    private static byte[] damaged(SplittableRandom random, byte[] good) {
        int at = random.nextInt(good.length);
        int length = Math.min(random.nextInt(3) == 0 ? 1 : random.nextInt(900), good.length - at);
        byte[] bad = good.clone();
        switch (random.nextInt(5)) {
            case 0 -> bad[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> java.util.Arrays.fill(bad, at, at + length, (byte) 0);
            case 2 -> bad = java.util.Arrays.copyOf(good, at);
            case 3 -> {
                ByteBuffer without = ByteBuffer.allocate(good.length - length);
                bad = without.put(good, 0, at)
                        .put(good, at + length, good.length - at - length)
                        .array();
            }
            default -> {
                ByteBuffer twice = ByteBuffer.allocate(good.length + length);
                bad = twice.put(good, 0, at + length)
                        .put(good, at, good.length - at)
                        .array();
            }
        }
        return bad;
    }

    @Test
    void scan_listenerThrowsInTheMiddle_thrownAndThreadsEnd() {
        LogScan scan = new LogScan(new LogFiles(LogFixture.log(home)), null, null);
        scan.readAhead(new ReadAhead.Plan(300, 3));
        scan.onLeaf((index, hash) -> {
            if (index == 100) {
                throw new IllegalStateException("enough");
            }
        });
        assertThatThrownBy(scan::run).hasMessage("enough");
        // A pool that has ended may have a thread that is about to.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!verifierThreads().isEmpty() && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(verifierThreads()).isEmpty();
    }

    @Test
    void scan_interrupted_endsWithAnExceptionAndItsThreads() throws IOException {
        LogScan scan = new LogScan(new LogFiles(LogFixture.log(home)), null, null);
        scan.readAhead(new ReadAhead.Plan(300, 3));
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(scan::run).isInstanceOf(IOException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    private static List<Thread> verifierThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("secure-runtime-audit-verifier"))
                .toList();
    }

    @Test
    void fill_stretchOfAFileThatWasCut_noRecords() throws IOException {
        Path file = home.resolve("cut");
        try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
            cut.setLength(10);
        }
        RecordChunk chunk = new RecordChunk(1_000);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            chunk.fill(channel, 500, 1_500, 5_000);
        }
        assertThat(chunk.isAt(500)).isFalse();
    }
}
