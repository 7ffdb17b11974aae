package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.VerificationResult;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that hold anything of any size: a verdict comes, soon, in little memory, and it is never INTACT. */
class HostileLogTest {

    private static final long HUGE = 10L << 30;
    private static final String NUMBERS_BEYOND = "0,-1,00,9223372036854775807,9223372036854775808,"
            + "18446744073709551615,18446744073709551616,123456789012345678901234567890";

    @TempDir
    private Path home;

    private List<String> keys = List.of();

    @BeforeEach
    void writeLog() {
        keys = LogFixture.large(home);
    }

    private VerificationResult verify() {
        return LogFixture.verify(home, keys);
    }

    private Path file(String name) {
        return name.equals("segment")
                ? LogFixture.segments(home).get(0)
                : LogFixture.log(home).resolve(name);
    }

    /** In a process of its own with a heap of 64 MB; prints the verdict's name. */
    public static void main(String[] arguments) {
        VerificationResult result =
                AuditLogVerifier.withKeys(List.of(arguments[1], arguments[2])).verify(Path.of(arguments[0]));
        System.out.println(result.getClass().getSimpleName());
    }

    private String verdictInSmallHeap() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        HostileLogTest.class.getName(),
                        LogFixture.log(home).toString(),
                        keys.get(0),
                        keys.get(1))
                .redirectErrorStream(true)
                .start();
        try {
            assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        } finally {
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"segment", "log.json", "checkpoints", "checkpoint"})
    void verify_fileOfRandomBytes_tampered(String name) throws IOException {
        for (int size : new int[] {1, 300, 70_000, 600_000}) {
            byte[] bytes = new byte[size];
            new Random(size).nextBytes(bytes);
            Files.write(file(name), bytes);
            assertThat(verify()).as(name + " of " + size).isInstanceOf(VerificationResult.Tampered.class);
        }
    }

    /** Sparse, so that nothing of it is on the disk: read as a whole it would take minutes. */
    @ParameterizedTest
    @CsvSource({"segment,0", "segment,1", "log.json,0", "checkpoints,0", "checkpoints,1", "checkpoint,0"})
    void verify_fileOfTenGigabytes_notIntactInASmallHeap(String name, int goodLines) throws Exception {
        byte[] good = Files.readAllBytes(file(name));
        int kept = 0;
        for (int lines = 0; lines < goodLines; kept++) {
            lines += good[kept] == '\n' ? 1 : 0;
        }
        try (RandomAccessFile sparse = new RandomAccessFile(file(name).toFile(), "rw")) {
            sparse.setLength(kept);
            sparse.seek(kept);
            sparse.write("x".repeat(70_000).getBytes(StandardCharsets.US_ASCII));
            sparse.setLength(HUGE);
        }
        assertThat(verdictInSmallHeap()).isEqualTo("Tampered");
    }

    @Test
    void verify_extremeIndexOfARecord_tampered() {
        Path segment = LogFixture.segments(home).get(0);
        String good = LogFixture.read(segment);
        for (String number : NUMBERS_BEYOND.split(",")) {
            LogFixture.write(segment, good.replaceFirst("\"seq\":3,", "\"seq\":" + number + ","));
            assertThat(verify()).as(number).isInstanceOf(VerificationResult.Tampered.class);
        }
    }

    @Test
    void verify_extremeSizeOfACheckpoint_tampered() {
        String origin = keys.get(0).substring(0, keys.get(0).indexOf('+'));
        for (String name : List.of("checkpoints", "checkpoint")) {
            String good = LogFixture.read(file(name));
            for (String number : NUMBERS_BEYOND.split(",")) {
                LogFixture.write(file(name), good.replaceFirst(origin + "\n[0-9]+\n", origin + "\n" + number + "\n"));
                assertThat(verify()).as(name + number).isInstanceOf(VerificationResult.Tampered.class);
            }
            LogFixture.write(file(name), good);
        }
    }

    /** Indexes of the records that are left would run over the largest one. */
    @Test
    void parse_extremeNumberOfRemovedRecords_refused() {
        String zeros = "0".repeat(64);
        for (int bit : new int[] {61, 62}) {
            long below = 1L << bit;
            byte[] retired = ("secure-runtime-audit/1 retired\nbelow " + below + "\nsegment 1\nanchored " + below + " "
                            + zeros + "\nleaf " + zeros + "\nsubtree " + zeros + "\n")
                    .getBytes(StandardCharsets.US_ASCII);
            if (bit == 61) {
                assertThat(RetiredHead.parse(retired).below()).isEqualTo(below);
            } else {
                assertThatThrownBy(() -> RetiredHead.parse(retired)).isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void check_extremeIndexOfAProof_refuted() {
        String proof = AuditProofs.inclusion(LogFixture.log(home), 3);
        byte[] line = LogFixture.records(home).get(3).getBytes(StandardCharsets.ISO_8859_1);
        assertThat(AuditProofs.check(proof.getBytes(StandardCharsets.UTF_8), line, keys.get(0)))
                .isInstanceOf(AuditProofs.Result.Proved.class);
        for (String number : NUMBERS_BEYOND.split(",")) {
            byte[] other = proof.replace("index 3\n", "index " + number + "\n").getBytes(StandardCharsets.UTF_8);
            assertThat(AuditProofs.check(other, line, keys.get(0)))
                    .as(number)
                    .isInstanceOf(AuditProofs.Result.Refuted.class);
        }
    }

    /** What is there and can't be looked at, as for want of a permission, is not missing: here paths are too long to be opened. */
    @EnabledOnOs(OS.LINUX)
    @ParameterizedTest
    @CsvSource({"4095, /checkpoint", "4095, /segments/00000000000000000000.jsonl"})
    void verify_partOfTheLogOutOfReach_inconclusive(int longest, String part) throws IOException {
        Path log = LogFixture.log(home);
        Path anchor = Files.copy(log.resolve("checkpoint"), home.resolve("anchor"));
        int dots = (longest + 1 - part.length() - log.toString().length()) / 2 + 1;
        Path far = Path.of(log + "/.".repeat(dots));
        assertThat(far).isDirectory();
        assertThat(Files.exists(Path.of(far + part)) || Files.notExists(Path.of(far + part)))
                .isFalse();

        AuditLogVerifier verifier = AuditLogVerifier.withKeys(keys);

        assertThat(verifier.verify(log)).isInstanceOf(VerificationResult.Intact.class);
        for (AuditLogVerifier one : List.of(verifier, verifier.anchoredBy(List.of(anchor)))) {
            assertThat(one.verify(far))
                    .isInstanceOfSatisfying(
                            VerificationResult.Inconclusive.class,
                            result -> assertThat(result.reasons().get(0)).contains("could not be read"));
        }
    }
}
