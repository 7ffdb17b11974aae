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
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

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
                            .get(10, TimeUnit.SECONDS))
                    .isSameAs(receipt);
            assertThat(LogFixture.records(home)).hasSize((int) receipt.index() + 1);
            CompletableFuture<Receipt> sealed =
                    receipt.reached(Receipt.Stage.SEALED).toCompletableFuture();
            assertThat(sealed).isNotDone();
            log.checkpoint();
            assertThat(sealed.get(10, TimeUnit.SECONDS)).isSameAs(receipt);
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
            assertThat(second.get(20, TimeUnit.SECONDS).index()).isEqualTo(2);
        }
    }

    @Test
    void checkpoint_timer_sealsWithoutBeingAsked() throws Exception {
        AuditSettings settings = settings().checkpointEvery(Duration.ofMillis(20), 1_000_000);
        try (HashChainedAuditLog log = LogFixture.open(settings)) {
            log.append(LogFixture.event(1))
                    .reached(Receipt.Stage.SEALED)
                    .toCompletableFuture()
                    .get(10, TimeUnit.SECONDS);
        }
        AuditSettings counting = settings().checkpointEvery(Duration.ofHours(1), 10);
        try (HashChainedAuditLog log = LogFixture.open(counting)) {
            Receipt first = log.append(LogFixture.event(1));
            LogFixture.append(log, 10);
            first.reached(Receipt.Stage.SEALED).toCompletableFuture().get(10, TimeUnit.SECONDS);
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
    void open_secondWriter_refusedAlsoThroughALink() throws Exception {
        Path link = home.resolve("link");
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            Files.createSymbolicLink(link, log(home));
            assertRefused(ErrorCode.AUDIT_LOG_IN_USE, () -> LogFixture.open(settings()));
            assertRefused(
                    ErrorCode.AUDIT_LOG_IN_USE,
                    () -> LogFixture.open(AuditSettings.in(link).signer(home.resolve("keys/signer"))));
            log.append(LogFixture.event(1));
        }
        LogFixture.open(settings()).close();
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
        receipt.reached(Receipt.Stage.DURABLE).toCompletableFuture().get(10, TimeUnit.SECONDS);
        Path segment = segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment).replace("value 1", "value 2"));

        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::checkpoint);
        assertRefused(ErrorCode.AUDIT_UNWRITABLE, log::close);
        assertThat(Files.readString(log(home).resolve("checkpoint")).split("\n")[1])
                .isEqualTo("1");
    }

    @Test
    void open_signerInsideTheDirectory_refused() throws Exception {
        assertRefused(
                ErrorCode.RUNTIME_MISCONFIGURED,
                () -> LogFixture.open(settings().signer(log(home).resolve("signer"))));
        Path link = Files.createSymbolicLink(home.resolve("elsewhere"), log(home));
        assertRefused(
                ErrorCode.RUNTIME_MISCONFIGURED,
                () -> LogFixture.open(settings().signer(link.resolve("signer"))));
    }

    @Test
    void open_signer_isForItsOwnerOnly() throws Exception {
        LogFixture.open(settings()).close();
        Path signer = home.resolve("keys/signer");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(signer)))
                .isEqualTo("rw-------");
        try (var files = Files.list(home.resolve("keys"))) {
            assertThat(files).containsExactly(signer);
        }
        Files.setPosixFilePermissions(signer, PosixFilePermissions.fromString("rw-r--r--"));
        assertRefused(ErrorCode.AUDIT_LOG_INCONSISTENT, () -> LogFixture.open(settings()));
    }

    @Test
    void open_brokenSigner_refusedWithoutItsContent() throws Exception {
        LogFixture.open(settings()).close();
        Path signer = home.resolve("keys/signer");
        String key = Files.readAllLines(signer).get(3);
        Files.writeString(signer, Files.readString(signer).replace("PRIVATE+KEY", "PRIVATE+KEX"));
        assertThatThrownBy(() -> LogFixture.open(settings())).satisfies(e -> {
            java.io.StringWriter trace = new java.io.StringWriter();
            e.printStackTrace(new java.io.PrintWriter(trace));
            assertThat(trace.toString()).doesNotContain(key.substring(key.length() - 40));
        });
    }

    @Test
    void open_logWithoutItsSigner_refused() throws Exception {
        LogFixture.open(settings()).close();
        Files.delete(home.resolve("keys/signer"));
        assertRefused(ErrorCode.AUDIT_LOG_INCONSISTENT, () -> LogFixture.open(settings()));
    }

    @Test
    void open_signerWithoutItsLog_refusedNotForked() throws Exception {
        LogFixture.open(settings()).close();
        Files.move(log(home), home.resolve("away"));
        assertRefused(ErrorCode.AUDIT_LOG_INCONSISTENT, () -> LogFixture.open(settings()));
    }

    @Test
    void open_logRolledBackToBeforeTheLastStart_refused() throws Exception {
        LogFixture.open(settings()).close();
        LogFixture.copy(log(home), home.resolve("older"));
        LogFixture.open(settings()).close();
        Files.move(log(home), home.resolve("newer"));
        Files.move(home.resolve("older"), log(home));
        assertRefused(ErrorCode.AUDIT_LOG_INCONSISTENT, () -> LogFixture.open(settings()));
    }

    @Test
    void open_tamperedLog_refused() throws Exception {
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            LogFixture.append(log, 5);
        }
        Path segment = segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment).replace("value 2", "value 9"));
        assertThatThrownBy(() -> LogFixture.open(settings()))
                .hasMessageContaining("SR-AUDIT-004")
                .hasMessageContaining("record 3");
    }

    @Test
    void open_again_startsANewEpochAndDestroysTheOldKey() throws Exception {
        LogFixture.open(settings()).close();
        String before = Files.readAllLines(home.resolve("keys/signer")).get(4);
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            keys = log.verifierKeys();
        }
        String after = Files.readString(home.resolve("keys/signer"));
        assertThat(after).doesNotContain(before.substring(before.length() - 40));
        assertThat(LogFixture.records(home).get(1)).contains("\"type\":\"log.key\"");
        assertIntact(keys, 2);
    }

    @Test
    void append_afterADay_startsANewEpoch() throws Exception {
        AtomicLong ticker = new AtomicLong();
        List<String> keys;
        try (HashChainedAuditLog log =
                HashChainedAuditLog.open(settings(), Clock.systemUTC(), ticker::get, StorageDevice.SYSTEM)) {
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

    private List<String> crashed() throws IOException {
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            keys = log.verifierKeys();
            LogFixture.append(log, 5);
        }
        return keys;
    }

    @Test
    void open_tornTail_cutOffAndLogged() throws Exception {
        List<String> keys = crashed();
        Path segment = segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment) + "{\"seq\":6,\"ti");

        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Inconclusive.class);
        assertThat(Files.readString(segment)).as("a reader changes nothing").endsWith("{\"seq\":6,\"ti");
        LogFixture.open(settings()).close();

        assertThat(LogFixture.records(home).get(6))
                .contains("\"type\":\"log.recovered\"")
                .contains("recovered_bytes\":12")
                .contains(Hex.text(TreeHasher.sha256().digest("{\"seq\":6,\"ti".getBytes(StandardCharsets.UTF_8))));
        assertIntact(keys, 8);
    }

    @Test
    void open_zeroFilledTail_cutOff() throws Exception {
        List<String> keys = crashed();
        Path segment = segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment) + "\0".repeat(100_000));

        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Inconclusive.class);
        LogFixture.open(settings()).close();
        assertIntact(keys, 8);
    }

    @Test
    void open_tornCheckpoint_cutOffAndLogged() throws Exception {
        List<String> keys = crashed();
        Path checkpoints = log(home).resolve("checkpoints");
        String whole = LogFixture.read(checkpoints);
        String origin = whole.substring(0, whole.indexOf('\n'));
        for (String fragment : List.of("\n", "\n" + origin.substring(0, 4), "\n" + origin + "\n6\n", "\0\0\0")) {
            LogFixture.write(checkpoints, LogFixture.read(checkpoints) + fragment);
            assertThat(LogFixture.verify(home, keys)).as(fragment).isInstanceOf(VerificationResult.Inconclusive.class);
            LogFixture.open(settings()).close();
            assertThat(LogFixture.verify(home, keys)).as(fragment).isInstanceOf(VerificationResult.Intact.class);
        }
        assertThat(LogFixture.records(home))
                .filteredOn(r -> r.contains("log.recovered"))
                .hasSize(4);
    }

    @Test
    void open_checkpointOneBehind_finished() throws Exception {
        List<String> keys = crashed();
        Path checkpoints = log(home).resolve("checkpoints");
        String first = LogFixture.read(checkpoints).split("\n\n" + "te")[0] + "\n";
        LogFixture.write(log(home).resolve("checkpoint"), first);

        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Inconclusive.class);
        LogFixture.open(settings()).close();
        assertIntact(keys, 7);
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
}
