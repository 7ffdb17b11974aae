package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A log of ours, checked by software that others wrote: Go's notes and proofs, OpenSSL, Python's library. */
@Timeout(120)
class IndependentCheckTest {

    @TempDir
    private static Path home;

    private static List<String> keys;

    @TempDir
    private Path work;

    @BeforeAll
    static void writeLog() {
        keys = LogFixture.large(home);
    }

    private static List<SignedNote> notes() throws IOException {
        Path file = LogFixture.log(home).resolve("checkpoints");
        List<SignedNote> notes = new ArrayList<>();
        try (NoteReader reader = NoteReader.open(file, Files.size(file))) {
            for (byte[] note = reader.next(); note != null; note = reader.next()) {
                notes.add(SignedNote.parse(note));
            }
        }
        return notes;
    }

    @Test
    void python_rebuildsChainTreeAndCheckpointChain() throws Exception {
        OtherPrograms.Run run = OtherPrograms.run(
                Map.of(),
                List.of(
                        "python3",
                        OtherPrograms.resource("check.py", work).toString(),
                        LogFixture.log(home).toString()));
        assertThat(run.out())
                .startsWith("records " + LogFixture.records(home).size() + " checkpoints " + notes().size());
        assertThat(run.code()).isZero();
    }

    @Test
    void go_opensNotesAndChecksOurProofs() throws Exception {
        int size = LogFixture.records(home).size();
        for (int index : new int[] {0, 1, 31, 32, size - 2}) {
            Path proof = work.resolve("proof");
            Files.writeString(proof, AuditProofs.inclusion(LogFixture.log(home), index));
            long older = Checkpoint.parse(notes().get(index % 5).text()).size();
            List<String> command = new ArrayList<>(List.of(
                    goProgram(),
                    LogFixture.log(home).toString(),
                    keys.get(0),
                    keys.get(1),
                    proof.toString(),
                    Integer.toString(index),
                    Long.toString(older),
                    Integer.toString(size)));
            command.addAll(AuditProofs.consistency(LogFixture.log(home), older, size));
            OtherPrograms.Run run = OtherPrograms.run(Map.of(), command);
            assertThat(run.out()).startsWith("records " + size + " checkpoints " + notes().size());
            assertThat(run.code()).isZero();
        }
    }

    private String goProgram() throws Exception {
        return OtherPrograms.go("check", work).toString();
    }

    @Test
    void openssl_verifiesTheSignaturesOfACheckpoint() throws Exception {
        SignedNote note = notes().get(0);
        Path text = work.resolve("text");
        for (int i = 0; i < 2; i++) {
            // RFC 8410: the fixed head of an Ed25519 SubjectPublicKeyInfo.
            byte[] key = VerifierKey.parse(keys.get(i)).publicKey();
            byte[] info = Arrays.copyOf(new byte[] {0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0}, 44);
            System.arraycopy(key, 0, info, 12, 32);
            Path pem = work.resolve("key.pem");
            Files.writeString(
                    pem,
                    "-----BEGIN PUBLIC KEY-----\n" + Base64.getEncoder().encodeToString(info)
                            + "\n-----END PUBLIC KEY-----\n");
            byte[] signature = note.signatures().get(i).bytes();
            Path sig = work.resolve("sig");
            Files.write(sig, Arrays.copyOfRange(signature, 4, signature.length));
            List<String> command = List.of(
                    "openssl",
                    "pkeyutl",
                    "-verify",
                    "-rawin",
                    "-pubin",
                    "-inkey",
                    pem.toString(),
                    "-sigfile",
                    sig.toString(),
                    "-in",
                    text.toString());
            Files.write(text, note.text());
            assertThat(OtherPrograms.run(Map.of(), command).out()).contains("Verified Successfully");
            byte[] changed = note.text();
            changed[0] ^= 1;
            Files.write(text, changed);
            assertThat(OtherPrograms.run(Map.of(), command).code()).isNotZero();
        }
    }
}
