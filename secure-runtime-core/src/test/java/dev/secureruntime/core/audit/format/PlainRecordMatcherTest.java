package dev.secureruntime.core.audit.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The fast check of records never accepts what the careful one refuses, and reads the same where both accept. */
class PlainRecordMatcherTest {

    private static final String HASH = "0123456789abcdef".repeat(4);
    private static final List<String> RECORDS = List.of(
            record(
                    "1",
                    "tool.call",
                    ",\"component\":\"chat\",\"attributes\":{\"gen_ai.tool.name\":\"search\",\"n\":12}"),
            record(
                    "7",
                    "t",
                    ",\"attributes\":{\"a\":-1.5e+3,\"b\":true,\"c\":false,\"long.name\":[\"p\",\"q\"],\"e\":[]}"),
            record(
                    "999999999999999999",
                    "egress.call",
                    ",\"attributes\":{},\"commitments\":{\"http.request.body\":" + "{\"bytes\":120,\"sha256\":\"" + HASH
                            + "\"},\"b\":{\"bytes\":0,\"sha256\":\"" + HASH + "\"}}"),
            record("20", "a.b", ",\"component\":\"\u00e9\\u00e9\\n\",\"attributes\":{\"gen_ai.tool.name\":\"\\\"\"}"));
    private static final String ALPHABET =
            "\"\\{}[]:,.-+0123456789abcdefghijklmnopqrstuvwxyzAEZT_ \n\t\u0000\u001f\u007f\u0080\u00ff";

    private final PlainRecordMatcher matcher = new PlainRecordMatcher();
    private final RecordParser parser = new RecordParser();
    private long accepted;

    private static String record(String seq, String type, String members) {
        return "{\"seq\":" + seq + ",\"time\":\"2026-01-31T23:59:59.123456Z\",\"type\":\"" + type + "\"" + members
                + ",\"prev\":\"" + HASH + "\"}";
    }

    static Stream<Arguments> vectors() throws Exception {
        return RecordParserTest.vectors();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("vectors")
    void match_vector_neverMoreThanTheParser(String name, boolean accept, byte[] line) {
        byte[] before = RECORDS.get(0).getBytes(StandardCharsets.ISO_8859_1);
        requireAgreement(before, line);
        requireAgreement(line, line);
    }

    @Test
    void match_recordsThatWritersWrite_matched() {
        for (String record : RECORDS.subList(0, 3)) {
            long already = accepted;
            byte[] line = record.getBytes(StandardCharsets.ISO_8859_1);
            requireAgreement(line, line);
            assertThat(accepted).isEqualTo(already + 2);
        }
    }

    @Test
    void match_everyByteReplacedByEveryOther_agreesWithTheParser() {
        for (String record : RECORDS) {
            byte[] good = record.getBytes(StandardCharsets.ISO_8859_1);
            byte[] bad = good.clone();
            for (int i = 0; i < good.length; i++) {
                for (int b = 0; b < 256; b++) {
                    bad[i] = (byte) b;
                    requireAgreement(good, bad);
                }
                bad[i] = good[i];
            }
        }
        assertThat(accepted).isPositive();
    }

    /** Edits of several places, in bulk: the seed is jqwik's. */
    @Property(tries = 20, edgeCases = EdgeCasesMode.NONE)
    void match_mutatedRecords_agreesWithTheParser(@ForAll long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] first = mutated(random, random.nextInt(2));
            requireAgreement(first, mutated(random, 1 + random.nextInt(3)));
        }
    }

    private static byte[] mutated(SplittableRandom random, int edits) {
        StringBuilder text = new StringBuilder(RECORDS.get(random.nextInt(RECORDS.size())));
        for (int e = 0; e < edits; e++) {
            int at = random.nextInt(text.length());
            String other = RECORDS.get(random.nextInt(RECORDS.size()));
            int from = random.nextInt(other.length());
            String part = other.substring(from, Math.min(other.length(), from + random.nextInt(40)));
            char c = ALPHABET.charAt(random.nextInt(ALPHABET.length()));
            switch (random.nextInt(6)) {
                case 0 -> text.setCharAt(at, c);
                case 1 -> text.insert(at, c);
                case 2 -> text.deleteCharAt(at);
                case 3 -> text.insert(at, part);
                case 4 -> text.delete(at, Math.min(text.length(), at + random.nextInt(30)));
                default -> text.insert(at, text.substring(at, Math.min(text.length(), at + random.nextInt(40))));
            }
            if (text.length() == 0) {
                text.append(c);
            }
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Both read {@code first} and then {@code second}, as two lines of a chunk: the first may teach names to the second. */
    private void requireAgreement(byte[] first, byte[] second) {
        byte[] buffer = new byte[first.length + second.length + 3 + PlainRecordMatcher.SLACK];
        buffer[0] = '\n';
        System.arraycopy(first, 0, buffer, 1, first.length);
        buffer[first.length + 1] = '\n';
        int secondFrom = first.length + 2;
        System.arraycopy(second, 0, buffer, secondFrom, second.length);
        buffer[secondFrom + second.length] = '\n';
        matcher.reset(buffer);
        requireAgreement(buffer, 1);
        requireAgreement(buffer, secondFrom);
    }

    private void requireAgreement(byte[] buffer, int from) {
        int matched = matcher.match(from);
        if (matched < 0) {
            return;
        }
        int lineEnd = from;
        while (buffer[lineEnd] != '\n') {
            lineEnd++;
        }
        String line = new String(buffer, from, lineEnd - from, StandardCharsets.ISO_8859_1);
        assertThat(matched).as(line).isEqualTo(lineEnd);
        try {
            parser.parse(buffer, from, lineEnd - from);
        } catch (MalformedRecordException e) {
            throw new AssertionError("the parser refuses " + line, e);
        }
        if (parser.seq() != matcher.seq() || parser.prevFrom() != matcher.prevFrom() || parser.isReserved()) {
            throw new AssertionError("read differently: " + line);
        }
        accepted++;
    }
}
