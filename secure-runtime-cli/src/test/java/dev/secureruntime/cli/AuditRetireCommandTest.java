package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditRetireCommandTest {

    @TempDir
    private Path home;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void writeLog() throws Exception {
        AuditSettings settings = AuditSettings.in(home.resolve("log"))
                .signer(home.resolve("signer"))
                .segmentBytes(3_000);
        try (HashChainedAuditLog log = HashChainedAuditLog.open(settings, Clock.systemUTC())) {
            Files.writeString(home.resolve("pin"), String.join("\n", log.verifierKeys()));
            for (int i = 0; i < 100; i++) {
                log.append(AuditEvent.of("test").attribute("number", i).build());
            }
        }
        Files.copy(home.resolve("log/checkpoint"), home.resolve("anchor"));
    }

    private int run(String... arguments) {
        return SecureRuntimeCommand.run(new PrintWriter(out), new PrintWriter(err), arguments);
    }

    private int retire(String before, String anchor) {
        return run(
                "audit",
                "retire",
                home.resolve("log").toString(),
                "--signer",
                home.resolve("signer").toString(),
                "--before",
                before,
                "--anchor",
                home.resolve(anchor).toString());
    }

    @Test
    void retire_index_removesAndTheRestVerifies() {
        assertThat(retire("60", "anchor")).isZero();
        assertThat(out.toString()).matches("(?s)first record [1-5][0-9], log size 10[0-9]\\s+");
        assertThat(run(
                        "audit",
                        "verify",
                        home.resolve("log").toString(),
                        "--key",
                        home.resolve("pin").toString()))
                .isZero();
        assertThat(out.toString()).contains("INTACT").contains("removed under retention");
        assertThat(run("audit", "show", home.resolve("log").toString(), "3")).isEqualTo(2);
        assertThat(err.toString()).contains("removed under retention");
        assertThat(run("audit", "show", home.resolve("log").toString())).isZero();
        assertThat(run("audit", "prove", home.resolve("log").toString(), "90")).isZero();
    }

    @Test
    void retire_time_removesUpToTheAnchor() {
        assertThat(retire("2020-01-01T00:00:00Z", "anchor")).isZero();
        assertThat(out.toString()).startsWith("first record 0,");
        assertThat(retire("2999-01-01T00:00:00Z", "anchor")).isZero();
        assertThat(out.toString()).matches("(?s).*first record [1-9][0-9]+, .*");
    }

    @Test
    void retire_badArguments_wrongUsage() {
        assertThat(retire("yesterday", "anchor")).isEqualTo(3);
        assertThat(retire("60", "pin")).isEqualTo(3);
        assertThat(retire("60", "missing")).isEqualTo(3);
        assertThat(run("audit", "retire", home.resolve("log").toString(), "--before", "1"))
                .isEqualTo(3);
        assertThat(run(
                        "audit",
                        "retire",
                        home.toString(),
                        "--signer",
                        home.resolve("other").toString(),
                        "--before",
                        "1",
                        "--anchor",
                        home.resolve("anchor").toString()))
                .isEqualTo(3);
        assertThat(home.resolve("other")).doesNotExist();
    }

    private int retireWith(Path signer) {
        return run(
                "audit",
                "retire",
                home.resolve("log").toString(),
                "--signer",
                signer.toString(),
                "--before",
                "60",
                "--anchor",
                home.resolve("anchor").toString());
    }

    @Test
    void retire_signerThatCantBeUsed_isNotTheVerdictThatTheLogWasTamperedWith() throws Exception {
        Path other = home.resolve("other.signer");
        assertThat(run("audit", "keygen", "--signer", other.toString())).isZero();
        assertThat(retireWith(other)).as(err.toString()).isEqualTo(2);
        Path garbage = Files.copy(other, home.resolve("garbage.signer"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.writeString(garbage, "garbage");
        assertThat(retireWith(garbage)).as(err.toString()).isEqualTo(2);
        Path open = Files.copy(home.resolve("signer"), home.resolve("open.signer"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(retireWith(open)).as(err.toString()).isEqualTo(2);
        assertThat(err.toString()).contains("SR-AUDIT-004");
        assertThat(retireWith(home.resolve("signer"))).isZero();
    }

    @Test
    void retire_tamperedLog_isOne_whateverTheSigner() throws Exception {
        Path segment = home.resolve("log/segments/00000000000000000000.jsonl");
        Files.writeString(segment, Files.readString(segment).replaceFirst("\"time\":\"2", "\"time\":\"3"));
        assertThat(retireWith(home.resolve("signer"))).isEqualTo(1);
    }
}
