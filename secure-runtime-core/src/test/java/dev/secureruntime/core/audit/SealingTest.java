package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.log;
import static dev.secureruntime.core.audit.LogFixture.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When checkpoints are signed, segments and epochs end, and what is never signed. */
@Timeout(60)
class SealingTest {

    @TempDir
    private Path home;

    private AuditSettings settings() {
        return LogFixture.settings(home);
    }

    private static void assertRefused(ErrorCode code, ThrowingCallable action) {
        assertThatThrownBy(action)
                .isInstanceOf(SecureRuntimeException.class)
                .extracting(e -> ((SecureRuntimeException) e).code())
                .isEqualTo(code);
    }

    private void assertIntact(List<String> keys, long size) {
        VerificationResult result = LogFixture.verify(home, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.size()).isEqualTo(size);
        assertThat(result.signed()).isEqualTo(size);
    }

    @Test
    void checkpoint_timer_sealsWithoutBeingAsked() throws Exception {
        AuditSettings settings = settings().checkpointEvery(Duration.ofMillis(20), 1_000_000);
        try (HashChainedAuditLog log = LogFixture.open(settings)) {
            log.append(LogFixture.event(1))
                    .reached(Receipt.Stage.SEALED)
                    .toCompletableFuture()
                    .get(30, TimeUnit.SECONDS);
        }
        AuditSettings counting = settings().checkpointEvery(Duration.ofHours(1), 10);
        try (HashChainedAuditLog log = LogFixture.open(counting)) {
            Receipt first = log.append(LogFixture.event(1));
            LogFixture.append(log, 10);
            first.reached(Receipt.Stage.SEALED).toCompletableFuture().get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void checkpoint_directoryReplaced_poisonsTheWriter() throws Exception {
        HashChainedAuditLog log = LogFixture.open(settings());
        log.append(LogFixture.event(1));
        log.checkpoint();
        LogFixture.copy(log(home), home.resolve("copy"));
        Files.move(log(home), home.resolve("away"));
        Files.move(home.resolve("copy"), log(home));
        Receipt lost = log.append(LogFixture.event(2));

        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::checkpoint);
        assertThat(lost.reached(Receipt.Stage.SEALED).toCompletableFuture()).isCompletedExceptionally();
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, () -> log.append(LogFixture.event(3)));
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::requireWritable);
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::close);
    }

    @Test
    void checkpoint_directoryDeleted_poisonsTheWriter() throws Exception {
        HashChainedAuditLog log = LogFixture.open(settings());
        log.append(LogFixture.event(1));
        try (var files = Files.walk(log(home))) {
            files.sorted(java.util.Comparator.reverseOrder()).forEach(LogFixture::delete);
        }
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::checkpoint);
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, () -> log.append(LogFixture.event(3)));
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::close);
    }

    @Test
    void checkpoint_byteChangedBeforeSigning_isNotSigned() throws Exception {
        HashChainedAuditLog log = LogFixture.open(settings());
        Receipt receipt = log.append(LogFixture.event(1));
        receipt.reached(Receipt.Stage.DURABLE).toCompletableFuture().get(30, TimeUnit.SECONDS);
        Path segment = segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment).replace("value 1", "value 2"));

        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::checkpoint);
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::close);
        assertThat(Files.readString(log(home).resolve("checkpoint")).split("\n")[1])
                .isEqualTo("1");
    }

    @Test
    void append_afterADay_startsANewEpoch() throws Exception {
        AtomicLong ticker = new AtomicLong();
        List<String> keys;
        try (HashChainedAuditLog log = HashChainedAuditLog.open(
                settings().segmentEvery(Duration.ofDays(9)), Clock.systemUTC(), ticker::get, StorageDevice.SYSTEM)) {
            keys = log.verifierKeys();
            log.append(LogFixture.event(1));
            log.checkpoint();
            assertThat(LogFixture.records(home)).hasSize(2);
            ticker.addAndGet(TimeUnit.HOURS.toNanos(25));
            log.append(LogFixture.event(2));
            log.checkpoint();
            log.append(LogFixture.event(3));
            log.checkpoint();
        }
        assertThat(LogFixture.records(home))
                .filteredOn(r -> r.contains("\"type\":\"log.key\""))
                .hasSize(1);
        assertIntact(keys, 5);
    }

    /** Until the writer has looked at its ticker, twice in each of its rounds, and acted on it. */
    private static void awaitLook(HashChainedAuditLog log, AtomicLong looks) {
        long seen = looks.get();
        while (looks.get() < seen + 6) {
            log.checkpoint();
        }
    }

    /** Each checkpoint wakes the writer, which looks at the ticker between two of them. */
    private void awaitSegments(HashChainedAuditLog log, int segments) {
        while (segments(home).size() < segments) {
            log.checkpoint();
        }
    }

    @Test
    void append_segmentIsOld_startsTheNextOnce() throws Exception {
        AtomicLong ticker = new AtomicLong();
        AtomicLong looks = new AtomicLong();
        LongSupplier counting = () -> {
            looks.incrementAndGet();
            return ticker.get();
        };
        AuditSettings settings = settings().segmentEvery(Duration.ofHours(1));
        List<String> keys;
        try (HashChainedAuditLog log =
                HashChainedAuditLog.open(settings, Clock.systemUTC(), counting, StorageDevice.SYSTEM)) {
            keys = log.verifierKeys();
            ticker.addAndGet(TimeUnit.HOURS.toNanos(2));
            awaitLook(log, looks);
            assertThat(segments(home)).as("nothing but its first record").hasSize(1);
            log.append(LogFixture.event(1));
            log.checkpoint();
            ticker.addAndGet(TimeUnit.MINUTES.toNanos(59));
            awaitLook(log, looks);
            assertThat(segments(home)).as("not old").hasSize(1);
            ticker.addAndGet(TimeUnit.MINUTES.toNanos(2));
            awaitSegments(log, 2);
            log.append(LogFixture.event(2));
            log.checkpoint();
            ticker.addAndGet(TimeUnit.HOURS.toNanos(1));
            awaitSegments(log, 3);
        }
        assertThat(segments(home)).hasSize(3);
        assertThat(LogFixture.records(home)).hasSize(5);
        assertIntact(keys, 5);
    }

    @Test
    void open_segmentOfYesterday_isEnded() throws Exception {
        LogFixture.open(settings()).close();
        Clock tomorrow = Clock.offset(Clock.systemUTC(), Duration.ofHours(25));
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings(), tomorrow)) {
            awaitSegments(log, 2);
        }
        Clock yesterday = Clock.offset(Clock.systemUTC(), Duration.ofHours(-25));
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings(), yesterday)) {
            log.checkpoint();
            assertThat(segments(home)).as("a clock that went back").hasSize(2);
        }
    }

    @Test
    void append_newSegmentCantBeMade_poisonsTheWriter() throws Exception {
        AtomicLong ticker = new AtomicLong();
        HashChainedAuditLog log =
                HashChainedAuditLog.open(settings(), Clock.systemUTC(), ticker::get, StorageDevice.SYSTEM);
        Receipt sealed = log.append(LogFixture.event(1));
        log.checkpoint();
        Files.createDirectories(log(home).resolve("segments/00000000000000000002.jsonl.tmp/full"));
        ticker.addAndGet(TimeUnit.HOURS.toNanos(25));

        assertRefused(ErrorCode.AUDIT_UNWRITABLE, () -> awaitSegments(log, 2));
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, () -> log.append(LogFixture.event(3)));
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::close);
        assertThat(LogFixture.verify(home, log.verifierKeys()).signed()).isGreaterThan(sealed.index());
    }
}
