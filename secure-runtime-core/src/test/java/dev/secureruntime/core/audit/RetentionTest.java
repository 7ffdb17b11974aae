package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Removing the oldest segments, and what is left to prove. */
@Timeout(60)
class RetentionTest {

    @TempDir
    private Path home;

    private List<String> keys = List.of();
    private Path anchor = Path.of("");

    @BeforeEach
    void writeLog() throws Exception {
        keys = LogFixture.large(home);
        anchor = Files.copy(log(home).resolve("checkpoint"), home.resolve("anchor"));
    }

    private AuditSettings settings() {
        return LogFixture.settings(home).segmentBytes(4_000);
    }

    private long retire(long below) {
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            return log.retireBelow(below, List.of(anchor));
        }
    }

    private void assertIntact(long first) {
        VerificationResult result = LogFixture.verify(home, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.signed()).isEqualTo(result.size());
        assertThat(((VerificationResult.Intact) result).notes())
                .anyMatch(note -> note.startsWith("records 0 to " + (first - 1) + " were removed under retention"));
        assertThat(LogFixture.records(home).get(0)).startsWith("{\"seq\":" + first + ",");
    }

    @Test
    void retireBelow_everyCut_whatIsLeftIsIntactAndContinues() {
        List<Path> segments = LogFixture.segments(home);
        assertThat(segments).hasSizeGreaterThan(3);
        for (Path segment : segments.subList(1, segments.size())) {
            long first = Long.parseLong(segment.getFileName().toString().substring(0, 20));
            assertThat(retire(first + 1)).isEqualTo(first);
            assertIntact(first);
            LogFixture.open(settings()).close();
            assertIntact(first);
        }
    }

    @Test
    void retireBelow_everyCutAtOnce_isIntact() {
        List<Path> segments = LogFixture.segments(home);
        for (int i = 1; i < segments.size(); i++) {
            long first = Long.parseLong(segments.get(i).getFileName().toString().substring(0, 20));
            AuditSettings there = AuditSettings.in(home.resolve("log" + i))
                    .signer(home.resolve("keys" + i).resolve("signer"))
                    .segmentBytes(4_000);
            LogFixture.copy(log(home), there.directory());
            LogFixture.copy(home.resolve("keys"), home.resolve("keys" + i));
            try (HashChainedAuditLog log = LogFixture.open(there)) {
                assertThat(log.retireBelow(first, List.of(anchor))).isEqualTo(first);
            }
            assertThat(AuditLogVerifier.withKeys(keys)
                            .anchoredBy(List.of(anchor))
                            .verify(there.directory()))
                    .isInstanceOf(VerificationResult.Intact.class);
        }
    }

    @Test
    void retireBelow_newestSegmentOrAboveTheAnchor_isKept() throws Exception {
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            LogFixture.append(log, 100);
        }
        long anchored = Long.parseLong(Files.readAllLines(anchor).get(1));
        long first = retire(Long.MAX_VALUE);
        assertThat(first).isLessThanOrEqualTo(anchored);
        assertThat(LogFixture.segments(home)).hasSizeGreaterThan(3);
        assertIntact(first);

        Path newest = Files.copy(log(home).resolve("checkpoint"), home.resolve("newest"));
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            assertThat(log.retireBelow(Long.MAX_VALUE, List.of(anchor, newest))).isGreaterThan(first);
            assertThat(LogFixture.segments(home)).hasSizeBetween(1, 2);
        }
    }

    @Test
    void retireBelow_nothingWhollyBelow_changesNothing() {
        assertThat(retire(1)).isZero();
        assertThat(log(home).resolve("retired")).doesNotExist();
        assertThat(LogFixture.records(home)).noneMatch(record -> record.contains("log.retired"));
    }

    @Test
    void retireBefore_time_removesOlderSegmentsOnly() throws Exception {
        Path later = Files.createDirectory(home.resolve("later"));
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        AuditSettings settings = LogFixture.settings(later).segmentEvery(Duration.ofHours(20));
        for (int day = 0; day < 4; day++) {
            Clock clock = Clock.fixed(start.plus(Duration.ofDays(day)), ZoneOffset.UTC);
            try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, clock)) {
                keys = log.verifierKeys();
                while (LogFixture.segments(later).size() <= day) {
                    // Wakes the writer, which looks at the segment's age.
                    log.checkpoint();
                }
                LogFixture.append(log, 3);
            }
        }
        List<Path> segments = LogFixture.segments(later);
        assertThat(segments).hasSize(4);
        Path anchor = Files.copy(log(later).resolve("checkpoint"), later.resolve("anchor"));
        Clock clock = Clock.fixed(start.plus(Duration.ofDays(4)), ZoneOffset.UTC);
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, clock)) {
            log.retireBefore(start.plus(Duration.ofDays(2)).plusSeconds(1), List.of(anchor));
        }
        assertThat(LogFixture.records(later).get(0)).contains("\"time\":\"2026-01-03T");
        assertThat(LogFixture.verify(later, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void retireBefore_recordThatIsNoneAnyMore_isRefusedAsChanged() throws Exception {
        Path segment = LogFixture.segments(home).get(0);
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            Files.writeString(segment, Files.readString(segment).replaceFirst("\"seq\":2,", "\"seq\":x,"));
            assertThatThrownBy(() -> log.retireBefore(Instant.parse("9999-01-01T00:00:00Z"), List.of(anchor)))
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.AUDIT_LOG_INCONSISTENT))
                    .hasMessageContaining("Nothing was removed");
        }
        assertThat(segment).exists();
    }

    @Test
    void retireBefore_clockWentBack_keepsWhatIsNotFromBefore() throws Exception {
        Path later = Files.createDirectory(home.resolve("later"));
        AuditSettings settings = LogFixture.settings(later).segmentBytes(1);
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        for (int day : List.of(0, 5, 1, 6)) {
            Clock clock = Clock.fixed(start.plus(Duration.ofDays(day)), ZoneOffset.UTC);
            try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, clock)) {
                keys = log.verifierKeys();
                LogFixture.append(log, 2);
            }
        }
        Path anchor = Files.copy(log(later).resolve("checkpoint"), later.resolve("anchor"));
        try (HashChainedAuditLog log = LogFixture.open(settings)) {
            log.retireBefore(start.plus(Duration.ofDays(3)), List.of(anchor));
        }
        assertThat(LogFixture.records(later))
                .noneMatch(record -> record.contains("\"time\":\"2026-01-01T"))
                .anyMatch(record -> record.contains("\"time\":\"2026-01-06T"));
        assertThat(LogFixture.verify(later, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void retireBelow_anchorOfTheLogHasNotSeenTheRecords_keepsWhatItNeedsToBeShown() throws Exception {
        FakeAnchor lagging = new FakeAnchor();
        AuditSettings settings = settings().anchor("lagging", lagging).anchorEvery(Duration.ofHours(1));
        try (HashChainedAuditLog log = LogFixture.open(settings)) {
            AnchorWorld.anchored(log.append(LogFixture.event(1)));
        }
        long seen = lagging.given.get(lagging.given.size() - 1).size();
        lagging.failure = new java.io.IOException("cut off");
        try (HashChainedAuditLog log = LogFixture.open(settings)) {
            LogFixture.append(log, 60);
            log.checkpoint();
            Path newest = Files.copy(log(home).resolve("checkpoint"), home.resolve("newest"));
            assertThat(log.retireBelow(Long.MAX_VALUE, List.of(newest))).isZero();
            lagging.failure = null;
            AnchorWorld.anchored(log.append(LogFixture.event(2)));
            assertThat(lagging.given.get(lagging.given.size() - 1).consistencyProof(seen))
                    .isNotEmpty();
            assertThat(log.retireBelow(Long.MAX_VALUE, List.of(newest))).isGreaterThan(seen);
        }
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void retireBelow_anchorThatProvesNothing_refused() throws Exception {
        Path other = Files.createDirectory(home.resolve("other"));
        LogFixture.large(other);
        Path garbage = Files.writeString(home.resolve("garbage"), "no checkpoint\n");
        for (List<Path> anchors : List.of(
                List.<Path>of(),
                List.of(garbage),
                List.of(home.resolve("missing")),
                List.of(log(other).resolve("checkpoint")))) {
            try (HashChainedAuditLog log = LogFixture.open(settings())) {
                assertThatThrownBy(() -> log.retireBelow(50, anchors)).isInstanceOf(IllegalArgumentException.class);
            }
        }
        assertThat(LogFixture.segments(home).get(0)).hasFileName("00000000000000000000.jsonl");
        assertThat(LogFixture.records(home)).noneMatch(record -> record.contains("log.retired"));
    }

    @Test
    void retireBelow_retiredCantBeWritten_nothingIsDeletedAndItCanBeRepeated() throws Exception {
        List<Path> segments = LogFixture.segments(home);
        Path inTheWay = Files.createDirectories(log(home).resolve("retired.tmp").resolve("full"));
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            assertThatThrownBy(() -> log.retireBelow(40, List.of(anchor)))
                    .isInstanceOf(SecureRuntimeException.class)
                    .extracting(e -> ((SecureRuntimeException) e).code())
                    .isEqualTo(ErrorCode.AUDIT_UNWRITABLE);
            assertThat(LogFixture.segments(home)).containsAll(segments);
            assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
            Files.delete(inTheWay);
            Files.delete(Durable.parent(inTheWay));
            assertIntactAfter(log.retireBelow(40, List.of(anchor)));
        }
    }

    private void assertIntactAfter(long first) {
        assertThat(first).isPositive();
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void open_deletingWasInterrupted_finished() throws Exception {
        LogFixture.copy(log(home), home.resolve("before"));
        long first = retire(40);
        for (Path segment : LogFixture.segments(home)) {
            assertThat(segment.getFileName().toString()).isGreaterThanOrEqualTo(LogFiles.segmentName(first));
        }
        Path left = home.resolve("before/segments").resolve(LogFiles.segmentName(0));
        Files.copy(left, log(home).resolve("segments").resolve(LogFiles.segmentName(0)));

        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Inconclusive.class);
        LogFixture.open(settings()).close();
        assertIntact(first);
    }

    @Test
    void verify_whileRecordsAreRemoved_isNeverAnAccusation() {
        whileRecordsAreRemoved(
                () -> assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class));
    }

    @Test
    void prove_whileRecordsAreRemoved_isNeverAnAccusation() {
        long last = LogFixture.records(home).size() - 1;
        String line = LogFixture.records(home).get((int) last);
        whileRecordsAreRemoved(() -> {
            byte[] proof = AuditProofs.inclusion(log(home), last).getBytes(StandardCharsets.UTF_8);
            assertThat(AuditProofs.check(proof, line.getBytes(StandardCharsets.ISO_8859_1), keys.get(0)))
                    .isInstanceOf(AuditProofs.Result.Proved.class);
        });
    }

    @Test
    void undisturbed_recordsAreRemovedMeanwhile_readsAgainAndDropsWhatWasFound() throws Exception {
        LogFiles files = new LogFiles(log(home));
        LogFault found = new LogFault(3, "segments/x", 0, "missing");
        AtomicInteger readings = new AtomicInteger();
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            String read = Retention.undisturbed(files, () -> {
                if (readings.incrementAndGet() == 1) {
                    Path third = LogFixture.segments(home).get(2);
                    log.retireBelow(
                            Long.parseLong(third.getFileName().toString().substring(0, 20)), List.of(anchor));
                    throw found;
                }
                return "read";
            });
            assertThat(read).isEqualTo("read");
            assertThat(readings).hasValue(2);
        }
        assertThatThrownBy(() -> Retention.undisturbed(files, () -> {
                    throw found;
                }))
                .isSameAs(found);
    }

    private void whileRecordsAreRemoved(Runnable reader) {
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            CompletableFuture<Void> removing = CompletableFuture.runAsync(() -> {
                for (Path segment : LogFixture.segments(home)) {
                    log.retireBelow(
                            Long.parseLong(segment.getFileName().toString().substring(0, 20)), List.of(anchor));
                }
            });
            do {
                reader.run();
            } while (!removing.isDone());
            removing.join();
        }
    }

    @Test
    void inclusion_everyRecordThatIsLeft_provedAndOthersRefused() {
        long first = retire(40);
        List<String> records = LogFixture.records(home);
        for (int i = 0; i < records.size(); i++) {
            byte[] line = records.get(i).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
            byte[] proof =
                    AuditProofs.inclusion(log(home), first + i).getBytes(java.nio.charset.StandardCharsets.UTF_8);
            assertThat(AuditProofs.check(proof, line, keys.get(0)))
                    .isEqualTo(new AuditProofs.Result.Proved(first + i, first + records.size()));
        }
        assertThatThrownBy(() -> AuditProofs.inclusion(log(home), first - 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("removed under retention");
    }

    @Test
    void consistency_afterRetention_asBeforeOrRefused() throws Exception {
        Path before = home.resolve("before");
        LogFixture.copy(log(home), before);
        long size = LogFixture.records(home).size();
        long first = retire(40);
        for (long older = 1; older <= size; older++) {
            long old = older;
            if (older >= first) {
                assertThat(AuditProofs.consistency(log(home), old, size))
                        .isEqualTo(AuditProofs.consistency(before, old, size));
            } else if (Long.bitCount(older) != 1) {
                assertThatThrownBy(() -> AuditProofs.consistency(log(home), old, size))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("removed under retention");
            }
        }
    }

    @Test
    void read_afterRetention_showsWhatIsLeft() {
        long first = retire(40);
        List<Long> shown = new ArrayList<>();
        AuditRecords.read(log(home), 0, Long.MAX_VALUE - 1, (record, line) -> shown.add(record.seq()));
        assertThat(shown).hasSize(LogFixture.records(home).size()).startsWith(first);
        assertThatThrownBy(() -> AuditRecords.read(log(home), 0, first - 1, (record, line) -> {}))
                .hasMessageContaining("removed under retention");
    }
}
