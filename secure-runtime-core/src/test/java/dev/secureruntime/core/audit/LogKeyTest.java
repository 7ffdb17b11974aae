package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.LogKey;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.Security;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A log whose log key is not in the signer file. */
@Timeout(60)
class LogKeyTest {

    private static final Duration SHORT = Duration.ofSeconds(1);

    @TempDir
    private Path home;

    /** A device with a memory, which can be told to misbehave. */
    private static final class FakeDevice implements LogKey {

        interface Answer {
            byte[] to(byte[] signature) throws IOException, GeneralSecurityException;
        }

        private final SigningKey key = SigningKey.generate("device", new SecureRandom());
        private volatile Answer answer = signature -> signature;
        private volatile int calls;

        @Override
        public byte[] publicKey() {
            return key.verifier().publicKey();
        }

        @Override
        public byte[] sign(byte[] text) throws IOException, GeneralSecurityException {
            calls++;
            byte[] line = key.sign(text).bytes();
            return answer.to(java.util.Arrays.copyOfRange(line, 4, line.length));
        }
    }

    private AuditSettings with(LogKey key) {
        return LogFixture.settings(home).logKey(key, SHORT);
    }

    private void requireIntact(List<String> keys, long size) {
        VerificationResult result = LogFixture.verify(home, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.size()).isEqualTo(size);
    }

