package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
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
        Path program = OtherPrograms.go("check", work);
        for (int index : new int[] {0, 1, 31, 32, size - 2}) {
            Path proof = work.resolve("proof");
            Files.writeString(proof, AuditProofs.inclusion(LogFixture.log(home), index));
            long older = Checkpoint.parse(notes().get(index % 5).text()).size();
            List<String> command = new ArrayList<>(List.of(
                    program.toString(),
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

    @Test
    void go_opensNotesWithAnMlDsaSignatureByTheirEd25519Keys() throws Exception {
        List<String> pins = List.of();
        Path other = work.resolve("post-quantum");
        for (int run = 0; run < 2; run++) {
            try (HashChainedAuditLog log =
                    LogFixture.open(LogFixture.settings(other).postQuantum())) {
                pins = log.verifierKeys();
                LogFixture.append(log, 3);
            }
        }
        Path proof = Files.writeString(work.resolve("proof"), AuditProofs.inclusion(LogFixture.log(other), 1));
        List<String> command = new ArrayList<>(List.of(
                OtherPrograms.go("check", work).toString(),
                LogFixture.log(other).toString(),
                pins.get(0),
                pins.get(1),
                proof.toString(),
                "1",
                "1",
                "8"));
        command.addAll(AuditProofs.consistency(LogFixture.log(other), 1, 8));
        OtherPrograms.Run run = OtherPrograms.run(Map.of(), command);
        assertThat(run.out()).startsWith("records 8 checkpoints 4");
        assertThat(run.code()).isZero();
    }

    @Test
    void openssl_verifiesTheSignaturesOfACheckpoint() throws Exception {
        SignedNote note = notes().get(0);
        for (int i = 0; i < 2; i++) {
            byte[] key = VerifierKey.parse(keys.get(i)).publicKey();
            byte[] line = note.signatures().get(i).bytes();
            byte[] signature = Arrays.copyOfRange(line, 4, line.length);
            assertThat(OtherPrograms.opensslVerifies(key, note.text(), signature, work))
                    .isTrue();
            byte[] changed = note.text();
            changed[0] ^= 1;
            assertThat(OtherPrograms.opensslVerifies(key, changed, signature, work))
                    .isFalse();
        }
    }
}
