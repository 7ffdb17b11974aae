package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditShowCommandTest {

    @TempDir
    private Path home;

    @Test
    void show_filters_andNeverSteersATerminal() {
        String log = home.resolve("log").toString();
        String lines = "{\"type\":\"tool.call\",\"component\":\"chat\"}\n".repeat(2)
                + "{\"type\":\"other\",\"component\":\"\\u001b[31mred\",\"attributes\":{\"a\":\"x\\ny\"}}\n";
        CommandRun.reading(
                new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)),
                "audit",
                "append",
                log,
                "--signer",
                home.resolve("signer").toString());
        assertThat(CommandRun.of("audit", "show", log).out())
                .contains("#0  ")
                .contains("#3  ")
                .doesNotContain("\u001b")
                .contains("?[31mred");
        assertThat(CommandRun.of("audit", "show", log, "1").out())
                .startsWith("#1  ")
                .doesNotContain("#2");
        assertThat(CommandRun.of("audit", "show", log, "--from", "1", "--to", "2", "--json")
                        .out()
                        .lines())
                .hasSize(2);
        assertThat(CommandRun.of("audit", "show", log, "--type", "other", "--json")
                        .out()
                        .lines())
                .hasSize(1);
        assertThat(CommandRun.of("audit", "show", log, "--component", "chat", "--json")
                        .out()
                        .lines())
                .hasSize(2);
        assertThat(CommandRun.of("audit", "show", log, "99").out()).isEmpty();
        assertThat(CommandRun.of("audit", "show", log, "1", "--from", "2").code())
                .isEqualTo(3);
    }
}
