package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
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

    @Test
    void tiles_recordsRemovedUnderRetentionOrNoCheckpoint_wrongUsageAndNoVerdict() throws Exception {
        AuditSettings settings = AuditSettings.in(home.resolve("log"))
                .signer(home.resolve("signer"))
                .segmentBytes(2_000);
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, Clock.systemUTC())) {
            Files.write(home.resolve("pin"), log.verifierKeys());
            for (int i = 0; i < 20; i++) {
                log.append(AuditEvent.of("tool.call").build());
            }
            log.checkpoint();
            Path anchor = Files.copy(home.resolve("log/checkpoint"), home.resolve("anchor"));
            assertThat(log.retireBelow(15, List.of(anchor))).isPositive();
        }
        StringWriter out = new StringWriter();
        assertThat(run(out, "audit", "verify", at("log"), "--key", at("pin"))).isZero();
        assertThat(run(out, "audit", "tiles", at("log"), "--out", at("out"), "--key", at("pin")))
                .isEqualTo(3);
        assertThat(out.toString()).contains("removed under retention").doesNotContain("SR-AUDIT-004");

        Files.createDirectories(home.resolve("new/segments"));
        assertThat(run(out, "audit", "tiles", at("new"), "--out", at("out"))).isEqualTo(3);
        assertThat(out.toString()).contains("no checkpoint");
        assertThat(home.resolve("out")).doesNotExist();
    }
}
