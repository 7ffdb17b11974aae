package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AuditAppendCommandTest {

    @TempDir
    Path home;

    private CommandRun append(String lines) {
        return CommandRun.reading(lines, "audit", "append", home.resolve("log"), "--signer", home.resolve("signer"));
    }

    /** Names that have the same hash in the parser, and one as long as a record has room for. */
    @Test
    void append_namesThatAreLegalButHostile_areTaken() {
        StringBuilder colliding = new StringBuilder();
        for (int i = 0; i < 512; i++) {
            colliding.append(i == 0 ? "\"" : ",\"");
            for (int bit = 0; bit < 9; bit++) {
                colliding.append((i >> bit & 1) == 0 ? "Aa" : "B@");
            }
            colliding.append("\":1");
        }
        assertThat(append("{\"type\":\"a\",\"attributes\":{" + colliding + "}}\n")
                        .err())
                .isEmpty();
        assertThat(append("{\"type\":\"a\",\"attributes\":{\"" + "n".repeat(60_000) + "\":1}}\n")
                        .err())
                .isEmpty();
    }

    @Test
    void append_badLine_messageRepeatsNothingOfItsValues() {
        for (String bad : List.of(
                "{\"type\":\"a\",\"attributes\":{\"key\":4711secret}}",
                "{\"type\":\"a\",\"attributes\":{\"key\":secret4711}}",
                "{\"type\":\"a\",\"attributes\":{\"key\":" + "4711".repeat(8) + "}}",
                "{\"type\":\"a\",\"attributes\":{\"4711 '\":1,\"4711 '\":2}}")) {
            CommandRun append = append(bad + "\n");
            assertThat(append.code()).as(bad).isEqualTo(1);
            assertThat(append.err())
                    .startsWith("line 1: SR-AUDIT-003 not strict JSON at column")
                    .doesNotContain("4711");
        }
    }

    @Test
    void append_toAFile_saysSo() throws Exception {
        Path file = Files.createFile(home.resolve("file"));
        CommandRun run = CommandRun.of("audit", "append", file, "--signer", home.resolve("signer"));
        assertThat(run.code()).isEqualTo(2);
        assertThat(run.err())
                .startsWith(
                        "SR-AUDIT-002 The log's directory " + file + " can't be made: " + file + " is no directory");
        assertThat(home.resolve("signer")).doesNotExist();
    }

    @Test
    void append_pinThatIsTheSignerOrAFileOfTheLog_isNotReplaced() throws Exception {
        for (String file : List.of("signer", "log/log.json", "log/checkpoints")) {
            CommandRun run = CommandRun.reading(
                    "{\"type\":\"a.b\"}\n",
                    "audit",
                    "append",
                    home.resolve("log"),
                    "--signer",
                    home.resolve("signer"),
                    "--pin",
                    home.resolve(file));
            assertThat(run.code()).as(file).isEqualTo(3);
            assertThat(run.err()).as(file).contains("SR-COMMAND-001 --pin: ").contains("it is not replaced");
        }
        Files.createFile(home.resolve("pin"));
        for (int round = 0; round < 2; round++) {
            CommandRun run = CommandRun.reading(
                    "{\"type\":\"a.b\"}\n",
                    "audit",
                    "append",
                    home.resolve("log"),
                    "--signer",
                    home.resolve("signer"),
                    "--pin",
                    home.resolve("pin"));
            assertThat(run.code()).as(run.err()).isZero();
        }
        assertThat(CommandRun.of("audit", "verify", home.resolve("log"), "--key", home.resolve("pin"))
                        .code())
                .isZero();
    }

    @Test
    void append_toANewLogOfABadName_isWrongUsage_andMakesNothing() throws Exception {
        CommandRun run = CommandRun.reading(
                "{\"type\":\"a.b\"}\n",
                "audit",
                "append",
                home.resolve("log"),
                "--signer",
                home.resolve("keys/signer"),
                "--name",
                "a name");
        assertThat(run.code()).isEqualTo(3);
        assertThat(run.err()).contains("A log's name is of letters");
        try (var made = Files.list(home)) {
            assertThat(made).isEmpty();
        }
    }

    /** A limit on the size of files stands for a full disk. */
    @Test
    void append_diskThatFillsUp_saysThatLinesBeforeAreThere_andTheNextAppendContinues() throws Exception {
        Path log = home.resolve("log");
        Path signer = home.resolve("signer");
        Path lines = Files.writeString(
                home.resolve("lines"), "{\"type\":\"a.b\",\"attributes\":{\"x\":\"some text\"}}\n".repeat(5_000));
        Process full = new ProcessBuilder(
                        "sh",
                        "-c",
                        "ulimit -f 400; exec \"$@\"",
                        "sh",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:-UsePerfData",
                        "-cp",
                        System.getProperty("java.class.path"),
                        SecureRuntimeCommand.class.getName(),
                        "audit",
                        "append",
                        log.toString(),
                        "--signer",
                        signer.toString())
                .redirectInput(lines.toFile())
                .redirectError(home.resolve("err").toFile())
                .redirectOutput(home.resolve("out").toFile())
                .start();
        assertThat(full.waitFor(60, TimeUnit.SECONDS)).isTrue();

        String err = Files.readString(home.resolve("err"));
        assertThat(full.exitValue()).isEqualTo(2);
        assertThat(err).contains("SR-AUDIT-002").containsPattern("of the [0-9]+ lines before, those that are whole");
        assertThat(Files.readString(home.resolve("out"))).isEmpty();

        CommandRun again = CommandRun.reading("{\"type\":\"a.c\"}\n", "audit", "append", log, "--signer", signer);
        assertThat(again.code()).isZero();
        assertThat(CommandRun.of("audit", "show", log, "--type", "a.b").out().lines())
                .hasSizeBetween(100, 4_999);
    }
}
