package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AuditAppendCommandTest {

    @TempDir
    Path home;

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
