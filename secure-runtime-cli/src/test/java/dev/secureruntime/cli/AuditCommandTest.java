package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AuditCommandTest {

    private static final String GOOD =
            "{\"type\":\"tool.call\",\"component\":\"chat\",\"attributes\":{\"s\":\"x\",\"n\":1,\"d\":1.5,\"b\":true,\"l\":[\"p\"]}}\n";

    @TempDir
    private Path home;

    private CommandRun append(byte[] input, String... more) {
        String[] arguments = {
            "audit", "append", log(), "--signer", home.resolve("signer").toString()
        };
        String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return CommandRun.reading(new ByteArrayInputStream(input), all);
    }

    private CommandRun append(String input, String... more) {
        return append(input.getBytes(StandardCharsets.UTF_8), more);
    }

    private String log() {
        return home.resolve("log").toString();
    }

    private String pin() {
        return home.resolve("pin").toString();
    }

    @Test
    void verify_emptyDirectory_forwardSecurityNotChecked() throws Exception {
        append(GOOD, "--pin", pin());
        Path empty = Files.createDirectory(home.resolve("empty"));
        CommandRun verify = CommandRun.of("audit", "verify", empty.toString(), "--key", pin());
        assertThat(verify.code()).isEqualTo(2);
        assertThat(verify.out()).contains("forward security  not checked").contains("the directory holds no log");
    }

    @Test
    void verify_keyFileWithCommentsAndBlankLines_isIntact() throws Exception {
        append(GOOD, "--pin", pin());
        Files.writeString(Path.of(pin()), "# the agent's log\n\n" + Files.readString(Path.of(pin())) + "\n  # end\n");
        assertThat(CommandRun.of("audit", "verify", log(), "--key", pin()).out())
                .startsWith("INTACT");
        Files.writeString(Path.of(pin()), "# nothing\n");
        CommandRun verify = CommandRun.of("audit", "verify", log(), "--key", pin());
        assertThat(verify.code()).isEqualTo(3);
        assertThat(verify.err()).contains("expected one to three verifier keys");
    }

    @Test
    void append_thenVerify_isIntact() throws Exception {
        CommandRun append = append(GOOD.repeat(3), "--pin", pin(), "--name", "my/agent");
        assertThat(append.err()).isEmpty();
        assertThat(append.code()).isZero();
        assertThat(append.lastLine()).isEqualTo("appended 3 records, log size 4");
        List<String> keys = Files.readAllLines(Path.of(pin()));
        assertThat(keys).hasSize(2).allSatisfy(key -> assertThat(key).startsWith("my/agent/"));

        assertThat(append(GOOD.stripTrailing()).lastLine()).isEqualTo("appended 1 records, log size 6");
        CommandRun verify = CommandRun.of("audit", "verify", log(), "--key", pin(), "--json");
        assertThat(verify.code()).isZero();
        JsonNode json = new ObjectMapper().readTree(verify.out());
        assertThat(json.get("verdict").asText()).isEqualTo("INTACT");
        assertThat(json.get("size").asLong()).isEqualTo(6);
        assertThat(json.get("signed").asLong()).isEqualTo(6);
        assertThat(json.get("completeness").get("status").asText()).isEqualTo("UNKNOWN");
        assertThat(json.get("forwardSecurity").asText()).isEqualTo("CHECKED");
        assertThat(json.has("firstBad")).isFalse();

        assertThat(CommandRun.of("audit", "verify", log(), "--key", keys.get(0), "--json")
                        .out())
                .contains("\"forwardSecurity\":\"NOT_CHECKED\"")
                .contains("\"verdict\":\"INTACT\"");
        assertThat(CommandRun.of("audit", "verify", log()).code()).isEqualTo(2);
        assertThat(CommandRun.of("audit", "verify", log(), "--key", pin()).out())
                .startsWith("INTACT");
    }

    @Test
    void verify_oneByteChanged_namesTheRecord() throws Exception {
        append(GOOD.repeat(5), "--pin", pin());
        Path segment = home.resolve("log/segments/00000000000000000000.jsonl");
        String content = Files.readString(segment);
        int at = content.indexOf("{\"seq\":3,");
        Files.writeString(
                segment, content.substring(0, at) + content.substring(at).replaceFirst("chat", "chap"));

        CommandRun verify = CommandRun.of("audit", "verify", log(), "--key", pin(), "--json");
        assertThat(verify.code()).isEqualTo(1);
        JsonNode bad = new ObjectMapper().readTree(verify.out()).get("firstBad");
        assertThat(bad.get("seq").asLong()).isEqualTo(3);
        assertThat(bad.get("file").asText()).isEqualTo("segments/00000000000000000000.jsonl");
        assertThat(bad.get("offset").asLong()).isEqualTo(at);
        assertThat(bad.get("reason").asText()).isNotEmpty();
        assertThat(CommandRun.of("audit", "verify", log(), "--key", pin()).out())
                .startsWith("TAMPERED")
                .contains("record 3");
        CommandRun again = append(GOOD);
        assertThat(again.code()).isEqualTo(2);
        assertThat(again.err()).contains("SR-AUDIT-004");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "[]",
                "null",
                "\"text\"",
                "{}",
                "{\"type\":1}",
                "{\"type\":null}",
                "{\"type\":\"\"}",
                "{\"type\":\"a b\"}",
                "{\"type\":\"log.key\"}",
                "{\"type\":\"a\",\"type\":\"b\"}",
                "{\"type\":\"a\",\"extra\":1}",
                "{\"type\":\"a\",\"seq\":1}",
                "{\"type\":\"a\",\"component\":null}",
                "{\"type\":\"a\",\"component\":1}",
                "{\"type\":\"a\",\"component\":\"\\ud800\"}",
                "{\"type\":\"a\",\"attributes\":[]}",
                "{\"type\":\"a\",\"attributes\":{\"x\":null}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":{}}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":[1]}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":[[]]}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":1,\"x\":2}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":1,\"\\u0078\":2}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":NaN}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":1e999}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":01}}",
                "{\"type\":\"a\",\"attributes\":{\"x\":9223372036854775808}}",
                "{\"type\":\"a\",}",
                "{\"type\":\"a\"} x",
                "{\"type\":\"a\"}{\"type\":\"b\"}",
                "{\"type\":\"a\"",
                "{'type':'a'}",
                "\ufeff{\"type\":\"a\"}"
            })
    void append_badLine_stopsThereWithItsNumber(String bad) {
        CommandRun append = append(GOOD + GOOD + bad + "\n" + GOOD, "--pin", pin());

        assertThat(append.code()).isEqualTo(1);
        assertThat(append.err()).startsWith("line 3: SR-AUDIT-003");
        assertThat(append.lastLine()).isEqualTo("appended 2 records, log size 3");
        assertThat(CommandRun.of("audit", "verify", log(), "--key", pin(), "--json")
                        .out())
                .contains("\"size\":3,\"signed\":3");
    }

    /** As in {@code "$DIR"} where nothing set it: it would be the working directory. */
    @Test
    void anyCommand_emptyPath_wrongUsage() {
        append(GOOD, "--pin", pin());
        for (CommandRun run : List.of(
                CommandRun.of("audit", "verify", "", "--key", pin()),
                CommandRun.of("audit", "verify", log(), "--key", ""),
                CommandRun.of("audit", "verify", log(), "--key", pin(), "--anchor", ""),
                CommandRun.of("audit", "append", "", "--signer", home.resolve("other")),
                CommandRun.of("audit", "show", ""))) {
            assertThat(run.code()).isEqualTo(3);
            assertThat(run.err()).contains("SR-COMMAND-001").doesNotContain("directory");
        }
        assertThat(home.resolve("other")).doesNotExist();
    }

    @Test
    void append_bytesThatAreNotUtf8_badLine() {
        for (String bytes :
                List.of("\u00ff", "\u00c0\u00af", "\u00ed\u00a0\u0080", "\u00ed\u00a0\u00bd\u00ed\u00b8\u0080")) {
            CommandRun append = append(
                    ("{\"type\":\"a\",\"component\":\"" + bytes + "\"}\n").getBytes(StandardCharsets.ISO_8859_1));
            assertThat(append.code()).isEqualTo(1);
            assertThat(append.err()).startsWith("line 1: SR-AUDIT-003");
        }
    }

    @Test
    void append_whatTheParserLimits_badLineInOurWords() {
        for (String bad : List.of("1".repeat(2_000), "1." + "1".repeat(2_000), "NaN", "+1", "1")) {
            CommandRun append = append(
                    GOOD + "{\"type\":\"a\",\"attributes\":{\"x\":" + bad + "}" + (bad.equals("1") ? "" : "}") + "\n");
            assertThat(append.code()).as(bad).isEqualTo(1);
            assertThat(append.err())
                    .startsWith("line 2: SR-AUDIT-003 not strict JSON")
                    .doesNotContain("enable", "Feature", "StreamRead");
        }
    }

    @Test
    void append_recordOverTheLimit_badLine() {
        CommandRun append = append(GOOD + "{\"type\":\"a\",\"component\":\"" + "x".repeat(65_536) + "\"}\n");
        assertThat(append.code()).isEqualTo(1);
        assertThat(append.err()).startsWith("line 2: SR-AUDIT-003").contains("65,535");
    }

    @Test
    void append_endlessLine_refusedWithoutReadingItAll() {
        InputStream endless = new InputStream() {
            private long left = 4L << 30;

            @Override
            public int read() {
                return left-- > 0 ? ' ' : -1;
            }

            @Override
            public int read(byte[] target, int offset, int length) {
                if (left <= 0) {
                    return -1;
                }
                Arrays.fill(target, offset, offset + length, (byte) ' ');
                left -= length;
                assertThat(left).as("most of the line is never read").isGreaterThan(3L << 30);
                return length;
            }
        };
        CommandRun append = CommandRun.reading(
                endless,
                "audit",
                "append",
                log(),
                "--signer",
                home.resolve("signer").toString());
        assertThat(append.code()).isEqualTo(1);
        assertThat(append.err()).startsWith("line 1: SR-AUDIT-003");
    }

    @Test
    void append_logThatCannotBeOpened_exit2WithCode() throws Exception {
        Files.writeString(home.resolve("file"), "");
        CommandRun append = CommandRun.of(
                "audit",
                "append",
                home.resolve("file").toString(),
                "--signer",
                home.resolve("s").toString());
        assertThat(append.code()).isEqualTo(2);
        assertThat(append.err()).startsWith("SR-AUDIT-002");
    }

    @Test
    void proveAndCheckProof_oneRecord_exits0And1And2() throws Exception {
        append(GOOD.repeat(9), "--pin", pin());
        Path proof = home.resolve("5.tlog-proof");
        assertThat(CommandRun.of("audit", "prove", log(), "5", "--out", proof.toString())
                        .code())
                .isZero();
        assertThat(CommandRun.of("audit", "prove", log(), "5").out()).isEqualTo(Files.readString(proof));
        String line = CommandRun.of("audit", "show", log(), "5", "--json").out();
        Path record = Files.writeString(home.resolve("5.json"), line);
        Path bare = Files.writeString(home.resolve("bare.json"), line.stripTrailing());
        Path other = Files.writeString(
                home.resolve("6.json"),
                CommandRun.of("audit", "show", log(), "6", "--json").out());

        for (Path file : List.of(record, bare)) {
            CommandRun check = CommandRun.of(
                    "audit", "check-proof", proof.toString(), "--record", file.toString(), "--key", pin());
            assertThat(check.code()).isZero();
            assertThat(check.out()).startsWith("INTACT  record 5 ");
        }
        assertThat(CommandRun.of("audit", "check-proof", proof.toString(), "--record", other.toString(), "--key", pin())
                        .code())
                .isEqualTo(1);
        assertThat(CommandRun.of("audit", "check-proof", proof.toString(), "--record", record.toString())
                        .code())
                .isEqualTo(2);
        assertThat(CommandRun.of("audit", "check-proof", proof.toString(), "--record", "/nothing/here", "--key", pin())
                        .code())
                .isEqualTo(3);
        assertThat(CommandRun.of("audit", "prove", log(), "10").code()).isEqualTo(3);
    }

    @Test
    void consistency_twoSizes_printsHashes() {
        append(GOOD.repeat(9));
        CommandRun run = CommandRun.of("audit", "consistency", log(), "3", "10");
        assertThat(run.code()).isZero();
        assertThat(run.out().lines()).hasSize(5).allSatisfy(hash -> assertThat(hash)
                .hasSize(44));
        assertThat(CommandRun.of("audit", "consistency", log(), "10", "10").out())
                .isEmpty();
        for (String[] sizes : new String[][] {{"0", "10"}, {"4", "3"}, {"3", "11"}, {"x", "3"}}) {
            assertThat(CommandRun.of("audit", "consistency", log(), sizes[0], sizes[1])
                            .code())
                    .isEqualTo(3);
        }
    }

    @Test
    void keygen_beforeTheLog_printsTheKeysThatVerifyIt() throws Exception {
        String signer = home.resolve("signer").toString();
        CommandRun keygen = CommandRun.of("audit", "keygen", "--signer", signer, "--name", "agent");
        assertThat(keygen.code()).isZero();
        Files.writeString(Path.of(pin()), keygen.out());
        append(GOOD);
        assertThat(CommandRun.of("audit", "verify", log(), "--key", pin()).code())
                .isZero();
        CommandRun again = CommandRun.of("audit", "keygen", "--signer", signer);
        assertThat(again.code()).isEqualTo(2);
        assertThat(again.err()).contains("SR-AUDIT-004");
    }

    @Test
    void verify_anchor_provesCompletenessOrFindsRollback() throws Exception {
        append(GOOD.repeat(3), "--pin", pin());
        Path anchor = Files.copy(home.resolve("log/checkpoint"), home.resolve("anchor"));
        append(GOOD);
        CommandRun proved =
                CommandRun.of("audit", "verify", log(), "--key", pin(), "--anchor", anchor.toString(), "--json");
        assertThat(proved.code()).isZero();
        assertThat(proved.out()).contains("\"completeness\":{\"status\":\"PROVED\",\"upTo\":4}");
        assertThat(CommandRun.of(
                                "audit",
                                "verify",
                                log(),
                                "--key",
                                pin(),
                                "--anchor",
                                home.resolve("no").toString())
                        .code())
                .isEqualTo(2);
    }

    @Test
    void wrongUsage_anyCommand_exit3() throws Exception {
        append(GOOD, "--pin", pin());
        Files.writeString(home.resolve("nonsense"), "nonsense\n");
        String missing = home.resolve("missing").toString();
        for (String[] arguments : new String[][] {
            {"audit", "verify"},
            {"audit", "verify", log(), "--unknown"},
            {"audit", "verify", missing},
            {"audit", "verify", log(), "--key", missing},
            {"audit", "verify", log(), "--key", home.resolve("nonsense").toString()},
            {"audit", "verify", log(), "--key", "a+b+c"},
            {"audit", "append", log()},
            {"audit", "append", log(), "--signer", home.resolve("log/signer").toString()},
            {"audit", "append", missing, "--signer", home.resolve("s2").toString(), "--name", "no spaces"},
            {"audit", "nothing"},
            {"nothing"},
        }) {
            CommandRun run = CommandRun.of(arguments);
            assertThat(run.code()).as(String.join(" ", arguments)).isEqualTo(3);
            assertThat(run.err()).isNotEmpty();
            assertThat(run.out()).isEmpty();
        }
    }

    @Test
    void help_namesExitCodesAndExamples() {
        for (String command :
                List.of("append", "verify", "show", "prove", "check-proof", "consistency", "keygen", "tiles")) {
            CommandRun help = CommandRun.of("audit", command, "--help");
            assertThat(help.code()).isZero();
            assertThat(help.out()).contains("Exit codes:").containsPattern("Examples?:");
        }
        assertThat(CommandRun.of("--help").out()).contains("audit");
        assertThat(CommandRun.of("--version").out()).startsWith("secure-runtime");
    }
}
