package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.audit.format.TilePaths;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Export as C2SP tlog-tiles, read back by Go's implementation. */
@Timeout(300)
class AuditTilesTest {

    @TempDir
    private Path home;

    private List<String> keys = List.of();

    /** Brings the log to exactly this many records; each start adds one or two of its own. */
    private void growTo(long size) {
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(home))) {
            keys = log.verifierKeys();
            while (log.size() < size) {
                log.append(LogFixture.event((int) log.size()));
            }
            assertThat(log.size()).isEqualTo(size);
        }
    }

    private AuditTiles.Exported export(AuditTiles.Existing existing) throws Exception {
        return AuditTiles.export(LogFixture.log(home), home.resolve("out"), AuditLogVerifier.withKeys(keys), existing);
    }

    @Test
    void export_intoTheLogThroughALink_isRefused() throws Exception {
        growTo(10);
        Path link = java.nio.file.Files.createSymbolicLink(home.resolve("link"), LogFixture.log(home));
        for (Path out : List.of(link, link.resolve("tiles"))) {
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> AuditTiles.export(
                            LogFixture.log(home), out, AuditLogVerifier.withKeys(keys), AuditTiles.Existing.TRUSTED))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(LogFixture.log(home).resolve("tiles")).doesNotExist();
        assertThat(LogFixture.log(home).resolve("tile")).doesNotExist();
    }

    private void requireGoAgrees(long size) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                OtherPrograms.go("tiles", home).toString(), home.resolve("out").toString(), keys.get(0)));
        for (long index : new long[] {0, 1, 254, 255, 256, 511, 65_535, 65_536, size - 1}) {
            if (index < size) {
                command.add(Long.toString(index));
            }
        }
        OtherPrograms.Run run = OtherPrograms.run(Map.of(), command);
        assertThat(run.out()).startsWith("size " + size + " ");
        assertThat(run.code()).isZero();
    }

    @Test
    void export_edgeSizesOneAfterTheOther_goProvesRecordsAndOnlyNewTilesAreWritten() throws Exception {
        for (long size : new long[] {1, 255, 257, 65_537}) {
            growTo(size);
            AuditTiles.Exported exported = export(AuditTiles.Existing.COMPARED);
            assertThat(exported.size()).isEqualTo(size);
            assertThat(exported.written()).isLessThan(2 * size / 256 + 8);
            requireGoAgrees(size);
            assertThat(export(AuditTiles.Existing.COMPARED).written()).isZero();
        }
        Path out = home.resolve("out");
        assertThat(out.resolve("tile/0/000.p")).doesNotExist();
        assertThat(out.resolve("tile/entries/000.p")).doesNotExist();
        assertThat(out.resolve("tile/2/000.p/1")).exists();
        try (Stream<Path> files = Files.walk(out)) {
            assertThat(files.filter(file -> file.toString().endsWith(".tmp"))).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"256, 3", "65536, 514"})
    void export_fullTilesOnly_goProvesRecords(long size, long files) throws Exception {
        growTo(size);
        assertThat(export(AuditTiles.Existing.TRUSTED).written()).isEqualTo(files);
        requireGoAgrees(size);
    }

    @Test
    void export_tamperedForkedOrOtherLog_refused() throws Exception {
        growTo(300);
        Path fork = Files.createDirectory(home.resolve("forked"));
        LogFixture.copy(LogFixture.log(home), LogFixture.log(fork));
        LogFixture.copy(home.resolve("keys"), fork.resolve("keys"));
        export(AuditTiles.Existing.TRUSTED);
        Path out = home.resolve("out");

        byte[] tile = Files.readAllBytes(out.resolve("tile/0/000"));
        tile[0] ^= 1;
        Files.write(out.resolve("tile/0/000"), tile);
        export(AuditTiles.Existing.TRUSTED);
        assertThatThrownBy(() -> export(AuditTiles.Existing.COMPARED))
                .hasMessageContaining("SR-AUDIT-004")
                .hasMessageContaining("000");
        tile[0] ^= 1;
        Files.write(out.resolve("tile/0/000"), tile);

        growTo(310);
        export(AuditTiles.Existing.COMPARED);
        try (HashChainedAuditLog log = LogFixture.open(LogFixture.settings(fork))) {
            LogFixture.append(log, 30);
        }
        assertThatThrownBy(() -> AuditTiles.export(
                        LogFixture.log(fork), out, AuditLogVerifier.withKeys(keys), AuditTiles.Existing.TRUSTED))
                .hasMessageContaining("fork");
        assertThatThrownBy(() -> AuditTiles.export(
                        LogFixture.log(home),
                        LogFixture.log(home).resolve("tiles"),
                        AuditLogVerifier.withoutKeys(),
                        AuditTiles.Existing.TRUSTED))
                .isInstanceOf(IllegalArgumentException.class);

        Path segment = LogFixture.segments(home).get(0);
        LogFixture.write(segment, LogFixture.read(segment).replace("value 30\"", "value 31\""));
        Path fresh = home.resolve("fresh");
        assertThatThrownBy(() -> AuditTiles.export(
                        LogFixture.log(home), fresh, AuditLogVerifier.withKeys(keys), AuditTiles.Existing.TRUSTED))
                .hasMessageContaining("tampered");
        assertThat(fresh).doesNotExist();
    }

    @Test
    void export_tileThatIsLongerThanAnyMemory_refused() throws Exception {
        growTo(300);
        export(AuditTiles.Existing.TRUSTED);
        try (RandomAccessFile tile =
                new RandomAccessFile(home.resolve("out/tile/0/000").toFile(), "rw")) {
            tile.setLength(3L << 30); // sparse
        }
        assertThatThrownBy(() -> export(AuditTiles.Existing.COMPARED))
                .hasMessageContaining("SR-AUDIT-004")
                .hasMessageContaining("000");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 256, tile/0/000",
        "7, 256, tile/0/007",
        "999, 256, tile/0/999",
        "1000, 256, tile/0/x001/000",
        "1234, 256, tile/0/x001/234",
        "1234067, 256, tile/0/x001/x234/067",
        "1234067, 8, tile/0/x001/x234/067.p/8",
        "0, 1, tile/0/000.p/1"
    })
    void hashes_indexAndWidth_pathOfTheSpecification(long number, int width, String path) {
        assertThat(TilePaths.hashes(0, number, width)).isEqualTo(path);
        assertThat(TilePaths.entries(number, width)).isEqualTo(path.replace("tile/0", "tile/entries"));
    }
}
