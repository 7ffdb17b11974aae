package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.BufferedReader;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A witness on Go's implementation of notes and proofs cosigns a log of ours, and finds one that was rolled back. */
@Timeout(180)
class GoWitnessTest {

    @TempDir
    private Path temp;

    private Path home;
    private Process process;
    private String address;
    private String witnessKey;
    private List<String> keys;

    @BeforeEach
    void startWitness() throws Exception {
        home = Files.createDirectory(temp.resolve("home"));
        Files.createDirectory(home.resolve("keys"));
        keys = HashChainedAuditLog.createSigner(home.resolve("keys").resolve("signer"), "test");
        Path program = OtherPrograms.go("witness", temp);
        process = OtherPrograms.start(
                new ProcessBuilder(program.toString(), keys.get(0), "witness.example/go").redirectErrorStream(true));
        BufferedReader out = process.inputReader();
        address = out.readLine();
        witnessKey = out.readLine();
    }

    @AfterEach
    void stopWitness() {
        if (process != null) {
            process.destroy();
        }
    }

    private AnchorWorld world() {
        // A new anchor each time: it has to ask the witness which size it saw.
        return new AnchorWorld(home, WitnessAnchor.at(URI.create(address), witnessKey));
    }

    @Test
    void log_isCosignedOverSeveralStarts() throws Exception {
        for (int i = 0; i < 3; i++) {
            world().write(10 + i);
        }
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        assertThat(LogFixture.records(home).stream().filter(line -> line.contains("\"cosignature\"")))
                .hasSizeGreaterThanOrEqualTo(3);
        assertThat(LogFixture.records(home)).noneMatch(line -> line.contains("\"type\":\"log.anchor\""));
    }

    @Test
    void rollBackAndForkByAThiefWithAllKeys_getNoCosignature() throws Exception {
        world().write(10);
        world().keepIn(temp.resolve("before"));
        world().write(10);
        AnchorWorld.rollBack(home, temp.resolve("before"));
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        requireAlarm(world());
        try (HashChainedAuditLog fork = LogFixture.open(LogFixture.settings(home))) {
            LogFixture.append(fork, 100);
        }
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        requireAlarm(world());
    }

    private static void requireAlarm(AnchorWorld world) {
        try (HashChainedAuditLog log = world.open()) {
            Receipt receipt = log.append(LogFixture.event(1));
            assertThatThrownBy(() -> AnchorWorld.anchored(receipt))
                    .cause()
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.ANCHOR_CONFLICT));
        }
    }
}
