package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What reaches the reader of a command's output, whatever a log holds and wherever the output goes. */
class CommandOutputTest {

    @TempDir
    private Path home;

    private Path log;
    private Path pin;

    @BeforeEach
    void writeLog() {
        log = home.resolve("log");
        pin = home.resolve("pin");
        String forged = "#7  2026-01-01T00:00:00.000000Z  forged";
        String lines = "{\"type\":\"a\",\"attributes\":{\"cr\":\"x\\r" + forged + "\",\"n\\n" + forged
                + "\":1,\"ls\":\"x\\u2028" + forged + "\"}}\n"
                + "{\"type\":\"b\",\"component\":\"c\\n" + forged + "\",\"attributes\":{\"l\":[\"p\\r" + forged
                + "\"]}}\n";
        CommandRun append =
                CommandRun.reading(lines, "audit", "append", log, "--signer", home.resolve("signer"), "--pin", pin);
        assertThat(append.code()).isZero();
    }

    @Test
    void show_lineEndsInAnyTextOfARecord_makeNoLineThatLooksLikeARecord() {
        CommandRun show = CommandRun.of("audit", "show", log);

        assertThat(show.code()).isZero();
        assertThat(show.out().split("\\R"))
                .filteredOn(line -> line.startsWith("#"))
                .hasSize(3)
                .noneMatch(line -> line.startsWith("#7"));
        assertThat(show.out()).contains("?#7  2026-01-01");
    }

    @Test
    void show_upToTheLargestNumber_showsAll() {
        CommandRun show = CommandRun.of("audit", "show", log, "--from", "1", "--to", Long.MAX_VALUE, "--json");

        assertThat(show.code()).isZero();
        assertThat(show.out().lines()).hasSize(2);
        assertThat(CommandRun.of("audit", "show", log, Long.MAX_VALUE).code()).isEqualTo(3);
    }

    @Test
    void anyCommand_errorOfTheVirtualMachine_isNoVerdictOnALog() {
        PrintWriter exhausted = new PrintWriter(Writer.nullWriter()) {
            @Override
            public void println(String text) {
                throw new StackOverflowError("too deep");
            }
        };
        StringWriter err = new StringWriter();

        int code = SecureRuntimeCommand.run(
                exhausted, new PrintWriter(err), "audit", "verify", log.toString(), "--key", pin.toString());

        assertThat(code).isEqualTo(2);
        assertThat(err.toString().lines()).singleElement().asString().contains("SR-COMMAND-002", "too deep");
    }

    private int toFullDisk(Object... arguments) {
        Writer full = new Writer() {
            @Override
            public void write(char[] text, int offset, int length) throws IOException {
                throw new IOException("No space left on device");
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        StringWriter err = new StringWriter();
        int code = SecureRuntimeCommand.run(
                new PrintWriter(full),
                new PrintWriter(err),
                Arrays.stream(arguments).map(String::valueOf).toArray(String[]::new));
        assertThat(err.toString()).contains("SR-COMMAND-002", "output");
        return code;
    }

    @Test
    void anyCommand_outputThatCannotBeWritten_isNoSuccess() throws Exception {
        assertThat(toFullDisk("audit", "prove", log, 1)).isEqualTo(2);
        assertThat(toFullDisk("audit", "show", log, 1, "--json")).isEqualTo(2);
        assertThat(toFullDisk("audit", "consistency", log, 1, 2)).isEqualTo(2);
        assertThat(toFullDisk("audit", "verify", log, "--key", pin)).isEqualTo(2);

        Files.writeString(log.resolve("checkpoint"), "nonsense");
        assertThat(toFullDisk("audit", "verify", log, "--key", pin))
                .as("TAMPERED stays")
                .isEqualTo(1);
    }
}
