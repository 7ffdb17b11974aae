package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.delete;
import static dev.secureruntime.core.audit.LogFixture.lines;
import static dev.secureruntime.core.audit.LogFixture.log;
import static dev.secureruntime.core.audit.LogFixture.read;
import static dev.secureruntime.core.audit.LogFixture.segments;
import static dev.secureruntime.core.audit.LogFixture.write;
import static dev.secureruntime.core.audit.LogFixture.writeLines;
import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.audit.VerificationResult.Tampered;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of attack on a finished log, with the record that the verdict has to name. */
class TamperSuiteTest {

    @TempDir
    private static Path original;

    private static List<String> keys;
    private static int size;

    @TempDir
    private Path home;

    @BeforeAll
    static void writeLog() {
        keys = LogFixture.large(original);
        size = LogFixture.records(original).size();
    }

    static Stream<Arguments> attacks() {
        return TamperAttacks.on(original);
    }

    private Path copy() {
        Path copy = home.resolve("copy");
        LogFixture.copy(original, copy);
        return copy;
    }

    @Test
    void verify_untouchedCopy_intact() {
        assertThat(LogFixture.verify(copy(), keys)).isInstanceOf(VerificationResult.Intact.class);
        assertThat(segments(original)).hasSizeGreaterThan(3);
        assertThat(TamperAttacks.notes(original)).hasSizeGreaterThan(9);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("attacks")
    void verify_attack_tamperedAtTheRecord(String name, long seq, Consumer<Path> damage) throws IOException {
        Path copy = copy();
        damage.accept(copy);

        VerificationResult result = LogFixture.verify(copy, keys);

        assertThat(result).isInstanceOf(Tampered.class);
        Tampered tampered = (Tampered) result;
        assertThat(tampered.firstBad().seq()).as(tampered.toString()).hasValue(seq);
        Path file = log(copy).resolve(tampered.firstBad().file());
        if (Files.isRegularFile(file) && file.toString().endsWith(".jsonl")) {
            // The offset is that of a line's start, or of the end.
            byte[] bytes = Files.readAllBytes(file);
            int offset = (int) tampered.firstBad().offset();
            assertThat(offset == 0 || bytes[offset - 1] == '\n')
                    .as("offset " + offset + " in " + tampered)
                    .isTrue();
        }
        // Also without keys nothing of this is taken for whole.
        assertThat(AuditLogVerifier.withoutKeys().verify(log(copy))).isInstanceOf(Tampered.class);
    }

    @Test
    void verify_prevOfAnyRecordChanged_tamperedAtItsFileAndOffset() {
        Path copy = copy();
        long seq = 0;
        for (Path segment : segments(copy)) {
            String whole = read(segment);
            long offset = 0;
            for (String line : lines(segment)) {
                int digit = (int) offset + line.length() - 3;
                char other = whole.charAt(digit) == '0' ? '1' : '0';
                write(segment, whole.substring(0, digit) + other + whole.substring(digit + 1));

                Tampered tampered = (Tampered) LogFixture.verify(copy, keys);

                assertThat(tampered.firstBad().seq()).as(tampered.toString()).hasValue(seq);
                assertThat(tampered.firstBad().file()).isEqualTo("segments/" + segment.getFileName());
                assertThat(tampered.firstBad().offset()).isEqualTo(offset);
                offset += line.length() + 1;
                seq++;
            }
            write(segment, whole);
        }
        assertThat(seq).isEqualTo(size);
    }

    /** The chain from {@code from} on is made consistent again, as someone without keys can do. */
    private static void rechain(Path home, int from) {
        TreeHasher hasher = new TreeHasher();
        byte[] leaf = new byte[32];
        String prev = "0".repeat(64);
        int seq = 0;
        for (Path segment : segments(home)) {
            List<String> lines = lines(segment);
            for (int i = 0; i < lines.size(); i++, seq++) {
                if (seq >= from) {
                    lines.set(i, lines.get(i).replaceFirst("\"prev\":\"[0-9a-f]{64}\"", "\"prev\":\"" + prev + "\""));
                }
                byte[] bytes = lines.get(i).getBytes(StandardCharsets.ISO_8859_1);
                hasher.leaf(bytes, 0, bytes.length, leaf, 0);
                prev = Hex.text(leaf);
            }
            writeLines(segment, lines);
        }
    }

    /** As a search and replace does: several records in a row, their {@code prev} as it was. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, Integer.MAX_VALUE})
    void verify_severalInARowChanged_tamperedAtTheFirst(int run) {
        List<String> records = LogFixture.records(original);
        int tested = 0;
        for (int first = 0; first + 2 <= size; first++) {
            if (!records.get(first).contains("value") || !records.get(first + 1).contains("value")) {
                continue;
            }
            Path copy = home.resolve("copy" + first);
            LogFixture.copy(original, copy);
            int from = first;
            long seq = 0;
            for (Path segment : segments(copy)) {
                List<String> lines = lines(segment);
                for (int i = 0; i < lines.size(); i++, seq++) {
                    if (seq >= from && seq - from < run) {
                        lines.set(i, lines.get(i).replace("value", "other"));
                    }
                }
                writeLines(segment, lines);
            }

            Tampered tampered = (Tampered) LogFixture.verify(copy, keys);

            assertThat(tampered.firstBad().seq()).as(tampered.toString()).hasValue(first);
            Path file = log(copy).resolve(tampered.firstBad().file());
            assertThat(read(file).substring((int) tampered.firstBad().offset())).startsWith("{\"seq\":" + first + ",");
            tested++;
        }
        assertThat(tested).isGreaterThan(20);
    }

    @Test
    void verify_rewrittenWithoutKeys_tamperedAtTheFirstUncoveredRecord() {
        Path copy = copy();
        int seq = 37;
        TamperAttacks.at(seq, (l, i) -> l.set(i, l.get(i).replace("value", "other")))
                .accept(copy);
        rechain(copy, seq + 1);

        Tampered tampered = (Tampered) LogFixture.verify(copy, keys);

        // No hash says which record it was, only between which checkpoints.
        assertThat(tampered.firstBad().reason()).contains("root hash");
        assertThat(tampered.firstBad().seq().orElseThrow()).isLessThanOrEqualTo(seq);
        assertThat(tampered.signed()).isEqualTo(tampered.firstBad().seq().orElseThrow());
    }

    /** Forged records behind the newest checkpoint, as someone without keys can add them: the signed record before is good. */
    @ParameterizedTest
    @CsvSource({"0, false", "0, true", "-1, false", "-1, true"})
    void verify_forgedBehindTheNewestCheckpoint_tamperedAtTheFirstForged(int step, boolean confirmed) {
        Path copy = copy();
        Path last = segments(copy).get(segments(copy).size() - 1);
        List<String> lines = lines(last);
        String signed = lines.get(lines.size() - 1);
        // Another record in the place behind, which follows nothing; or in the signed record's place, following the one
        // before.
        String prev = step == 0 ? "0".repeat(64) : signed.substring(signed.length() - 66, signed.length() - 2);
        String forged = record(size + step, prev);
        lines.add(forged);
        if (confirmed) {
            byte[] bytes = forged.getBytes(StandardCharsets.ISO_8859_1);
            byte[] leaf = new byte[32];
            new TreeHasher().leaf(bytes, 0, bytes.length, leaf, 0);
            lines.add(record(size + step + 1, Hex.text(leaf)));
        }
        writeLines(last, lines);

        Tampered tampered = (Tampered) LogFixture.verify(copy, keys);

        assertThat(tampered.firstBad().seq()).as(tampered.toString()).hasValue(size);
        assertThat(tampered.signed()).isEqualTo(size);
    }

    private static String record(int seq, String prev) {
        return "{\"seq\":" + seq + ",\"time\":\"2026-01-01T00:00:00.000000Z\",\"type\":\"a.b\",\"prev\":\"" + prev
                + "\"}";
    }

    @Test
    void verify_logOfAnotherOrigin_tampered() {
        Path other = home.resolve("other");
        List<String> otherKeys = LogFixture.large(other);

        assertThat(LogFixture.verify(other, otherKeys)).isInstanceOf(VerificationResult.Intact.class);
        assertThat(LogFixture.verify(other, keys)).isInstanceOf(Tampered.class);
    }

    @Test
    void verify_recordOfAnotherLogSpliced_tamperedThere() throws IOException {
        Path other = home.resolve("other");
        LogFixture.large(other);
        Path copy = copy();
        String foreign = LogFixture.records(other).get(5);
        TamperAttacks.at(5, (l, i) -> l.set(i, foreign)).accept(copy);

        assertThat(((Tampered) LogFixture.verify(copy, keys)).firstBad().seq()).hasValue(5);
    }

    @Test
    void verify_rewrittenWithTheCurrentKeys_tamperedByThePinnedEpoch() throws IOException {
        Path copy = copy();
        List<String> forged = ForgedLog.rewrite(copy, "value 3", "other 3");

        // Whoever stole both of today's keys satisfies a verifier that pins the log key alone: that is the attack.
        assertThat(AuditLogVerifier.withKeys(forged.subList(0, 1)).verify(log(copy)))
                .isInstanceOf(VerificationResult.Intact.class);
        assertThat(forged.get(0)).isEqualTo(keys.get(0));
        assertThat(LogFixture.verify(copy, keys)).isInstanceOf(Tampered.class);
    }

    @Test
    void verify_cutBackAsAWhole_isAnOlderLogAndSaysSo() {
        Path copy = copy();
        // Everything behind the fourth checkpoint is gone, consistently: without an anchor this can't be seen.
        List<String> notes = TamperAttacks.notes(copy).subList(0, 4);
        long kept = TamperAttacks.sizeOfNote(original, 3);
        for (Path segment : segments(copy)) {
            List<String> lines = lines(segment);
            long first = Long.parseLong(segment.getFileName().toString().replace(".jsonl", ""));
            if (first >= kept) {
                delete(segment);
            } else {
                writeLines(segment, lines.subList(0, (int) Math.min(lines.size(), kept - first)));
            }
        }
        TamperAttacks.writeNotes(copy, notes);
        write(log(copy).resolve("checkpoint"), notes.get(3));

        VerificationResult result = LogFixture.verify(copy, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.provedUpTo()).isEmpty();
    }

    @Test
    void everyRecordToTheEndChanged_namesTheLikelierFirst_andSaysThatNothingTellsWhich() {
        Path own = home.resolve("run");
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(own))) {
            keys = log.verifierKeys();
            LogFixture.append(log, 8);
        }
        Path segment = LogFixture.segments(own).get(0);
        List<String> lines = LogFixture.lines(segment);
        for (int i = 3; i < lines.size(); i++) {
            lines.set(i, lines.get(i).replace("value", "other"));
        }
        LogFixture.writeLines(segment, lines);
        assertThat(LogFixture.verify(own, keys)).isInstanceOfSatisfying(VerificationResult.Tampered.class, tampered -> {
            assertThat(tampered.firstBad().seq()).hasValue(3);
            assertThat(tampered.firstBad().reason()).contains("nothing that is left tells which");
        });
    }
}
