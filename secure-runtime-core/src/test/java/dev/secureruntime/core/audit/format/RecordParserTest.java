package dev.secureruntime.core.audit.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RecordParserTest {

    static Stream<Arguments> vectors() throws IOException {
        try (var file = RecordParserTest.class.getResourceAsStream("/vectors/audit/records.txt")) {
            List<String> lines = new String(file.readAllBytes(), StandardCharsets.ISO_8859_1)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
            return lines.stream().map(line -> {
                String[] parts = line.split("\t", -1);
                return Arguments.of(parts[1], parts[0].equals("accept"), bytes(parts[2]));
            });
        }
    }

    private static byte[] bytes(String text) {
        String line =
                text.replace("\"T\"", "\"2026-01-31T12:34:56.123456Z\"").replace("\"P\"", "\"" + "0".repeat(64) + "\"");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < line.length(); i++) {
            if (line.startsWith("\\\\", i)) {
                bytes.write('\\');
                i++;
            } else if (line.startsWith("\\x", i)) {
                bytes.write(Integer.parseInt(line, i + 2, i + 4, 16));
                i += 3;
            } else {
                bytes.write(line.charAt(i) == '\\' ? '\\' : line.charAt(i));
            }
        }
        return bytes.toByteArray();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("vectors")
    void parse_vector_asExpected(String name, boolean accept, byte[] line) throws Exception {
        RecordParser parser = new RecordParser();
        // The line stands in the middle of a buffer, as it does in a segment.
        byte[] buffer = new byte[line.length + 20];
        java.util.Arrays.fill(buffer, (byte) '"');
        System.arraycopy(line, 0, buffer, 10, line.length);
        if (accept) {
            parser.parse(buffer, 10, line.length);
            assertThat(parser.record().type()).isNotEmpty();
        } else {
            assertThatThrownBy(() -> parser.parse(buffer, 10, line.length))
                    .isInstanceOf(MalformedRecordException.class)
                    .hasMessageContaining("at byte");
        }
    }

    @Test
    void parse_everyPrefixOfARecord_rejected() {
        byte[] line = bytes(
                "{\"seq\":7,\"time\":\"T\",\"type\":\"t\",\"component\":\"\\xe2\\x82\\xac\",\"attributes\":{\"a\":\"x\","
                        + "\"b\":-1.5e3,\"d\":[\"p\"]},\"commitments\":{\"p\":{\"bytes\":3,\"sha256\":\"P\"}},\"prev\":\"P\"}");
        RecordParser parser = new RecordParser();
        for (int length = 0; length < line.length; length++) {
            int cut = length;
            assertThatThrownBy(() -> parser.parse(line, 0, cut)).isInstanceOf(MalformedRecordException.class);
        }
    }

    @Test
    void parse_lineOverTheLimit_rejected() throws Exception {
        String head = "{\"seq\":0,\"time\":\"2026-01-31T12:34:56.123456Z\",\"type\":\"t\",\"component\":\"";
        String tail = "\",\"prev\":\"" + "0".repeat(64) + "\"}";
        byte[] largest =
                (head + "x".repeat(65_535 - head.length() - tail.length()) + tail).getBytes(StandardCharsets.UTF_8);
        byte[] larger =
                (head + "x".repeat(65_536 - head.length() - tail.length()) + tail).getBytes(StandardCharsets.UTF_8);
        RecordParser parser = new RecordParser();

        parser.parse(largest, 0, largest.length);
        assertThatThrownBy(() -> parser.parse(larger, 0, larger.length)).isInstanceOf(MalformedRecordException.class);
    }
}
