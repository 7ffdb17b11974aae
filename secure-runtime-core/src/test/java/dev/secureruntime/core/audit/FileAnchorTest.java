package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AnchorConflictException;
import dev.secureruntime.audit.AnchorEvidence;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FileAnchorTest {

    @TempDir
    private Path temp;

    private Path home;
    private Path kept;
    private AnchorWorld world;

    @BeforeEach
    void makeWorld() throws IOException {
        home = Files.createDirectory(temp.resolve("home"));
        kept = Files.createDirectory(temp.resolve("elsewhere")).resolve("anchor");
        world = new AnchorWorld(home, FileAnchor.at(kept));
    }

    private VerificationResult verify(List<String> keys, Path... anchors) {
        return AuditLogVerifier.withKeys(keys).anchoredBy(List.of(anchors)).verify(LogFixture.log(home));
    }

    private SealedCheckpoint checkpoint(Path of) throws IOException {
        byte[] note = Files.readAllBytes(LogFixture.log(of).resolve("checkpoint"));
        return new StoredCheckpoint(
                new LogFiles(LogFixture.log(of)),
                note,
                new CompactRange(),
                new java.util.concurrent.ConcurrentSkipListMap<>());
    }

    @Test
    void keptCheckpoints_proveTheLogComplete() throws Exception {
        List<String> keys = world.write(10);
        world.write(10);
        VerificationResult result = verify(keys, kept);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.provedUpTo().getAsLong()).isGreaterThan(20);
        // At least one checkpoint of each run, of two parts each.
        assertThat(Files.readString(kept).split("\n\n").length).isGreaterThanOrEqualTo(4);
    }

    @Test
    void rollBackByAThiefWithAllKeys_isFoundByVerifierAndByTheAnchor() throws Exception {
        List<String> keys = world.write(10);
        world.keepIn(temp.resolve("before"));
        world.write(10);
        AnchorWorld.rollBack(home, temp.resolve("before"));
        assertThat(verify(keys)).as("without the anchor").isInstanceOf(VerificationResult.Intact.class);
        assertThat(verify(keys, kept)).isInstanceOf(VerificationResult.Tampered.class);
        byte[] before = Files.readAllBytes(kept);
        try (HashChainedAuditLog log = world.open()) {
            Receipt receipt = log.append(LogFixture.event(1));
            assertThatThrownBy(() -> AnchorWorld.anchored(receipt))
                    .cause()
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.ANCHOR_CONFLICT));
        }
        assertThat(kept).hasBinaryContent(before);
        assertThat(LogFixture.records(home))
                .anyMatch(line -> line.contains("\"secure_runtime.log.anchor_state\":\"conflict\""));
    }

    @Test
    void forkThatGrewPastTheAnchor_isRefused() throws Exception {
        List<String> keys = world.write(10);
        world.keepIn(temp.resolve("before"));
        world.write(5);
        AnchorWorld.rollBack(home, temp.resolve("before"));
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home))) {
            LogFixture.append(log, 100);
        }
        assertThat(verify(keys)).as("without the anchor").isInstanceOf(VerificationResult.Intact.class);
        assertThat(verify(keys, kept)).isInstanceOf(VerificationResult.Tampered.class);
        assertThatThrownBy(() -> FileAnchor.at(kept).take(checkpoint(home)))
                .isInstanceOf(AnchorConflictException.class)
                .hasMessageContaining("forked");
    }

    @Test
    void checkpointOfAnotherLog_isRefused() throws Exception {
        world.write(3);
        Path other = Files.createDirectory(temp.resolve("other"));
        LogFixture.large(other);
        assertThatThrownBy(() -> FileAnchor.at(kept).take(checkpoint(other)))
                .isInstanceOf(AnchorConflictException.class)
                .hasMessageContaining("another log");
    }

    @Test
    void sameCheckpoint_isKeptOnce() throws Exception {
        LogFixture.large(home);
        FileAnchor anchor = FileAnchor.at(kept);
        AnchorEvidence evidence = anchor.take(checkpoint(home));
        long size = Files.size(kept);
        assertThat(anchor.take(checkpoint(home))).isEqualTo(evidence);
        assertThat(kept).hasSize(size);
    }

    @Test
    void forcingThatFails_isNoReasonToTrustTheNextThatSucceeds() throws Exception {
        LogFixture.large(home);
        AtomicBoolean fails = new AtomicBoolean(true);
        FileAnchor anchor = new FileAnchor(kept, channel -> {
            if (fails.get()) {
                throw new IOException("lost");
            }
            channel.force(true);
        });
        assertThatThrownBy(() -> anchor.take(checkpoint(home))).hasMessage("lost");
        // Left there, it would be taken for kept by the next try, whose forcing has nothing to write any more.
        assertThat(kept).isEmptyFile();
        fails.set(false);
        anchor.take(checkpoint(home));
        assertThat(Files.readAllBytes(kept))
                .isEqualTo(Files.readAllBytes(LogFixture.log(home).resolve("checkpoint")));
    }

    @Test
    void noteThatCouldNotBeTakenBackEither_isWrittenAnew() throws Exception {
        LogFixture.large(home);
        AtomicBoolean fails = new AtomicBoolean(true);
        FileAnchor anchor = new FileAnchor(kept, channel -> {
            if (fails.get()) {
                channel.close(); // nothing more can be done to the file
                throw new IOException("lost");
            }
            channel.force(true);
        });
        assertThatThrownBy(() -> anchor.take(checkpoint(home))).hasMessage("lost");
        assertThat(kept).isNotEmptyFile();
        FileTime longAgo = FileTime.fromMillis(0);
        Files.setLastModifiedTime(kept, longAgo);
        fails.set(false);
        anchor.take(checkpoint(home));
        assertThat(Files.getLastModifiedTime(kept)).isGreaterThan(longAgo);
        assertThat(Files.readAllBytes(kept))
                .isEqualTo(Files.readAllBytes(LogFixture.log(home).resolve("checkpoint")));
    }

    @Test
    void interruptedNote_isCutOffBeforeTheNext() throws Exception {
        List<String> keys = world.write(3);
        String whole = Files.readString(kept);
        Files.writeString(kept, whole + "\ntest/");
        assertThat(verify(keys, kept)).isInstanceOf(VerificationResult.Inconclusive.class);
        world.write(3);
        assertThat(Files.readString(kept)).startsWith(whole);
        assertThat(verify(keys, kept)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void noteInterruptedAtAnyByte_isCutOffBeforeTheNext() throws Exception {
        LogFixture.large(home);
        SealedCheckpoint newest = checkpoint(home);
        String note = LogFixture.read(LogFixture.log(home).resolve("checkpoint"));
        String all = LogFixture.read(LogFixture.log(home).resolve("checkpoints"));
        String first = all.substring(0, all.indexOf("\n\n", all.indexOf("\n\n") + 2) + 1);
        for (String before : List.of("", first + "\n")) {
            for (int there = 1; there < note.length(); there++) {
                LogFixture.write(kept, before + note.substring(0, there));
                FileAnchor.at(kept).take(newest);
                assertThat(new AnchoredHeads().read(kept))
                        .as("cut off at byte " + there)
                        .isTrue();
            }
            LogFixture.write(kept, before + note.substring(0, 3) + "\0".repeat(100));
            FileAnchor.at(kept).take(newest);
            assertThat(new AnchoredHeads().read(kept)).isTrue();
        }
    }

    @Test
    void fileOfSomethingElse_isNeverChanged() throws Exception {
        LogFixture.large(home);
        for (String content : List.of("hello\n", "a\n\nb\n\nc\n\nd\n", "x".repeat(20_000))) {
            Files.writeString(kept, content);
            assertThatThrownBy(() -> FileAnchor.at(kept).take(checkpoint(home))).isInstanceOf(IOException.class);
            assertThat(kept).hasContent(content);
        }
    }

    @Test
    void largeFile_isReadFromItsNewestNotes() throws Exception {
        List<String> keys = world.write(3);
        String note = Files.readString(LogFixture.log(home).resolve("checkpoint"));
        Files.writeString(kept, (note + "\n").repeat(KeptNotes.MAX_BYTES / note.length() + 10) + note);
        assertThat(verify(keys, kept)).isInstanceOf(VerificationResult.Intact.class);
        world.write(3);
        assertThat(verify(keys, kept)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void pathInsideTheLog_isRefused() throws Exception {
        Path inside = LogFixture.log(home).resolve("segments").resolve("anchor");
        Path link = temp.resolve("link");
        Files.createDirectories(LogFixture.log(home));
        Files.createSymbolicLink(link, LogFixture.log(home));
        for (Path file : List.of(inside, link.resolve("anchor"))) {
            assertThatThrownBy(() -> new AnchorWorld(home, FileAnchor.at(file)).open())
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.RUNTIME_MISCONFIGURED));
        }
    }

    @Test
    void unwritablePlace_delaysAnchoredOnly() throws Exception {
        AnchorWorld lost =
                new AnchorWorld(home, FileAnchor.at(temp.resolve("missing").resolve("anchor")));
        try (HashChainedAuditLog log = lost.open()) {
            log.append(LogFixture.event(1))
                    .reached(Receipt.Stage.DURABLE)
                    .toCompletableFuture()
                    .get(30, TimeUnit.SECONDS);
        }
        assertThat(LogFixture.records(home)).anyMatch(line -> line.contains("unreachable"));
    }
}
