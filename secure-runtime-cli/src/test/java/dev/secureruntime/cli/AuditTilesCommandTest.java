package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditTilesCommandTest {

    private static final String EVENTS = "{\"type\":\"tool.call\"}\n".repeat(300);

    @TempDir
    private Path home;

    private String at(String name) {
        return home.resolve(name).toString();
    }

    private static int run(StringWriter out, String... arguments) {
        return SecureRuntimeCommand.run(new PrintWriter(out), new PrintWriter(out), arguments);
    }

    private void append() {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(EVENTS.getBytes(StandardCharsets.UTF_8)));
        try {
            int code = run(
                    new StringWriter(),
                    "audit",
                    "append",
                    at("log"),
                    "--signer",
                    at("signer"),
                    "--pin",
                    at("pin"),
                    "--post-quantum");
            assertThat(code).isZero();
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void tiles_postQuantumLogPinnedByThreeLines_exportedAgainAndRefusedOnceTampered() throws Exception {
        append();
        assertThat(Files.readAllLines(home.resolve("pin"))).hasSize(3);
        StringWriter out = new StringWriter();
        assertThat(run(out, "audit", "verify", at("log"), "--key", at("pin"))).isZero();
        String[] tiles = {"audit", "tiles", at("log"), "--out", at("out"), "--key", at("pin"), "--verify"};
        assertThat(run(out, tiles)).isZero();
        // 301 records: two bundles, two tiles of hashes, one of their roots.
        assertThat(out.toString()).contains("exported 301 records, 5 tiles written");
        assertThat(run(out, tiles)).isZero();
        assertThat(out.toString()).contains("exported 301 records, 0 tiles written");
        assertThat(home.resolve("out/tile/entries/001.p/45")).exists();

        Path segment = home.resolve("log/segments/00000000000000000000.jsonl");
        Files.writeString(segment, Files.readString(segment).replaceFirst("tool.call", "tool.kill"));
        assertThat(run(out, tiles)).isEqualTo(1);
        assertThat(out.toString()).contains("SR-AUDIT-004");
        assertThat(run(out, "audit", "tiles", at("log"), "--out", at("log/tiles")))
                .isEqualTo(3);
    }
}
