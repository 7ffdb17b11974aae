package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.VerificationResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Any flipped bit anywhere in a sealed log is found; the honest log is not accused. */
class BitFlipPropertyTest {

    private static Path home;
    private static List<String> keys;
    private static final List<Path> FILES = new ArrayList<>();
    private static int total;

    @BeforeContainer
    static void writeLog() throws IOException {
        home = Files.createTempDirectory("bitflip");
        keys = LogFixture.large(home);
        FILES.addAll(LogFixture.segments(home));
        for (String name : List.of("log.json", "checkpoints", "checkpoint")) {
            FILES.add(LogFixture.log(home).resolve(name));
        }
        for (Path file : FILES) {
            total += (int) Files.size(file);
        }
    }

    @AfterContainer
    static void deleteLog() throws IOException {
        try (var files = Files.walk(home)) {
            files.sorted(java.util.Comparator.reverseOrder()).forEach(LogFixture::delete);
        }
    }

    @Property(tries = 800, edgeCases = net.jqwik.api.EdgeCasesMode.NONE)
    void verify_anyBitFlipped_tampered(@ForAll @IntRange(min = 0) int place, @ForAll @IntRange(max = 7) int bit)
            throws IOException {
        int at = place % total;
        int index = 0;
        while (at >= Files.size(FILES.get(index))) {
            at -= (int) Files.size(FILES.get(index++));
        }
        Path file = FILES.get(index);
        byte[] good = Files.readAllBytes(file);
        byte[] bad = good.clone();
        bad[at] ^= (byte) (1 << bit);
        Files.write(file, bad);
        try {
            assertThat(LogFixture.verify(home, keys))
                    .as("bit " + bit + " of byte " + at + " in " + file.getFileName())
                    .isInstanceOf(VerificationResult.Tampered.class);
        } finally {
            Files.write(file, good);
        }
        if (place % 100 == 0) {
            assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
        }
    }
}
