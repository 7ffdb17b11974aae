package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One signer is one log's: it must not sign two histories at once. */
@Timeout(60)
class SignerLockTest {

    private static final Path PYTHON = Path.of("/usr/bin/python3");

    @TempDir
    private Path home;

    private AuditSettings settings() {
        return LogFixture.settings(home);
    }

    private AuditSettings second() {
        return AuditSettings.in(home.resolve("second")).signer(settings().signer());
    }

    private static void assertRefused(ErrorCode code, ThrowingCallable action) {
        assertThatThrownBy(action)
                .isInstanceOfSatisfying(SecureRuntimeException.class, refusal -> assertThat(refusal.code())
                        .isEqualTo(code));
    }

    @Test
    void signerOfAnOpenLog_opensNoOther_alsoThroughALink() throws Exception {
        HashChainedAuditLog.createSigner(settings());
        Path link = home.resolve("link");
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            Files.createSymbolicLink(link, settings().signer().getParent());
            assertRefused(ErrorCode.AUDIT_LOG_IN_USE, () -> LogFixture.open(second()));
            assertRefused(ErrorCode.AUDIT_LOG_IN_USE, () -> LogFixture.open(second().signer(link.resolve("signer"))));
            assertRefused(ErrorCode.AUDIT_LOG_IN_USE, () -> HashChainedAuditLog.createSigner(settings()));
            log.append(LogFixture.event(1));
        }
        assertRefused(ErrorCode.AUDIT_LOG_INCONSISTENT, () -> LogFixture.open(second()));
        LogFixture.open(settings()).close();
    }

    /** What the lock is for: two histories that the same pins vouch for. */
    @Test
    void withoutTheLock_copiesOfALogAreBothContinuedAndIntact() throws Exception {
        LogFixture.open(settings()).close();
        LogFixture.copy(log(home), home.resolve("second"));
        byte[] signer = Files.readAllBytes(settings().signer());
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            keys = log.verifierKeys();
            log.append(LogFixture.event(1));
            assertRefused(ErrorCode.AUDIT_LOG_IN_USE, () -> LogFixture.open(second()));
            Path elsewhere = Files.createDirectory(home.resolve("elsewhere")).resolve("signer");
            Files.copy(settings().signer(), elsewhere);
            Files.write(elsewhere, signer);
            LogFixture.open(second().signer(elsewhere)).close();
        }
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        assertThat(AuditLogVerifier.withKeys(keys).verify(home.resolve("second")))
                .isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void signerMadeByTwoStartsAtOnce_isOneLogs() throws Exception {
        CyclicBarrier together = new CyclicBarrier(2);
        ExecutorService threads = Executors.newFixedThreadPool(2); // the common pool may have one thread
        List<Future<HashChainedAuditLog>> starts = new ArrayList<>();
        for (AuditSettings one : List.of(settings(), second())) {
            starts.add(threads.submit(() -> {
                together.await(30, TimeUnit.SECONDS);
                return LogFixture.open(one);
            }));
        }
        threads.shutdown();
        int opened = 0;
        for (Future<HashChainedAuditLog> start : starts) {
            try (HashChainedAuditLog log = start.get(30, TimeUnit.SECONDS)) {
                opened++;
                assertThat(log.verifierKeys()).hasSize(2);
            } catch (ExecutionException e) {
                assertThat(e).hasCauseInstanceOf(SecureRuntimeException.class);
            }
        }
        assertThat(opened).isEqualTo(1);
    }

    @Test
    void signerThatAnotherProcessHolds_opensNoLog() throws Exception {
        assumeTrue(Files.isExecutable(PYTHON), "Python is not installed");
        HashChainedAuditLog.createSigner(settings());
        Process holder = new ProcessBuilder(
                        PYTHON.toString(),
                        "-c",
                        "import fcntl,sys\n"
                                + "f=open(sys.argv[1],'r+')\n"
                                + "fcntl.lockf(f,fcntl.LOCK_EX)\n"
                                + "print('held',flush=True)\n"
                                + "sys.stdin.read()\n",
                        settings().signer() + ".lock")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("held");
            assertThatThrownBy(() -> LogFixture.open(settings()))
                    .hasMessageContaining(
                            "The signer " + settings().signer().toRealPath() + " is in use in another process");
        } finally {
            holder.getOutputStream().close();
            assertThat(holder.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
        LogFixture.open(settings()).close();
    }

    @Test
    void startThatIsRefused_letsGoOfTheSigner() throws IOException {
        LogFixture.open(settings()).close();
        String good = Files.readString(settings().signer());
        for (String broken : List.of("", good.replace("PRIVATE", "PUBLIC"), good.replace("started", "ended"))) {
            Files.writeString(settings().signer(), broken);
            assertRefused(ErrorCode.AUDIT_LOG_INCONSISTENT, () -> LogFixture.open(settings()));
        }
        Files.writeString(settings().signer(), good);
        assertRefused(ErrorCode.AUDIT_LOG_INCONSISTENT, () -> LogFixture.open(second()));
        LogFixture.open(settings()).close();
    }
}
