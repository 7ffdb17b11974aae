package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.log;
import static dev.secureruntime.core.audit.LogFixture.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a start accepts and refuses, and the epoch that it begins. */
@Timeout(60)
class LogStartTest {

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
    void settings_thatNoLogCanKeep_refused() {
        Duration tooLong = Duration.ofSeconds(Long.MAX_VALUE);
        for (ThrowingCallable setting : List.<ThrowingCallable>of(
                () -> settings().checkpointEvery(Duration.ZERO, 1),
                () -> settings().checkpointEvery(tooLong, 1),
                () -> settings().checkpointEvery(Duration.ofSeconds(1), 0),
                () -> settings().segmentBytes(0),
                () -> settings().segmentEvery(Duration.ofSeconds(-1)),
                () -> settings().segmentEvery(tooLong),
                () -> settings().anchorEvery(tooLong))) {
            assertThatThrownBy(setting).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void open_signerOfAnotherLog_isSaidToBeOne() {
        LogFixture.open(settings()).close();
        Path other = home.resolve("other-signer");
        HashChainedAuditLog.createSigner(other, "another");
        assertThatThrownBy(() -> LogFixture.open(settings().signer(other)))
                .isInstanceOf(SecureRuntimeException.class)
                .hasMessageContaining("SR-AUDIT-004")
                .hasMessageContaining("the signer is another log's");
    }

    @Test
    void open_segmentsAreALink_refusedBeforeARecordIsTaken() throws Exception {
        Path elsewhere = Files.createDirectory(home.resolve("elsewhere"));
        Files.createSymbolicLink(Files.createDirectories(log(home)).resolve("segments"), elsewhere);
        assertThatThrownBy(() -> LogFixture.open(settings()))
                .isInstanceOf(SecureRuntimeException.class)
                .hasMessageContaining("SR-AUDIT-004")
                .hasMessageContaining("is a link");
        assertThat(elsewhere).isEmptyDirectory();

        Files.delete(log(home).resolve("segments"));
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            keys = log.verifierKeys();
        }
        Files.move(log(home).resolve("segments"), elsewhere.resolve("segments"));
        Files.createSymbolicLink(log(home).resolve("segments"), elsewhere.resolve("segments"));
        assertThat(LogFixture.verify(home, keys).toString()).contains("expected a directory");
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
    void open_aLinkThatLeadsNowhereInTheDirectorysPlace_isNamed_andNothingIsMade() throws Exception {
        Path nowhere = Files.createSymbolicLink(home.resolve("nowhere"), home.resolve("none"));
        for (AuditSettings unfit : List.of(
                AuditSettings.in(nowhere).signer(home.resolve("keys/signer")),
                settings().content(ContentSettings.in(nowhere)))) {
            assertThatThrownBy(() -> LogFixture.open(unfit)).hasMessageContaining(nowhere + " is no directory");
        }
        try (var made = Files.list(home)) {
            assertThat(made).containsExactly(nowhere);
        }
    }

    @Test
    void open_aFileWhereADirectoryIsToBe_isNamedWithItsRemedy_andNothingIsMade() throws Exception {
        Path file = Files.createFile(home.resolve("file"));
        Path link = Files.createSymbolicLink(home.resolve("link"), file);
        for (Path taken : List.of(file, link)) {
            for (Path directory : List.of(taken, taken.resolve("below/it"))) {
                AuditSettings inPlace = AuditSettings.in(directory).signer(home.resolve("keys/signer"));
                for (AuditSettings unfit : List.of(
                        inPlace,
                        settings().signer(directory.resolve("signer")),
                        settings().content(ContentSettings.in(directory)))) {
                    assertThatThrownBy(() -> LogFixture.open(unfit))
                            .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                                    .isEqualTo(ErrorCode.AUDIT_UNWRITABLE))
                            .hasMessageContaining(directory.toString())
                            .hasMessageContaining(taken + " is no directory")
                            .hasMessageContaining("Move it away");
                }
            }
        }
        try (var made = Files.list(home)) {
            assertThat(made).containsExactlyInAnyOrder(file, link);
        }
    }

    @Test
    void open_settingsThatNoLogCanKeep_makesNothing() throws Exception {
        Path inside = log(home).resolve("inside/it");
        for (AuditSettings unfit : List.of(
                settings().name("a name"),
                settings().name(""),
                settings().name("n".repeat(129)),
                settings().signer(inside),
                settings().anchor("file", FileAnchor.at(inside)),
                settings().content(ContentSettings.in(inside)))) {
            assertRefused(ErrorCode.RUNTIME_MISCONFIGURED, () -> LogFixture.open(unfit));
            try (var made = Files.list(home)) {
                assertThat(made).isEmpty();
            }
        }
    }

    @Test
    void open_signer_isForItsOwnerOnly() throws Exception {
        LogFixture.open(settings()).close();
        Path signer = home.resolve("keys/signer");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(signer)))
                .isEqualTo("rw-------");
        try (var files = Files.list(home.resolve("keys"))) {
            assertThat(files).containsExactlyInAnyOrder(signer, home.resolve("keys/signer.lock"));
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
}
