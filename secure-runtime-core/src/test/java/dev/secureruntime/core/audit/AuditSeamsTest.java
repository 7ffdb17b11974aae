package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.VerifierKey;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Retention, recovery, evidence, post-quantum signatures and reading ahead, together. */
@Timeout(120)
class AuditSeamsTest {

    @TempDir
    private Path home;

    private AuditSettings settings() {
        return LogFixture.settings(home).segmentBytes(4_000);
    }

    private long retire() throws Exception {
        Path anchor = Files.copy(LogFixture.log(home).resolve("checkpoint"), home.resolve("anchor"));
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            return log.retireBelow(40, List.of(anchor));
        }
    }

    private List<String> postQuantum() {
        List<String> keys = List.of();
        for (int run = 0; run < 3; run++) {
            try (HashChainedAuditLog log = LogFixture.open(settings().postQuantum())) {
                keys = log.verifierKeys();
                LogFixture.append(log, 10);
                log.checkpoint();
                LogFixture.append(log, 10);
            }
        }
        return keys;
    }

    @Test
    void verify_retiredPostQuantumLogWithoutOrWithSwappedSignatures_isFound() throws Exception {
        List<String> keys = postQuantum();
        assertThat(keys).hasSize(3);
        assertThat(retire()).isPositive();
        for (int i = 1; i <= 3; i++) {
            assertThat(LogFixture.verify(home, keys.subList(0, i))).isInstanceOf(VerificationResult.Intact.class);
        }
        LogFixture.open(LogFixture.settings(home)).close();
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        Path cps = LogFixture.log(home).resolve("checkpoints");
        String text = LogFixture.read(cps);
        String[] lines = text.split("\n", -1);
        for (int n = 1; n < lines.length; n++) {
            if (!lines[n].startsWith("\u00e2\u0080\u0094")) {
                continue;
            }
            String[] stripped = lines.clone();
            stripped[n] = null;
            String s = String.join(
                    "\n", Arrays.stream(stripped).filter(x -> x != null).toList());
            LogFixture.write(cps, s);
            VerificationResult r = LogFixture.verify(home, keys);
            assertThat(r).as("line " + n).isNotInstanceOf(VerificationResult.Intact.class);
            if (lines[n + 1].startsWith("\u00e2\u0080\u0094")) {
                String[] swapped = lines.clone();
                swapped[n] = lines[n + 1];
                swapped[n + 1] = lines[n];
                LogFixture.write(cps, String.join("\n", swapped));
                assertThat(LogFixture.verify(home, keys))
                        .as("swap " + n)
                        .isInstanceOf(VerificationResult.Tampered.class);
            }
        }
    }

    @Test
    void export_retiredLog_isRefusedAsRetiredNotAsTampered() throws Exception {
        List<String> keys = LogFixture.large(home);
        retire();
        assertThatThrownBy(() -> AuditTiles.export(
                        LogFixture.log(home),
                        home.resolve("out"),
                        AuditLogVerifier.withKeys(keys),
                        AuditTiles.Existing.TRUSTED))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("removed under retention")
                .hasMessageNotContaining("tampered");
        assertThat(home.resolve("out")).doesNotExist();
    }

    @Test
    void report_interruptedNoteThatIsNone_isInconclusive() throws Exception {
        byte[] seed = new byte[32];
        seed[0] = 1;
        List<String> keys = new AnchorWorld(
                        home,
                        checkpoint -> new dev.secureruntime.audit.AnchorEvidence.Cosigned(
                                List.of(WitnessAnchorTest.cosign("w.example/w", seed, 5, checkpoint.text())
                                        .strip())))
                .write(5);
        String origin = keys.get(0).split("\\+")[0];
        Files.write(
                LogFixture.log(home).resolve("checkpoints"),
                ("\n" + origin + "\n\ngarbage\n").getBytes(StandardCharsets.UTF_8),
                StandardOpenOption.APPEND);
        assertThat(AuditLogVerifier.withKeys(keys)
                        .witnessedBy(List.of(WitnessAnchorTest.key("w.example/w", seed)))
                        .report(LogFixture.log(home))
                        .result())
                .isInstanceOf(VerificationResult.Inconclusive.class);
    }

    @Test
    void open_strayFileBeforeRetiredSegments_isRefused() throws Exception {
        List<String> keys = LogFixture.large(home);
        retire();
        Files.writeString(LogFixture.log(home).resolve("segments").resolve("!x.jsonl"), "x\n");
        VerificationResult result = LogFixture.verify(home, keys);
        assertThat(result).isInstanceOf(VerificationResult.Tampered.class);
        assertThatThrownBy(() -> LogFixture.open(settings()).close())
                .isInstanceOf(SecureRuntimeException.class)
                .hasMessageStartingWith("SR-AUDIT-004");
    }

    @Test
    void open_segmentWithoutAWholeRecord_isCutOffAndTheLogStaysIntact() throws Exception {
        for (String torn : new String[] {"", "{\"seq\":", "\0\0\0\0", "\0\0\n\0"}) {
            Path there = home.resolve("h" + torn.length() + torn.hashCode());
            Files.createDirectories(there);
            List<String> keys = LogFixture.large(there);
            long size = LogFixture.records(there).size();
            LogFixture.write(LogFixture.log(there).resolve("segments").resolve(LogFiles.segmentName(size)), torn);
            assertThat(LogFixture.verify(there, keys)).isNotInstanceOf(VerificationResult.Tampered.class);
            LogFixture.open(LogFixture.settings(there)).close();
            VerificationResult after = LogFixture.verify(there, keys);
            assertThat(after).as(torn + after).isInstanceOf(VerificationResult.Intact.class);
            try (HashChainedAuditLog log =
                    LogFixture.open(LogFixture.settings(there).segmentBytes(4_000))) {
                LogFixture.append(log, 40);
            }
            assertThat(LogFixture.verify(there, keys)).isInstanceOf(VerificationResult.Intact.class);
        }
    }

    @Test
    void inclusion_damagedCheckpoint_isRefusedWithItsCode() throws Exception {
        LogFixture.large(home);
        LogFixture.write(LogFixture.log(home).resolve("checkpoint"), "garbage\n");
        assertThatThrownBy(() -> AuditProofs.inclusion(LogFixture.log(home), 3))
                .isInstanceOf(SecureRuntimeException.class);
    }

    private String scan(List<String> keys, ReadAhead.Plan plan) {
        LogScan scan = new LogScan(
                new LogFiles(LogFixture.log(home)), VerifierKey.parse(keys.get(0)), VerifierKey.parse(keys.get(1)));
        scan.readAhead(plan);
        try {
            scan.run();
            return scan.size() + " " + scan.signed() + " " + scan.reasons() + " "
                    + Hex.text(scan.state().tree().root()) + scan.state().segmentSize();
        } catch (LogFault e) {
            return scan.size() + " " + scan.signed() + " " + e.firstBad();
        } catch (java.io.IOException e) {
            return "io " + e;
        }
    }

    @Test
    void scan_changedAtRandom_isTheSameWithAndWithoutReadingAhead() throws Exception {
        List<String> keys = LogFixture.large(home);
        Random random = new Random(99);
        for (int phase = 0; phase < 2; phase++) {
            for (Path segment : LogFixture.segments(home)) {
                byte[] honest = Files.readAllBytes(segment);
                for (int i = 0; i < 15; i++) {
                    Files.write(segment, mutate(honest, random));
                    int chunk = 300 + random.nextInt(1500);
                    String careful = scan(keys, ReadAhead.Plan.none());
                    assertThat(scan(keys, new ReadAhead.Plan(chunk, 1))).isEqualTo(careful);
                    assertThat(scan(keys, new ReadAhead.Plan(chunk, 2))).isEqualTo(careful);
                    if (i % 10 == 0) {
                        assertThat(scan(keys, ReadAhead.Plan.ofMachine())).isEqualTo(careful);
                    }
                }
                Files.write(segment, honest);
            }
            if (phase == 0) {
                retire();
            }
        }
    }

    private static final String[] BITS = {
        "\0",
        "\r\n",
        "\n",
        "\n\n",
        "\"",
        "\\",
        "\\u0061",
        "\\ud800",
        "-0",
        "1e999",
        "9223372036854775808",
        "18446744073709551616",
        "\u00ff",
        "\u00c0\u0080",
        "\u00ed\u00a0\u0080",
        " ",
        ",",
        "}",
        "{}",
        "log.",
        "log.key",
        "\u007f",
        "\"number\":1,"
    };

    private static byte[] mutate(byte[] honest, Random random) {
        String text = new String(honest, StandardCharsets.ISO_8859_1);
        int edits = 1 + random.nextInt(2);
        for (int i = 0; i < edits; i++) {
            int at = random.nextInt(text.length());
            int remove = random.nextInt(4) == 0 ? random.nextInt(Math.min(400, text.length() - at)) : random.nextInt(2);
            if (random.nextInt(6) == 0) {
                int nl = text.indexOf('\n', at);
                at = nl < 0 ? at : nl;
                remove = random.nextInt(2);
            }
            String bit = random.nextInt(4) == 0 ? "" : BITS[random.nextInt(BITS.length)];
            text = text.substring(0, at) + bit + text.substring(Math.min(text.length(), at + remove));
            if (random.nextInt(10) == 0) {
                text = text.substring(0, random.nextInt(text.length()));
            }
            if (text.length() < 10) {
                break;
            }
        }
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
