package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Anchors on the command line. */
@Timeout(60)
class AuditAnchorCommandTest {

    private static final String EVENT = "{\"type\":\"test.event\"}\n";

    /** A key of no witness that exists: C2SP's form with signature type 0x04. */
    private static final String WITNESS = "witness.example/cli+90c49a6b+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

    @TempDir
    private Path home;

    private static CommandRun run(Object... arguments) {
        return CommandRun.reading(EVENT, arguments);
    }

    private String at(String name) {
        return home.resolve(name).toString();
    }

    private CommandRun append() {
        return run(
                "audit",
                "append",
                at("log"),
                "--signer",
                at("signer"),
                "--pin",
                at("pin"),
                "--anchor-file",
                at("kept"));
    }

    @Test
    void appendWithAnchorFile_thenVerify_provesCompleteness() throws Exception {
        assertThat(append().code()).isZero();
        assertThat(append().code()).isZero();
        CommandRun run = run("audit", "verify", at("log"), "--key", at("pin"), "--anchor", at("kept"), "--json");
        assertThat(run.code()).as(run.out()).isZero();
        assertThat(run.out()).contains("\"status\":\"PROVED\"");
        assertThat(Files.readString(home.resolve("kept"))).contains("\n\n");
    }

    @Test
    void verify_anchorInTheLogsDirectory_isNotedForPeopleAndPrograms() throws Exception {
        append();
        String inside = at("log/checkpoint");
        String linked = Files.createSymbolicLink(home.resolve("linked"), Path.of(inside))
                .toString();
        for (String anchor : List.of(inside, linked)) {
            for (String form : List.of("--json", "--json=false")) {
                CommandRun run = run("audit", "verify", at("log"), "--key", at("pin"), "--anchor", anchor, form);
                assertThat(run.code()).as(run.out()).isZero();
                assertThat(run.out()).contains("the anchor " + anchor + " lies in the log's directory");
            }
        }
        CommandRun outside = run("audit", "verify", at("log"), "--key", at("pin"), "--anchor", at("kept"), "--json");
        assertThat(outside.out()).doesNotContain("lies in");
    }

    @Test
    void verify_witnessThatNeverCosigned_isInconclusive() {
        append();
        CommandRun run = run("audit", "verify", at("log"), "--key", at("pin"), "--witness", WITNESS);
        assertThat(run.code()).as(run.err()).isEqualTo(2);
        assertThat(run.out()).contains("no cosignature by witness.example/cli");
    }

    @Test
    void wrongAnchorOptions_exit3() throws Exception {
        append();
        Files.writeString(home.resolve("nonsense"), "nonsense\n");
        String[][] wrong = {
            {"audit", "verify", at("log"), "--witness", at("pin")},
            {"audit", "verify", at("log"), "--witness", at("missing")},
            {"audit", "verify", at("log"), "--tsa", at("missing")},
            {"audit", "verify", at("log"), "--tsa", at("nonsense")},
            {"audit", "append", at("log"), "--signer", at("signer"), "--witness", "ftp://x", WITNESS},
            {"audit", "append", at("log"), "--signer", at("signer"), "--anchor-file", at("log/kept")},
        };
        for (String[] arguments : wrong) {
            CommandRun run = run(arguments);
            assertThat(run.code()).as(String.join(" ", arguments) + run.err()).isEqualTo(3);
        }
    }
}
