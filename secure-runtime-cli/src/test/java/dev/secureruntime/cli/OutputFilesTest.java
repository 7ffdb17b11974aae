package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** No command writes into a log or a content store, nor over a key or a file that it was given to read. */
class OutputFilesTest {

    @TempDir
    private Path home;

    private Path at(String name) {
        return home.resolve(name);
    }

    @BeforeEach
    void write() throws IOException {
        AuditSettings settings = AuditSettings.in(at("log"))
                .signer(at("signer"))
                .content(ContentSettings.in(at("store")).wrappingKey(at("wrapping")));
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, Clock.systemUTC())) {
            Files.write(at("pin"), log.verifierKeys());
            log.append(AuditEvent.of("model.call")
                    .content("u", "prompt", "the prompt".getBytes(StandardCharsets.UTF_8))
                    .build());
        }
        assertThat(disclose(at("disclosure")).code()).isZero();
        Files.createSymbolicLink(at("to-log"), at("log"));
        Files.createSymbolicLink(at("to-checkpoint"), at("log/checkpoint"));
        Files.createSymbolicLink(at("to-nothing"), at("log/new"));
    }

    private CommandRun disclose(Path out) {
        return CommandRun.of(
                "audit",
                "disclose",
                at("log"),
                1,
                "prompt",
                "--store",
                at("store"),
                "--wrapping-key",
                at("wrapping"),
                "--out",
                out);
    }

    /** Each command that writes a file, without the name of the file. */
    private List<List<Object>> commands() {
        return List.of(
                List.of("audit", "prove", at("log"), 1, "--out"),
                List.of("audit", "report", at("log"), "--key", at("pin"), "--anchor", at("log/checkpoint"), "--out"),
                List.of("audit", "check-disclosure", at("disclosure"), "--key", at("pin"), "--value"),
                List.of(
                        "audit",
                        "disclose",
                        at("log"),
                        1,
                        "prompt",
                        "--store",
                        at("store"),
                        "--wrapping-key",
                        at("wrapping"),
                        "--out"),
                List.of("audit", "append", at("log"), "--signer", at("signer"), "--pin"));
    }

    private static CommandRun run(List<Object> command, Path file) {
        List<Object> all = new ArrayList<>(command);
        all.add(file);
        return CommandRun.of(all.toArray());
    }

    private String everything() {
        TreeMap<String, String> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(home)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                files.put(file.toString(), Files.size(file) + " " + Arrays.hashCode(Files.readAllBytes(file)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files.toString();
    }

    private void assertRefused(List<Object> command, Path file) {
        String before = everything();
        CommandRun run = run(command, file);
        assertThat(run.code()).as("%s %s: %s", command, file, run.err()).isEqualTo(3);
        assertThat(run.err()).startsWith("SR-COMMAND-001 --").contains(file.toString());
        assertThat(everything()).as("%s %s", command, file).isEqualTo(before);
    }

    @Test
    void outputInsideALogOrAStore_isRefused_alsoBehindALink() {
        for (List<Object> command : commands()) {
            for (String file : List.of(
                    "log/checkpoints",
                    "log/new",
                    "log/segments/new",
                    "to-log/new",
                    "store/store",
                    "store/content/new")) {
                assertRefused(command, at(file));
            }
        }
    }

    @Test
    void outputThatIsALinkIntoTheLog_isRefused() {
        for (List<Object> command : commands()) {
            assertRefused(command, at("to-checkpoint"));
            assertRefused(command, at("to-nothing"));
        }
    }

    @Test
    void outputOverTheSigner_isRefused() {
        for (List<Object> command : commands()) {
            assertRefused(command, at("signer"));
        }
    }

    @Test
    void outputOverAFileThatTheCommandReads_isRefused() throws IOException {
        List<List<Object>> commands = commands();
        assertRefused(commands.get(1), at("pin"));
        assertRefused(commands.get(2), at("pin"));
        assertRefused(commands.get(2), at("disclosure"));
        assertRefused(commands.get(3), at("wrapping"));
        Files.copy(at("log/checkpoint"), at("kept"));
        assertRefused(
                List.of("audit", "report", at("log"), "--key", at("pin"), "--anchor", at("kept"), "--out"), at("kept"));
    }

    @Test
    void outputInADirectoryThatIsNotThere_isWrongUsage() {
        for (List<Object> command : commands()) {
            assertRefused(command, at("none/file"));
            assertRefused(command, home);
        }
    }

    @Test
    void pinOfANewLog_inItsDirectoryOrInThePlaceOfItsSigner_isRefusedBeforeThereIsALog() {
        List<Object> append = List.of("audit", "append", at("new"), "--signer", at("new.signer"), "--pin");
        assertRefused(append, at("new.signer"));
        assertRefused(append, at("new/pin"));
        assertThat(at("new")).doesNotExist();
    }

    @Test
    void tilesAndSigner_intoALog_areRefused() {
        assertRefused(List.of("audit", "tiles", at("log"), "--out"), at("to-log"));
        assertRefused(List.of("audit", "keygen", "--signer"), at("log/signer"));
        CommandRun other = CommandRun.reading("", "audit", "append", at("other"), "--signer", at("other.signer"));
        assertThat(other.code()).isZero();
        assertRefused(List.of("audit", "tiles", at("log"), "--out"), at("other"));
    }

    @Test
    void outputElsewhere_isWrittenAndReplaced() throws IOException {
        for (List<Object> command : commands()) {
            for (int i = 0; i < 2; i++) {
                CommandRun run = run(command, at("out"));
                assertThat(run.code()).as("%s: %s", command, run.err()).isZero();
            }
            assertThat(Files.size(at("out"))).isPositive();
            Files.delete(at("out"));
        }
    }

    @Test
    void outputIntoAPipe_isWrittenThrough() throws Exception {
        Assumptions.assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "pipes have no names here");
        for (List<Object> command : commands()) {
            Process cat = new ProcessBuilder("cat").start();
            Path pipe = Path.of("/proc/" + cat.pid() + "/fd/0");
            try {
                CommandRun run = run(command, pipe);
                assertThat(run.code()).as("%s: %s", command, run.err()).isZero();
                cat.getOutputStream().close();
                assertThat(cat.getInputStream().readNBytes(1)).as("%s", command).hasSize(1);
                assertThat(Files.exists(home.resolve("fd"))).isFalse();
            } finally {
                cat.destroy();
            }
        }
    }

    /** A report is put in the place of what is there, but never of a device or a pipe, which others use too. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void reportIntoAPipeThatHasAName_leavesThePipe() throws Exception {
        Process made = new ProcessBuilder("mkfifo", at("pipe").toString()).start();
        Assumptions.assumeTrue(made.waitFor() == 0, "no mkfifo");
        Process cat = new ProcessBuilder("cat", at("pipe").toString()).start();
        try {
            assertThat(run(commands().get(1), at("pipe")).code()).isZero();
            assertThat(new String(cat.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .contains("<html");
            assertThat(Files.readAttributes(at("pipe"), BasicFileAttributes.class)
                            .isOther())
                    .isTrue();
        } finally {
            cat.destroy();
        }
    }

    @Test
    void reportBehindALink_replacesTheFile_andLeavesTheLink() throws IOException {
        Files.writeString(at("old"), "old");
        Files.createSymbolicLink(at("to-old"), at("old"));
        assertThat(run(commands().get(1), at("to-old")).code()).isZero();
        assertThat(at("to-old")).isSymbolicLink();
        assertThat(Files.readString(at("old"))).contains("<html");
    }

    @Test
    void outputInAProjectWithNamesLikeOurs_isWritten() throws IOException {
        Files.createDirectories(at("project/store"));
        Files.createDirectories(at("project/content"));
        Files.writeString(at("project/log.json"), "{\"level\":\"info\"}");
        for (List<Object> command : commands()) {
            CommandRun run = run(command, at("project/out"));
            assertThat(run.code()).as("%s: %s", command, run.err()).isZero();
            Files.delete(at("project/out"));
        }
    }

    @Test
    void tilesIntoAnotherLog_byAPathThroughWhatIsNotThere_areRefused() {
        CommandRun other = CommandRun.reading("", "audit", "append", at("other"), "--signer", at("other.signer"));
        assertThat(other.code()).isZero();
        assertRefused(List.of("audit", "tiles", at("log"), "--out"), at("none/../other/tiles"));
    }

    @Test
    void withoutTheRefusal_aProofOverTheCheckpoints_wouldMakeTheLogTampered() throws IOException {
        assertThat(run(commands().get(0), at("out")).code()).isZero();
        Files.write(at("log/checkpoints"), Files.readAllBytes(at("out")));
        assertThat(CommandRun.of("audit", "verify", at("log"), "--key", at("pin"))
                        .code())
                .isEqualTo(1);
    }
}
