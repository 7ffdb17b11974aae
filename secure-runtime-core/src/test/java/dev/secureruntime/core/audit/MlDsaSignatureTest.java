package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The optional third signature of checkpoints, ML-DSA-44. */
class MlDsaSignatureTest {

    private static final Checkpoint CHECKPOINT = new Checkpoint("log/1", 258, new byte[32], new byte[32]);

    @TempDir
    private Path home;

    private AuditSettings settings() {
        return LogFixture.settings(home).segmentBytes(4_000).postQuantum();
    }

    private List<String> write() {
        List<String> keys = List.of();
        for (int run = 0; run < 2; run++) {
            try (HashChainedAuditLog log = LogFixture.open(settings())) {
                keys = log.verifierKeys();
                LogFixture.append(log, 10);
                log.checkpoint();
                LogFixture.append(log, 10);
            }
        }
        return keys;
    }

    private Path checkpoints() {
        return LogFixture.log(home).resolve("checkpoints");
    }

    private SignedNote newest() throws Exception {
        return SignedNote.parse(Files.readAllBytes(LogFixture.log(home).resolve("checkpoint")));
    }

    @Test
    void verify_threeKeysPinned_intactAndFewerAreSaid() throws Exception {
        List<String> keys = write();
        assertThat(keys).hasSize(3);
        VerificationResult.Intact all = (VerificationResult.Intact) LogFixture.verify(home, keys);
        assertThat(all.notes()).isEmpty();
        VerificationResult.Intact two = (VerificationResult.Intact) LogFixture.verify(home, keys.subList(0, 2));
        assertThat(two.notes()).singleElement().asString().contains("ML-DSA key was not pinned");
        assertThat(newest().signatures()).hasSize(3);
        assertThat(newest().bytes().length).isLessThan(SignedNote.MAX_BYTES / 2);
        assertThat(Files.readAllLines(home.resolve("keys").resolve("signer")).get(0))
                .isEqualTo("secure-runtime-signer/2");
        // The setting is the first start's; the signer remembers.
        LogFixture.open(LogFixture.settings(home)).close();
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void verify_otherKeyPinnedThird_tampered() {
        List<String> keys = write();
        String name = MlDsaKey.parse(keys.get(2)).name();
        String other =
                MlDsaSigningKey.generate(name, new SecureRandom()).verifier().toString();
        assertThat(LogFixture.verify(home, List.of(keys.get(0), keys.get(1), other)))
                .isInstanceOf(VerificationResult.Tampered.class);
        assertThatThrownBy(() -> AuditLogVerifier.withKeys(List.of(keys.get(0), keys.get(1), keys.get(1))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> AuditLogVerifier.withKeys(List.of(keys.get(0), keys.get(2), keys.get(1))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void verify_keyPinnedForALogWithoutOne_tampered() {
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home))) {
            keys = log.verifierKeys();
        }
        String name = VerifierKey.parse(keys.get(0)).name() + "/ml-dsa";
        String other =
                MlDsaSigningKey.generate(name, new SecureRandom()).verifier().toString();
        assertThat(LogFixture.verify(home, List.of(keys.get(0), keys.get(1), other)))
                .isInstanceOf(VerificationResult.Tampered.class);
    }

    @Test
    void verify_signatureMissingChangedSwappedOrAdded_tampered() throws Exception {
        List<String> keys = write();
        String all = LogFixture.read(checkpoints());
        SignedNote note = newest();
        List<SignedNote.Signature> three = note.signatures();
        byte[] changed = three.get(2).bytes().clone();
        changed[changed.length - 1] ^= 1;
        byte[] later = three.get(2).bytes().clone();
        later[11] ^= 1;
        for (List<SignedNote.Signature> bad : List.of(
                three.subList(0, 2),
                List.of(three.get(0), three.get(2), three.get(1)),
                List.of(
                        three.get(0),
                        three.get(1),
                        new SignedNote.Signature(three.get(2).name(), changed)),
                List.of(
                        three.get(0),
                        three.get(1),
                        new SignedNote.Signature(three.get(2).name(), later)),
                List.of(three.get(0), three.get(1), three.get(2), three.get(2)))) {
            byte[] forged = new SignedNote(note.text(), bad).bytes();
            String before = new String(note.bytes(), StandardCharsets.ISO_8859_1);
            String after = new String(forged, StandardCharsets.ISO_8859_1);
            LogFixture.write(checkpoints(), all.replace(before, after));
            LogFixture.write(LogFixture.log(home).resolve("checkpoint"), after);
            VerificationResult result = LogFixture.verify(home, keys);
            if (bad.size() == 2) {
                // The last lines of the newest note may be those of an interrupted write; behind it nothing is signed.
                assertThat(result).isNotInstanceOf(VerificationResult.Intact.class);
            } else {
                assertThat(result).isInstanceOf(VerificationResult.Tampered.class);
            }
        }
        String first = all.substring(0, all.indexOf("\n\ntest/") + 1);
        String firstShort = first.substring(0, first.lastIndexOf('\u00e2'));
        LogFixture.write(checkpoints(), all.replace(first, firstShort));
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Tampered.class);
    }

    @Test
    void open_tornNoteWithTwoOfThreeSignatures_cutAndContinued() throws Exception {
        List<String> keys = write();
        String all = LogFixture.read(checkpoints());
        int last = all.lastIndexOf('\u00e2');
        LogFixture.write(checkpoints(), all.substring(0, last));
        // As after a crash: checkpoint is still the note before.
        String before = all.substring(0, all.lastIndexOf("\n\ntest/") + 1);
        LogFixture.write(
                LogFixture.log(home).resolve("checkpoint"), before.substring(before.lastIndexOf("\n\ntest/") + 2));
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Inconclusive.class);
        LogFixture.open(settings()).close();
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void verify_checkpointsAsAnchors_provedUpToTheNewest() {
        List<String> keys = write();
        var result = AuditLogVerifier.withKeys(keys)
                .anchoredBy(List.of(checkpoints(), LogFixture.log(home).resolve("checkpoint")))
                .verify(LogFixture.log(home));
        assertThat(result.provedUpTo()).hasValue(result.size());
    }

    @Test
    void message_fieldsOfTheSpecification_inOrder() {
        MlDsaKey key = new MlDsaKey("a", new byte[MlDsaKey.PUBLIC_BYTES]);
        assertThat(HexFormat.of().formatHex(key.message(7, CHECKPOINT)))
                .isEqualTo("737562747265652f76310a00" + "0161" + "0000000000000007" + "056c6f672f31"
                        + "0000000000000000" + "0000000000000102" + "00".repeat(32));
        MlDsaSigningKey signer = MlDsaSigningKey.generate("a", new SecureRandom());
        assertThat(MlDsaSigningKey.parse(signer.export()).verifier()).isEqualTo(signer.verifier());
        assertThat(signer.toString()).doesNotContain("PRIVATE");
        assertThat(MlDsaKey.parse(signer.verifier().toString())).isEqualTo(signer.verifier());
        assertThatThrownBy(() -> MlDsaKey.parse(signer.export())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void signature_checkedByTheJdksMlDsa_verifies() throws Exception {
        Assumptions.assumeTrue(
                Runtime.version().feature() >= 24, "skipped: this JDK has no ML-DSA (from 24 on it has)");
        List<String> keys = write();
        MlDsaKey key = MlDsaKey.parse(keys.get(2));
        SignedNote note = newest();
        byte[] line = note.signatures().get(2).bytes();
        byte[] message = key.message(ByteBuffer.wrap(line).getLong(4), Checkpoint.parse(note.text()));
        // RFC 9881: SubjectPublicKeyInfo with OID 2.16.840.1.101.3.4.3.17.
        byte[] head = HexFormat.of().parseHex("30820532300b0609608648016503040311038205210" + "0");
        byte[] info = Arrays.copyOf(head, head.length + MlDsaKey.PUBLIC_BYTES);
        System.arraycopy(key.publicKey(), 0, info, head.length, MlDsaKey.PUBLIC_BYTES);
        PublicKey publicKey = KeyFactory.getInstance("ML-DSA-44").generatePublic(new X509EncodedKeySpec(info));
        Signature verifier = Signature.getInstance("ML-DSA-44");
        verifier.initVerify(publicKey);
        verifier.update(message);
        assertThat(verifier.verify(Arrays.copyOfRange(line, 12, line.length))).isTrue();
        message[0] ^= 1;
        verifier.initVerify(publicKey);
        verifier.update(message);
        assertThat(verifier.verify(Arrays.copyOfRange(line, 12, line.length))).isFalse();
    }
}
