package dev.secureruntime.core.audit;

import static dev.secureruntime.core.audit.LogFixture.log;
import static dev.secureruntime.core.audit.LogFixture.segments;
import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a start does about a writer that was interrupted. */
@Timeout(60)
class RecoveryTest {

    @TempDir
    private Path home;

    private AuditSettings settings() {
        return LogFixture.settings(home);
    }

    private void assertIntact(List<String> keys, long size) {
        VerificationResult result = LogFixture.verify(home, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.size()).isEqualTo(size);
        assertThat(result.signed()).isEqualTo(size);
    }

    private List<String> crashed() throws IOException {
        List<String> keys;
        try (HashChainedAuditLog log = LogFixture.open(settings())) {
            keys = log.verifierKeys();
            LogFixture.append(log, 5);
        }
        return keys;
    }

    @Test
    void open_tornTail_cutOffAndLogged() throws Exception {
        List<String> keys = crashed();
        Path segment = segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment) + "{\"seq\":6,\"ti");

        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Inconclusive.class);
        assertThat(Files.readString(segment)).as("a reader changes nothing").endsWith("{\"seq\":6,\"ti");
        LogFixture.open(settings()).close();

        assertThat(LogFixture.records(home).get(6))
                .contains("\"type\":\"log.recovered\"")
                .contains("recovered_bytes\":12")
                .contains("recovered_kept\":12")
                .contains("recovered_as\":\"recovered/" + kept().get(0).getFileName())
                .contains(Hex.text(TreeHasher.sha256().digest("{\"seq\":6,\"ti".getBytes(StandardCharsets.UTF_8))));
        assertThat(kept()).singleElement().asString().contains("00000000000000000000.jsonl.");
        assertThat(kept().get(0)).hasContent("{\"seq\":6,\"ti");
        assertIntact(keys, 8);
    }

    private List<Path> kept() {
        try (var files = Files.list(log(home).resolve("recovered"))) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void open_interruptedBetweenKeepingAndCutting_keepsItOnce() throws Exception {
        List<String> keys = crashed();
        Path segment = segments(home).get(0);
        String torn = LogFixture.read(segment) + "{\"seq\":6,\"ti";
        LogFixture.write(segment, torn);
        LogFixture.copy(log(home), home.resolve("torn"));
        LogFixture.copy(home.resolve("keys"), home.resolve("torn-keys"));
        LogFixture.open(settings()).close();
        LogFixture.copy(log(home).resolve("recovered"), home.resolve("torn/recovered"));
        AuditSettings again = AuditSettings.in(home.resolve("torn")).signer(home.resolve("torn-keys/signer"));
        LogFixture.open(again).close();

        try (var files = Files.list(home.resolve("torn/recovered"))) {
            assertThat(files).hasSize(1);
        }
        assertThat(AuditLogVerifier.withKeys(keys).verify(home.resolve("torn")))
                .isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void open_fragmentCantBeKept_nothingIsCutOff() throws Exception {
        List<String> keys = crashed();
        Path segment = segments(home).get(0);
        String torn = LogFixture.read(segment) + "{\"seq\":6,\"ti";
        LogFixture.write(segment, torn);
        Files.writeString(log(home).resolve("recovered"), "in the way");
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> LogFixture.open(settings()))
                .hasMessageContaining("SR-AUDIT-002");
        assertThat(LogFixture.read(segment)).isEqualTo(torn);
        Files.delete(log(home).resolve("recovered"));
        LogFixture.open(settings()).close();
        assertIntact(keys, 8);
    }

    @Test
    void open_zeroFilledTail_cutOff() throws Exception {
        List<String> keys = crashed();
        Path segment = segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment) + "\0".repeat(100_000));

        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Inconclusive.class);
        LogFixture.open(settings()).close();
        assertThat(LogFixture.records(home).get(6))
                .contains("recovered_bytes\":100000")
                .contains("recovered_kept\":65536");
        assertThat(kept().get(0)).hasSize(65_536);
        assertIntact(keys, 8);
    }

    @Test
    void open_tornCheckpoint_cutOffAndLogged() throws Exception {
        List<String> keys = crashed();
        Path checkpoints = log(home).resolve("checkpoints");
        String whole = LogFixture.read(checkpoints);
        String origin = whole.substring(0, whole.indexOf('\n'));
        List<String> fragments = List.of(
                "\n",
                "\n" + origin.substring(0, 4),
                "\n" + origin + "\n6\n",
                "\0\0\0",
                "\n" + origin.substring(0, 4) + "\0\0\0",
                "\n" + origin + "\n6\n" + "\0".repeat(4_096));
        for (String fragment : fragments) {
            LogFixture.write(checkpoints, LogFixture.read(checkpoints) + fragment);
            assertThat(LogFixture.verify(home, keys)).as(fragment).isInstanceOf(VerificationResult.Inconclusive.class);
            LogFixture.open(settings()).close();
            assertThat(LogFixture.verify(home, keys)).as(fragment).isInstanceOf(VerificationResult.Intact.class);
        }
        assertThat(LogFixture.records(home))
                .filteredOn(r -> r.contains("log.recovered"))
                .hasSameSizeAs(fragments);
    }

    @Test
    void open_checkpointOneBehind_finished() throws Exception {
        List<String> keys = crashed();
        Path checkpoints = log(home).resolve("checkpoints");
        String first = LogFixture.read(checkpoints).split("\n\n" + "te")[0] + "\n";
        LogFixture.write(log(home).resolve("checkpoint"), first);

        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Inconclusive.class);
        LogFixture.open(settings()).close();
        assertIntact(keys, 7);
    }
}
