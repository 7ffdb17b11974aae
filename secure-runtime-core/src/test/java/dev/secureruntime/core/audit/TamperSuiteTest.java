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
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

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

    private Path copy() {
        Path copy = home.resolve("copy");
        LogFixture.copy(original, copy);
        return copy;
    }

    private static Arguments attack(String name, long seq, Consumer<Path> damage) {
        return Arguments.of(name, seq, damage);
    }

    /** The segment that holds a record, changed as a list of lines. */
    private static Consumer<Path> at(int seq, java.util.function.BiConsumer<List<String>, Integer> change) {
        return home -> {
            for (Path segment : segments(home)) {
                List<String> lines = lines(segment);
                for (int i = 0; i < lines.size(); i++) {
                    if (lines.get(i).startsWith("{\"seq\":" + seq + ",")) {
                        change.accept(lines, i);
                        writeLines(segment, lines);
                        return;
                    }
                }
            }
            throw new IllegalStateException("no record " + seq);
        };
    }

    private static List<String> notes(Path home) {
        String[] parts = read(log(home).resolve("checkpoints")).split("\n\n");
        List<String> notes = new ArrayList<>();
        for (int i = 0; i < parts.length; i += 2) {
            notes.add(parts[i] + "\n\n" + parts[i + 1] + (parts[i + 1].endsWith("\n") ? "" : "\n"));
        }
        return notes;
    }

    private static void writeNotes(Path home, List<String> notes) {
        write(log(home).resolve("checkpoints"), String.join("\n", notes));
    }

    private static Consumer<Path> withNotes(Consumer<List<String>> change) {
        return home -> {
            List<String> notes = notes(home);
            change.accept(notes);
            writeNotes(home, notes);
        };
    }

    private static long sizeOfNote(int index) {
        return Long.parseLong(notes(original).get(index).split("\n")[1]);
    }

    static Stream<Arguments> attacks() {
        List<Arguments> attacks = new ArrayList<>();
        int middle = 37;
        for (int seq : new int[] {1, 12, middle, size - 1}) {
            attacks.add(attack(
                    "change a value in " + seq,
                    seq,
                    at(seq, (l, i) -> l.set(i, l.get(i).replaceFirst("\"type\":\"([a-z])", "\"type\":\"x")))));
            attacks.add(attack("delete " + seq, seq, at(seq, (l, i) -> l.remove((int) i))));
            attacks.add(attack("duplicate " + seq, seq + 1, at(seq, (l, i) -> l.add(i, l.get(i)))));
            attacks.add(attack("garble " + seq, seq, at(seq, (l, i) -> l.set(i, "no record"))));
            attacks.add(attack("empty line before " + seq, seq, at(seq, (l, i) -> l.add(i, ""))));
        }
        attacks.add(attack(
                "change prev",
                middle,
                at(
                        middle,
                        (l, i) -> l.set(
                                i,
                                l.get(i)
                                        .replaceFirst(
                                                "\"prev\":\".",
                                                "\"prev\":\"" + (l.get(i).contains("\"prev\":\"0") ? 1 : 0))))));
        attacks.add(attack(
                "change index",
                middle,
                at(middle, (l, i) -> l.set(i, l.get(i).replace("\"seq\":" + middle, "\"seq\":" + (middle + 1))))));
        attacks.add(attack(
                "insert a forged record",
                middle,
                at(middle, (l, i) -> l.add(i, l.get(i).replace("value", "other")))));
        attacks.add(attack(
                "insert behind",
                middle + 1,
                at(middle, (l, i) -> l.add(i + 1, l.get(i).replace("value", "other")))));
        attacks.add(attack("swap with the next", middle, at(middle, (l, i) -> Collections.swap(l, i, i + 1))));
        attacks.add(attack(
                "cut in mid-record",
                middle,
                at(middle, (l, i) -> l.set(i, l.get(i).substring(0, 50)))));
        attacks.add(attack("white space behind a record", middle, at(middle, (l, i) -> l.set(i, l.get(i) + " "))));
        attacks.add(attack(
                "zeros in place of a record",
                middle,
                at(middle, (l, i) -> l.set(i, "\0".repeat(l.get(i).length())))));
        attacks.add(attack("truncate head", 0, at(0, (l, i) -> l.remove(0))));
        attacks.add(attack("truncate tail", size - 3L, home -> {
            Path last = segments(home).get(segments(home).size() - 1);
            List<String> lines = lines(last);
            writeLines(last, lines.subList(0, lines.size() - 3));
        }));
        attacks.add(attack("cut the last record", size - 1L, home -> {
            Path last = segments(home).get(segments(home).size() - 1);
            write(last, read(last).substring(0, read(last).length() - 10));
        }));
        attacks.add(attack("last line feed missing", size - 1L, home -> {
            Path last = segments(home).get(segments(home).size() - 1);
            write(last, read(last).substring(0, read(last).length() - 1));
        }));
        attacks.add(attack(
                "drop the first segment", 0, home -> delete(segments(home).get(0))));
        attacks.add(attack(
                "drop a middle segment",
                firstOf(1),
                home -> delete(segments(home).get(1))));
        attacks.add(attack(
                "drop the last segment",
                firstOf(segments(original).size() - 1),
                home -> delete(segments(home).get(segments(home).size() - 1))));
        attacks.add(attack("drop all segments", 0, home -> segments(home).forEach(LogFixture::delete)));
        attacks.add(attack(
                "empty a segment", firstOf(1), home -> write(segments(home).get(1), "")));
        attacks.add(attack(
                "add a segment",
                size,
                home -> write(segments(home).get(0).resolveSibling("99999999999999999999.jsonl"), "x\n")));
        attacks.add(attack("a segment becomes a directory", firstOf(1), home -> {
            delete(segments(home).get(1));
            mkdir(original, home, 1);
        }));
        attacks.add(attack("a segment becomes a link", firstOf(1), home -> {
            Path segment = segments(home).get(1);
            delete(segment);
            link(segment, segments(original).get(1));
        }));
        attacks.add(attack("append an unchained record", size, home -> {
            Path last = segments(home).get(segments(home).size() - 1);
            write(last, read(last) + lines(last).get(1) + "\n");
        }));
        int notes = notes(original).size();
        attacks.add(attack("drop the first checkpoint", sizeOfNote(1), withNotes(n -> n.remove(0))));
        attacks.add(attack("drop a middle checkpoint", sizeOfNote(4), withNotes(n -> n.remove(3))));
        attacks.add(
                attack("drop the newest checkpoint", sizeOfNote(notes - 2), withNotes(n -> n.remove(n.size() - 1))));
        attacks.add(attack("duplicate a checkpoint", sizeOfNote(3), withNotes(n -> n.add(3, n.get(3)))));
        attacks.add(attack("swap checkpoints", sizeOfNote(4), withNotes(n -> Collections.swap(n, 3, 4))));
        attacks.add(attack("raise a checkpoint's size", sizeOfNote(3) + 1, withNotes(n -> {
            String[] lines = n.get(3).split("\n", 3);
            n.set(3, lines[0] + "\n" + (Long.parseLong(lines[1]) + 1) + "\n" + lines[2]);
        })));
        attacks.add(attack("a checkpoint of 2^64-1", sizeOfNote(2), withNotes(n -> {
            String[] lines = n.get(3).split("\n", 3);
            n.set(3, lines[0] + "\n18446744073709551615\n" + lines[2]);
        })));
        attacks.add(attack("swap the two signatures", sizeOfNote(3), withNotes(n -> {
            String[] lines = n.get(3).split("\n");
            n.set(3, String.join("\n", lines[0], lines[1], lines[2], lines[3], "", lines[6], lines[5]) + "\n");
        })));
        attacks.add(attack(
                "signatures of another checkpoint",
                sizeOfNote(3),
                withNotes(n ->
                        n.set(3, n.get(3).split("\n\n")[0] + "\n\n" + n.get(2).split("\n\n")[1]))));
        attacks.add(attack(
                "drop the epoch signature",
                sizeOfNote(3),
                withNotes(n -> n.set(3, n.get(3).substring(0, n.get(3).lastIndexOf("\u00e2\u0080\u0094"))))));
        attacks.add(attack(
                "garbage behind the checkpoints",
                sizeOfNote(notes - 1),
                home -> write(
                        log(home).resolve("checkpoints"), read(log(home).resolve("checkpoints")) + "\ngarbage\n")));
        attacks.add(attack(
                "roll checkpoint back",
                size,
                home -> write(log(home).resolve("checkpoint"), notes(home).get(2))));
        attacks.add(attack(
                "edit checkpoint",
                size,
                home -> write(log(home).resolve("checkpoint"), notes(home).get(2) + "x")));
        attacks.add(attack("delete checkpoint", size, home -> delete(log(home).resolve("checkpoint"))));
        attacks.add(attack("delete checkpoints", 0, home -> delete(log(home).resolve("checkpoints"))));
        attacks.add(attack("delete both", 0, home -> {
            delete(log(home).resolve("checkpoint"));
            delete(log(home).resolve("checkpoints"));
        }));
        attacks.add(attack("delete log.json", 0, home -> delete(log(home).resolve("log.json"))));
        attacks.add(attack(
                "edit log.json",
                0,
                home -> write(log(home).resolve("log.json"), read(log(home).resolve("log.json")) + " ")));
        return attacks.stream();
    }

    private static long firstOf(int segment) {
        return Long.parseLong(
                segments(original).get(segment).getFileName().toString().replace(".jsonl", ""));
    }

    private static void mkdir(Path original, Path home, int segment) {
        try {
            Files.createDirectory(log(home)
                    .resolve("segments")
                    .resolve(segments(original).get(segment).getFileName()));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void link(Path link, Path target) {
        try {
            Files.createSymbolicLink(link, target);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void verify_untouchedCopy_intact() {
        assertThat(LogFixture.verify(copy(), keys)).isInstanceOf(VerificationResult.Intact.class);
        assertThat(segments(original)).hasSizeGreaterThan(3);
        assertThat(notes(original)).hasSizeGreaterThan(9);
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

    @Test
    void verify_rewrittenWithoutKeys_tamperedAtTheFirstUncoveredRecord() {
        Path copy = copy();
        int seq = 37;
        at(seq, (l, i) -> l.set(i, l.get(i).replace("value", "other"))).accept(copy);
        rechain(copy, seq + 1);

        Tampered tampered = (Tampered) LogFixture.verify(copy, keys);

        // No hash says which record it was, only between which checkpoints.
        assertThat(tampered.firstBad().reason()).contains("root hash");
        assertThat(tampered.firstBad().seq().orElseThrow()).isLessThanOrEqualTo(seq);
        assertThat(tampered.signed()).isEqualTo(tampered.firstBad().seq().orElseThrow());
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
        at(5, (l, i) -> l.set(i, foreign)).accept(copy);

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
        List<String> notes = notes(copy).subList(0, 4);
        long kept = sizeOfNote(3);
        for (Path segment : segments(copy)) {
            List<String> lines = lines(segment);
            long first = Long.parseLong(segment.getFileName().toString().replace(".jsonl", ""));
            if (first >= kept) {
                delete(segment);
            } else {
                writeLines(segment, lines.subList(0, (int) Math.min(lines.size(), kept - first)));
            }
        }
        writeNotes(copy, notes);
        write(log(copy).resolve("checkpoint"), notes.get(3));

        VerificationResult result = LogFixture.verify(copy, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.provedUpTo()).isEmpty();
    }
}