    @Test
    void append_keyOfTheJdksProvider_writtenRestartedAndIntact() throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        LogKey key = JcaLogKey.of(pair.getPrivate(), pair.getPublic(), Security.getProvider("SunEC"));
        List<String> keys = List.of();
        for (int run = 0; run < 2; run++) {
            try (HashChainedAuditLog log = LogFixture.open(with(key))) {
                keys = log.verifierKeys();
                LogFixture.append(log, 5);
            }
        }
        requireIntact(keys, 12);
        assertThat(VerifierKey.parse(keys.get(0)).publicKey()).isEqualTo(key.publicKey());
        byte[] raw = key.publicKey();
        assertThat(JcaLogKey.of(pair.getPrivate(), raw, Security.getProvider("SunEC"))
                        .publicKey())
                .isEqualTo(raw);
        KeyPair other = KeyPairGenerator.getInstance("X25519").generateKeyPair();
        assertThatThrownBy(() -> JcaLogKey.of(other.getPrivate(), other.getPublic(), Security.getProvider("SunEC")))
                .isInstanceOf(java.security.InvalidKeyException.class);
    }

    @Test
    void create_deviceKey_signerFileHoldsItsPublicHalfOnly() throws Exception {
        FakeDevice device = new FakeDevice();
        List<String> keys = HashChainedAuditLog.createSigner(with(device));
        List<String> file = Files.readAllLines(home.resolve("keys").resolve("signer"));
        assertThat(file.get(0)).isEqualTo("secure-runtime-signer/2");
        assertThat(file.get(3)).isEqualTo("log-key " + keys.get(0));
        assertThat(file.stream().filter(line -> line.contains("PRIVATE+KEY+"))).hasSize(1);
        try (HashChainedAuditLog log = LogFixture.open(with(device))) {
            assertThat(log.verifierKeys()).isEqualTo(keys);
        }
        requireIntact(keys, 1);
    }

    @Test
    void checkpoint_deviceFailsAndLiesForAWhile_delayedOnly() throws Exception {
        FakeDevice device = new FakeDevice();
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home).logKey(device))) {
            keys = log.verifierKeys();
            LogFixture.append(log, 3);
            int before = device.calls;
            device.answer = signature -> {
                if (device.calls == before + 1) {
                    throw new IOException("unplugged");
                }
                device.answer = right -> right;
                return new byte[64];
            };
            log.checkpoint();
            assertThat(device.calls).isEqualTo(before + 3);
            LogFixture.append(log, 3);
        }
        requireIntact(keys, 7);
    }

    @Test
    void checkpoint_garbageUnchecked_wouldPoisonTheLog() throws Exception {
        // Without the check: the note is stored, and the log is tampered with for ever.
        FakeDevice device = new FakeDevice();
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(with(device))) {
            keys = log.verifierKeys();
        }
        byte[] text = new Checkpoint(VerifierKey.parse(keys.get(0)).name(), 2, new byte[32], new byte[32]).text();
        SignedNote.Signature garbage = VerifierKey.parse(keys.get(0)).line(new byte[64]);
        Path checkpoints = LogFixture.log(home).resolve("checkpoints");
        String stored = LogFixture.read(checkpoints);
        byte[] bad = new SignedNote(text, List.of(garbage, garbage)).bytes();
        LogFixture.write(checkpoints, stored + "\n" + new String(bad, java.nio.charset.StandardCharsets.ISO_8859_1));
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Tampered.class);
    }

    @Test
    void append_deviceGone_refusedWithCodeNothingHalfWrittenAndContinuedLater() throws Exception {
        for (FakeDevice.Answer gone : List.<FakeDevice.Answer>of(
                signature -> {
                    throw new IOException("token removed");
                },
                signature -> {
                    throw new IllegalStateException("token removed");
                },
                signature -> new byte[64],
                signature -> new byte[0])) {
            FakeDevice device = new FakeDevice();
            List<String> keys;
            Receipt receipt;
            HashChainedAuditLog log = LogFixture.open(with(device));
            keys = log.verifierKeys();
            LogFixture.append(log, 3);
            log.checkpoint();
            device.answer = gone;
            receipt = log.append(LogFixture.event(4));
            assertThatThrownBy(log::checkpoint)
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.AUDIT_UNWRITABLE))
                    .hasStackTraceContaining("the log key did not sign within PT1S");
            assertThat(receipt.reached(Receipt.Stage.DURABLE).toCompletableFuture())
                    .isCompleted();
            assertThatThrownBy(() -> log.append(LogFixture.event(5))).hasMessageContaining("SR-AUDIT-002");
            assertThatThrownBy(log::requireWritable).hasMessageContaining("SR-AUDIT-002");
            assertThatThrownBy(log::close).hasMessageContaining("SR-AUDIT-002");
            VerificationResult result = LogFixture.verify(home, keys);
            assertThat(result).isInstanceOf(VerificationResult.Intact.class);
            assertThat(result.signed()).isEqualTo(4);
            assertThat(result.size()).isEqualTo(5);

            assertThatThrownBy(() -> LogFixture.open(with(device))).hasMessageContaining("SR-AUDIT-002");
            device.answer = signature -> signature;
            try (HashChainedAuditLog again = LogFixture.open(with(device))) {
                LogFixture.append(again, 1);
            }
            assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
            deleteAll();
        }
    }

    private void deleteAll() throws IOException {
        try (var files = Files.walk(home)) {
            files.sorted(java.util.Comparator.reverseOrder())
                    .filter(file -> !file.equals(home))
                    .forEach(LogFixture::delete);
        }
    }

    @Test
    void checkpoint_deviceHangs_recordsAreTakenMeanwhileThenFailsClosed() {
        FakeDevice device = new FakeDevice();
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home).logKey(device, Duration.ofSeconds(4)));
        List<String> keys = log.verifierKeys();
        device.answer = signature -> {
            asked.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
            }
            return signature;
        };
        Thread sealing = new Thread(() -> assertThatThrownBy(log::checkpoint).hasMessageContaining("SR-AUDIT-002"));
        LogFixture.append(log, 1);
        sealing.start();
        await(asked);
        Receipt receipt = log.append(LogFixture.event(7));
        receipt.reached(Receipt.Stage.DURABLE).toCompletableFuture().join();
        await(interrupted);
        assertThatThrownBy(log::close).hasMessageContaining("SR-AUDIT-002");
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void open_deviceCantSign_nothingIsWritten() {
        FakeDevice device = new FakeDevice();
        device.answer = signature -> {
            throw new IOException("locked");
        };
        assertThatThrownBy(() -> LogFixture.open(with(device))).hasMessageContaining("SR-AUDIT-002");
        assertThat(home.resolve("keys")).doesNotExist();
        assertThat(LogFixture.log(home).resolve("segments")).doesNotExist();
        device.answer = signature -> signature;
        LogFixture.open(with(device)).close();
    }

    @Test
    void open_otherKeyThanTheSigners_refused() {
        FakeDevice device = new FakeDevice();
        LogFixture.open(with(device)).close();
        assertThatThrownBy(() -> LogFixture.open(with(new FakeDevice()))).hasMessageContaining("SR-AUDIT-004");
        assertThatThrownBy(() -> LogFixture.open(LogFixture.settings(home)))
                .hasMessageContaining("SR-RUNTIME-001")
                .hasMessageContaining("logKey(...)");
        assertThatThrownBy(() -> LogFixture.open(with(new LogKey() {
                    @Override
                    public byte[] publicKey() {
                        return new byte[31];
                    }

                    @Override
                    public byte[] sign(byte[] text) {
                        return text;
                    }
                })))
                .hasMessageContaining("SR-RUNTIME-001");
    }

    @Test
    void open_deviceForASignerWithItsOwnLogKey_refused() {
        LogFixture.open(LogFixture.settings(home)).close();
        assertThatThrownBy(() -> LogFixture.open(with(new FakeDevice()))).hasMessageContaining("SR-RUNTIME-001");
        assertThatThrownBy(() -> LogFixture.open(LogFixture.settings(home).postQuantum()))
                .hasMessageContaining("SR-RUNTIME-001");
    }

    @Test
    void sign_commandFails_codeIsNamedAndItsArgumentsAreNot() {
        byte[] key = new FakeDevice().publicKey();
        CommandLogKey failing =
                CommandLogKey.of(key, Path.of("/bin/sh"), List.of("-c", "exit 3 # 9876"), Map.of("PIN", "9876"));
        assertThatThrownBy(() -> failing.sign(new byte[0]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("exit code 3")
                .hasMessageNotContaining("9876");
        assertThat(failing.toString()).doesNotContain("9876");
        assertThatThrownBy(() -> CommandLogKey.of(key, Path.of("sh"), List.of(), Map.of()))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
