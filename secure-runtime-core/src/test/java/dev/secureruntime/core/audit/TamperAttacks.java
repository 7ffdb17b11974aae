package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.delete;
import static dev.secureruntime.core.audit.LogFixture.lines;
import static dev.secureruntime.core.audit.LogFixture.log;
import static dev.secureruntime.core.audit.LogFixture.read;
import static dev.secureruntime.core.audit.LogFixture.segments;
import static dev.secureruntime.core.audit.LogFixture.write;
import static dev.secureruntime.core.audit.LogFixture.writeLines;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Attacks on a finished log that leave something to find, one by one. */
final class TamperAttacks {

    private TamperAttacks() {}

    private static Arguments attack(String name, long seq, Consumer<Path> damage) {
        return Arguments.of(name, seq, damage);
    }

    /** The segment that holds a record, changed as a list of lines. */
    static Consumer<Path> at(int seq, BiConsumer<List<String>, Integer> change) {
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

    static List<String> notes(Path home) {
        String[] parts = read(log(home).resolve("checkpoints")).split("\n\n");
        List<String> notes = new ArrayList<>();
        for (int i = 0; i < parts.length; i += 2) {
            notes.add(parts[i] + "\n\n" + parts[i + 1] + (parts[i + 1].endsWith("\n") ? "" : "\n"));
        }
        return notes;
    }

    static void writeNotes(Path home, List<String> notes) {
        write(log(home).resolve("checkpoints"), String.join("\n", notes));
    }

    private static Consumer<Path> withNotes(Consumer<List<String>> change) {
        return home -> {
            List<String> notes = notes(home);
            change.accept(notes);
            writeNotes(home, notes);
        };
    }

    static long sizeOfNote(Path log, int index) {
        return Long.parseLong(notes(log).get(index).split("\n")[1]);
    }

    /** Each attack: its name, the record that the verdict has to name, and the damage to a copy. */
    static Stream<Arguments> on(Path original) {
        int size = LogFixture.records(original).size();
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
                firstOf(original, 1),
                home -> delete(segments(home).get(1))));
        attacks.add(attack(
                "drop the last segment",
                firstOf(original, segments(original).size() - 1),
                home -> delete(segments(home).get(segments(home).size() - 1))));
        attacks.add(attack("drop all segments", 0, home -> segments(home).forEach(LogFixture::delete)));
        attacks.add(attack(
                "empty a segment",
                firstOf(original, 1),
                home -> write(segments(home).get(1), "")));
        attacks.add(attack(
                "add a segment",
                size,
                home -> write(segments(home).get(0).resolveSibling("99999999999999999999.jsonl"), "x\n")));
        attacks.add(attack("a segment becomes a directory", firstOf(original, 1), home -> {
            delete(segments(home).get(1));
            mkdir(original, home, 1);
        }));
        attacks.add(attack("a segment becomes a link", firstOf(original, 1), home -> {
            Path segment = segments(home).get(1);
            delete(segment);
            link(segment, segments(original).get(1));
        }));
        attacks.add(attack("append an unchained record", size, home -> {
            Path last = segments(home).get(segments(home).size() - 1);
            write(last, read(last) + lines(last).get(1) + "\n");
        }));
        int notes = notes(original).size();
        attacks.add(attack("drop the first checkpoint", sizeOfNote(original, 1), withNotes(n -> n.remove(0))));
        attacks.add(attack("drop a middle checkpoint", sizeOfNote(original, 4), withNotes(n -> n.remove(3))));
        attacks.add(attack(
                "drop the newest checkpoint", sizeOfNote(original, notes - 2), withNotes(n -> n.remove(n.size() - 1))));
        attacks.add(attack("duplicate a checkpoint", sizeOfNote(original, 3), withNotes(n -> n.add(3, n.get(3)))));
        attacks.add(attack("swap checkpoints", sizeOfNote(original, 4), withNotes(n -> Collections.swap(n, 3, 4))));
        attacks.add(attack("raise a checkpoint's size", sizeOfNote(original, 3) + 1, withNotes(n -> {
            String[] lines = n.get(3).split("\n", 3);
            n.set(3, lines[0] + "\n" + (Long.parseLong(lines[1]) + 1) + "\n" + lines[2]);
        })));
        attacks.add(attack("a checkpoint of 2^64-1", sizeOfNote(original, 2), withNotes(n -> {
            String[] lines = n.get(3).split("\n", 3);
            n.set(3, lines[0] + "\n18446744073709551615\n" + lines[2]);
        })));
        attacks.add(attack("swap the two signatures", sizeOfNote(original, 3), withNotes(n -> {
            String[] lines = n.get(3).split("\n");
            n.set(3, String.join("\n", lines[0], lines[1], lines[2], lines[3], "", lines[6], lines[5]) + "\n");
        })));
        attacks.add(attack(
                "signatures of another checkpoint",
                sizeOfNote(original, 3),
                withNotes(n ->
                        n.set(3, n.get(3).split("\n\n")[0] + "\n\n" + n.get(2).split("\n\n")[1]))));
        attacks.add(attack(
                "drop the epoch signature",
                sizeOfNote(original, 3),
                withNotes(n -> n.set(3, n.get(3).substring(0, n.get(3).lastIndexOf("\u00e2\u0080\u0094"))))));
        attacks.add(attack(
                "garbage behind the checkpoints",
                sizeOfNote(original, notes - 1),
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

    private static long firstOf(Path original, int segment) {
        return Long.parseLong(
                segments(original).get(segment).getFileName().toString().replace(".jsonl", ""));
    }

    private static void mkdir(Path original, Path home, int segment) {
        try {
            Files.createDirectory(log(home)
                    .resolve("segments")
                    .resolve(segments(original).get(segment).getFileName()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void link(Path link, Path target) {
        try {
            Files.createSymbolicLink(link, target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
