package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.log;
import static dev.secureruntime.core.audit.LogFixture.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.Commitment;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Appending: indexes, stages, refusals, and readers meanwhile. */
@Timeout(60)
class HashChainedAuditLogTest {

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
    void append_manyThreads_indexesWithoutGapAndIntact() throws Exception {
        List<String> keys;
        List<Long> indexes = new ArrayList<>();
        try (HashChainedAuditLog log = LogFixture.open(settings().segmentBytes(100_000))) {
            keys = log.verifierKeys();
            List<CompletableFuture<List<Long>>> threads = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                threads.add(CompletableFuture.supplyAsync(() -> {
                    List<Long> mine = new ArrayList<>();
                    for (int i = 0; i < 500; i++) {
                        mine.add(log.append(LogFixture.event(i)).index());
                    }
                    return mine;
                }));
            }
            for (CompletableFuture<List<Long>> thread : threads) {
                List<Long> mine = thread.get(30, TimeUnit.SECONDS);
                assertThat(mine).isSorted();
                indexes.addAll(mine);
            }
        }
        assertThat(indexes).doesNotHaveDuplicates().hasSize(4_000);
        List<String> records = LogFixture.records(home);
        for (int i = 0; i < records.size(); i++) {
            assertThat(records.get(i)).startsWith("{\"seq\":" + i + ",");
        }
        assertThat(segments(home)).hasSizeGreaterThan(5).allSatisfy(s -> assertThat(Files.size(s))
                .isLessThanOrEqualTo(100_000));
        assertIntact(keys, records.size());
    }

    @Test
    void reached_eachStage_completes() throws Exception {
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            Receipt receipt = log.append(LogFixture.event(1));
            assertThat(receipt.reached(Receipt.Stage.ACCEPTED)).isCompletedWithValue(receipt);
            assertThat(receipt.reached(Receipt.Stage.DURABLE)
                            .toCompletableFuture()
                            .get(30, TimeUnit.SECONDS))
                    .isSameAs(receipt);
            assertThat(LogFixture.records(home)).hasSize((int) receipt.index() + 1);
            CompletableFuture<Receipt> sealed =
                    receipt.reached(Receipt.Stage.SEALED).toCompletableFuture();
            assertThat(sealed).isNotDone();
            log.checkpoint();
            assertThat(sealed.get(30, TimeUnit.SECONDS)).isSameAs(receipt);
            assertThat(LogFixture.verify(home, log.verifierKeys()).signed()).isEqualTo(receipt.index() + 1);
        }
    }

    @Test
    void reached_callbackThatAppendsAndWaits_doesNotBlockTheWriter() throws Exception {
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            CompletableFuture<Receipt> second = log.append(LogFixture.event(1))
                    .reached(Receipt.Stage.DURABLE)
                    .toCompletableFuture()
                    .thenApply(first -> log.append(LogFixture.event(2))
                            .reached(Receipt.Stage.DURABLE)
                            .toCompletableFuture()
                            .join());
            assertThat(second.get(30, TimeUnit.SECONDS).index()).isEqualTo(2);
        }
    }

    @Test
    void append_eventThatBreaksTheFormat_rejectedAndNothingWritten() throws Exception {
        List<AuditEvent> bad = List.of(
                AuditEvent.of("").build(),
                AuditEvent.of("no spaces").build(),
                AuditEvent.of("a..b").build(),
                AuditEvent.of("a".repeat(256)).build(),
                AuditEvent.of("log.key").build(),
                AuditEvent.of("log.segment").build(),
                AuditEvent.of("log.anything").build(),
                AuditEvent.of("t").component("\ud800").build(),
                AuditEvent.of("t").attribute("\udc00x", "v").build(),
                AuditEvent.of("t").attribute("a", "x\ud83dy").build(),
                AuditEvent.of("t").attribute("a", List.of("fine", "\ud83d")).build(),
                AuditEvent.of("t")
                        .attribute("a", new Attribute.Decimal(Double.NaN))
                        .build(),
                AuditEvent.of("t")
                        .attribute("a", new Attribute.Decimal(Double.NEGATIVE_INFINITY))
                        .build(),
                AuditEvent.of("t").attribute("a", "x".repeat(65_536)).build(),
                AuditEvent.of("t").attribute("a", "\u0001".repeat(11_000)).build(),
                AuditEvent.of("t")
                        .commitment("p", new Commitment(-1, "0".repeat(64)))
                        .build(),
                AuditEvent.of("t")
                        .commitment("p", new Commitment(1, "A".repeat(64)))
                        .build(),
                AuditEvent.of("t").commitment("p", new Commitment(1, "00")).build());
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            keys = log.verifierKeys();
            for (AuditEvent event : bad) {
                assertRefused(ErrorCode.AUDIT_RECORD_REJECTED, () -> log.append(event));
            }
            assertThat(log.append(LogFixture.event(1)).index()).isEqualTo(1);
        }
        assertThat(LogFixture.records(home)).hasSize(2);
        assertIntact(keys, 2);
    }

    @Test
    void append_recordOfExactlyTheLimit_isWritten() throws Exception {
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            keys = log.verifierKeys();
            log.append(AuditEvent.of("t").attribute("a", "").build());
            log.checkpoint();
            int overhead = LogFixture.records(home).get(1).length();
            log.append(AuditEvent.of("t")
                    .attribute("a", "x".repeat(65_535 - overhead))
                    .build());
            assertRefused(
                    ErrorCode.AUDIT_RECORD_REJECTED,
                    () -> log.append(AuditEvent.of("t")
                            .attribute("a", "x".repeat(65_536 - overhead))
                            .build()));
        }
        assertThat(LogFixture.records(home).get(2)).hasSize(65_535);
        assertIntact(keys, 3);
    }

    @Test
    void close_twice_secondDoesNothingAndAppendsAreRefused() {
        HashChainedAuditLog log = LogFixture.open(settings());
        log.append(LogFixture.event(1));
        log.close();
        log.close();
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, () -> log.append(LogFixture.event(2)));
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::requireWritable);
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::checkpoint);
        assertIntact(log.verifierKeys(), 2);
    }

    @Test
    void verify_whileAWriterRuns_isNeverAnAccusation() throws Exception {
        AuditSettings settings = settings().segmentBytes(50_000).checkpointEvery(Duration.ofMillis(1), 50);
        try (HashChainedAuditLog log = LogFixture.open(settings)) {
            CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> LogFixture.append(log, 20_000));
            int rounds = 0;
            do {
                VerificationResult result = LogFixture.verify(home, log.verifierKeys());
                assertThat(result).isInstanceOf(VerificationResult.Intact.class);
                rounds++;
            } while (!writing.isDone() || rounds < 20);
            writing.join();
        }
    }

    @Test
    void append_clockFailsWhileASegmentStarts_leavesNoGap() {
        AtomicInteger untilFailure = new AtomicInteger(Integer.MAX_VALUE);
        InstantSource failing = () -> {
            if (untilFailure.decrementAndGet() == 0) {
                throw new IllegalStateException("no time");
            }
            return Instant.now();
        };
        List<String> keys;
        try (HashChainedAuditLog log =
                HashChainedAuditLog.open(settings().segmentBytes(1), failing.withZone(ZoneOffset.UTC))) {
            keys = log.verifierKeys();
            log.append(LogFixture.event(1));
            untilFailure.set(1);
            assertThatThrownBy(() -> log.append(LogFixture.event(2))).hasMessage("no time");
            for (int reading = 2; reading <= 3; reading++) {
                untilFailure.set(reading);
                try {
                    log.append(LogFixture.event(2));
                } catch (IllegalStateException e) {
                    assertThat(e).hasMessage("no time");
                }
            }
            log.append(LogFixture.event(3));
            log.checkpoint();
        }
        assertIntact(keys, LogFixture.records(home).size());
    }
}
