package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AnchorConflictException;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.ConsistencyProof;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When anchors are given which checkpoint, what becomes of it in the log, and what an anchor that fails can't hold up. */
@Timeout(60)
class AnchoringTest {

    @TempDir
    private Path home;

    private final FakeAnchor anchor = new FakeAnchor();

    private AuditSettings settings() {
        return LogFixture.settings(home).anchorEvery(Duration.ofMillis(20)).anchor("fake", anchor);
    }

    private static void anchored(Receipt receipt) throws Exception {
        receipt.reached(Receipt.Stage.ANCHORED).toCompletableFuture().get(30, TimeUnit.SECONDS);
    }

    private static void eventually(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
    }

    private List<String> records(String type) {
        return LogFixture.records(home).stream()
                .filter(line -> line.contains("\"type\":\"" + type + "\""))
                .toList();
    }

    private static ErrorCode code(CompletableFuture<?> future) {
        try {
            future.orTimeout(30, TimeUnit.SECONDS).join();
            throw new AssertionError("expected a failure");
        } catch (CompletionException e) {
            return ((SecureRuntimeException) e.getCause()).code();
        }
    }

    @Test
    void anchored_withTwoAnchors_completesWhenBothHaveTakenTheRecord() throws Exception {
        FakeAnchor slow = new FakeAnchor();
        slow.hangs = new CountDownLatch(1);
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings().anchor("slow", slow))) {
            keys = log.verifierKeys();
            Receipt receipt = log.append(LogFixture.event(1));
            CompletableFuture<Receipt> reached =
                    receipt.reached(Receipt.Stage.ANCHORED).toCompletableFuture();
            eventually(() -> anchor.given.stream().anyMatch(given -> given.size() > receipt.index()));
            receipt.reached(Receipt.Stage.SEALED).toCompletableFuture().get(30, TimeUnit.SECONDS);
            assertThat(reached).isNotDone();
            slow.hangs.countDown();
            reached.get(30, TimeUnit.SECONDS);
            assertThat(slow.given).anyMatch(given -> given.size() > receipt.index());
        }
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        SealedCheckpoint taken = anchor.given.get(0);
        assertThat(records("log.anchored")).anySatisfy(line -> assertThat(line)
                .contains("\"secure_runtime.log.anchor\":\"fake\"")
                .contains("\"secure_runtime.log.anchored_size\":" + taken.size())
                .contains(Hex.text(taken.hash()))
                .contains("\"secure_runtime.log.evidence_kind\":\"kept\"")
                .contains(Base64.getEncoder().encodeToString("memory".getBytes())));
    }

    @Test
    void anchored_withoutAnchors_failsAtOnceWithACode() {
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home))) {
            Receipt receipt = log.append(LogFixture.event(1));
            assertThat(code(receipt.reached(Receipt.Stage.ANCHORED).toCompletableFuture()))
                    .isEqualTo(ErrorCode.ANCHOR_NONE);
        }
        assertThat(records("log.anchored")).isEmpty();
    }

    @Test
    void idleLog_isNotAnchoredForItsOwnRecords() throws Exception {
        try (HashChainedAuditLog log = LogFixture.open(settings().checkpointEvery(Duration.ofMillis(1), 1))) {
            anchored(log.append(LogFixture.event(1)));
            // Whatever the log had before is anchored now; only the records of that can be new.
            eventually(() -> anchor.given.get(anchor.given.size() - 1).size() <= log.size());
            int calls = anchor.asked.size();
            long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(300);
            while (System.nanoTime() < until) {
                LockSupport.parkNanos(5_000_000);
                log.checkpoint();
            }
            assertThat(anchor.asked.size()).isLessThanOrEqualTo(calls + 1);
        }
    }

    @Test
    void unreachableAnchor_delaysAnchoredOnly_andIsGivenTheNewestCheckpointLater() throws Exception {
        anchor.failure = new IOException("secret token 123");
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            keys = log.verifierKeys();
            Receipt first = log.append(LogFixture.event(1));
            CompletableFuture<Receipt> reached =
                    first.reached(Receipt.Stage.ANCHORED).toCompletableFuture();
            first.reached(Receipt.Stage.SEALED).toCompletableFuture().get(30, TimeUnit.SECONDS);
            eventually(() -> anchor.asked.size() >= 3);
            assertThat(reached).isNotDone();
            log.append(LogFixture.event(2));
            log.checkpoint();
            long size = log.size();
            anchor.failure = null;
            reached.get(30, TimeUnit.SECONDS);
            // An attempt may have begun before with an older one.
            eventually(() -> anchor.given.stream().anyMatch(given -> given.size() >= size));
        }
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        List<String> states = records("log.anchor");
        assertThat(states).hasSize(2);
        assertThat(states.get(0))
                .contains("unreachable")
                .contains("java.io.IOException")
                .doesNotContain("secret token");
        assertThat(states.get(1)).contains("\"secure_runtime.log.anchor_state\":\"reached\"");
    }

    @Test
    void hangingAnchor_holdsUpNeitherSealsNorOtherAnchorsNorClose() throws Exception {
        FakeAnchor hanging = new FakeAnchor();
        hanging.hangs = new CountDownLatch(1);
        CompletableFuture<Receipt> never;
        try (HashChainedAuditLog log =
                LogFixture.open(settings().segmentBytes(4_000).anchor("hanging", hanging))) {
            for (int i = 0; i < 50; i++) {
                log.append(LogFixture.event(i));
            }
            Receipt receipt = log.append(LogFixture.event(50));
            never = receipt.reached(Receipt.Stage.ANCHORED).toCompletableFuture();
            receipt.reached(Receipt.Stage.SEALED).toCompletableFuture().get(30, TimeUnit.SECONDS);
            eventually(() -> anchor.given.stream().anyMatch(given -> given.size() > receipt.index()));
            eventually(() -> records("log.anchor").stream().anyMatch(line -> line.contains("hanging")));
            assertThat(never).isNotDone();
            assertThat(hanging.asked).hasSize(1);
        }
        assertThat(code(never)).isEqualTo(ErrorCode.ANCHOR_NOT_REACHED);
        hanging.hangs.countDown();
    }

    @Test
    void conflict_failsThoseWhoWait_andIsARecord() throws Exception {
        anchor.failure = new AnchorConflictException("rolled back");
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            Receipt receipt = log.append(LogFixture.event(1));
            assertThat(code(receipt.reached(Receipt.Stage.ANCHORED).toCompletableFuture()))
                    .isEqualTo(ErrorCode.ANCHOR_CONFLICT);
            receipt.reached(Receipt.Stage.SEALED).toCompletableFuture().get(30, TimeUnit.SECONDS);
        }
        assertThat(records("log.anchor")).singleElement().asString().contains("conflict");
    }

    @Test
    void conflict_isNotForgottenWhileTheAnchorCantBeReached() throws Exception {
        anchor.failure = new AnchorConflictException("rolled back");
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            Receipt receipt = log.append(LogFixture.event(1));
            assertThat(code(receipt.reached(Receipt.Stage.ANCHORED).toCompletableFuture()))
                    .isEqualTo(ErrorCode.ANCHOR_CONFLICT);
            anchor.failure = new IOException("the network is cut");
            int asked = anchor.asked.size();
            // The answer before the last one was dealt with.
            eventually(() -> anchor.asked.size() >= asked + 3);
            assertThat(code(receipt.reached(Receipt.Stage.ANCHORED).toCompletableFuture()))
                    .isEqualTo(ErrorCode.ANCHOR_CONFLICT);
            anchor.failure = null;
            eventually(() -> !anchor.given.isEmpty());
        }
        assertThat(records("log.anchor")).hasSize(2).first().asString().contains("conflict");
    }

    @Test
    void close_anchorsTheNewestRecords() {
        try (HashChainedAuditLog log = LogFixture.open(settings().anchorEvery(Duration.ofHours(1)))) {
            eventually(() -> !anchor.given.isEmpty());
            log.append(LogFixture.event(1));
        }
        SealedCheckpoint last = anchor.given.get(anchor.given.size() - 1);
        // Behind it, or before, stands the record that the first was taken.
        assertThat(LogFixture.records(home).subList(0, (int) last.size()))
                .anySatisfy(record -> assertThat(record).contains("test.event"));
        assertThat(records("log.anchored")).hasSize(anchor.given.size());
    }

    @Test
    void rotation_anchorsBeforeTheIntervalIsOver() {
        try (HashChainedAuditLog log =
                LogFixture.open(settings().anchorEvery(Duration.ofHours(1)).segmentBytes(4_000))) {
            eventually(() -> !anchor.given.isEmpty());
            LogFixture.append(log, 40);
            eventually(() -> anchor.given.size() >= 2);
        }
    }

    @Test
    void consistencyProof_fromAnySize_holds() throws Exception {
        try (HashChainedAuditLog log = LogFixture.open(settings().segmentBytes(4_000))) {
            for (int i = 0; i < 30; i++) {
                log.append(LogFixture.event(i));
                anchored(log.append(LogFixture.event(i)));
            }
            List<SealedCheckpoint> given = anchor.given;
            SealedCheckpoint newest = given.get(given.size() - 1);
            for (SealedCheckpoint older : given) {
                List<byte[]> proof = newest.consistencyProof(older.size());
                assertThat(ConsistencyProof.holds(older.size(), older.root(), newest.size(), newest.root(), proof))
                        .isTrue();
                assertThat(proof.stream().map(Base64.getEncoder()::encodeToString))
                        .isEqualTo(AuditProofs.consistency(LogFixture.log(home), older.size(), newest.size()));
            }
            assertThat(newest.consistencyProof(0)).isEmpty();
            assertThatThrownBy(() -> newest.consistencyProof(newest.size() + 1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void consistencyProof_overChangedRecords_isRefused() throws Exception {
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            anchored(log.append(LogFixture.event(1)));
        }
        SealedCheckpoint newest = anchor.given.get(anchor.given.size() - 1);
        assertThat(newest.consistencyProof(1)).isNotEmpty();
        Path segment = LogFixture.segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment).replace("value 1", "value 2"));
        assertThatThrownBy(() -> newest.consistencyProof(1)).isInstanceOf(IOException.class);
    }

    @Test
    void settings_refuseNamesThatRepeatOrHaveOtherCharacters() {
        assertThatThrownBy(() -> settings().anchor("fake", anchor)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings().anchor("a b", anchor)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings().anchorEvery(Duration.ZERO)).isInstanceOf(IllegalArgumentException.class);
    }
}
