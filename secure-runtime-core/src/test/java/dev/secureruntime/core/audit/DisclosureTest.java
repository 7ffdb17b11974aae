package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A disclosure, checked by us and by Python's library, and changed in every place. */
@Timeout(120)
class DisclosureTest {

    @TempDir
    private Path home;

    private String key;
    private byte[] disclosure;

    @BeforeEach
    void disclose() {
        List<String> keys = ContentFixture.write(home, "u", "zero", "one", "the value", "three", "four");
        key = keys.get(0);
        disclosure = ContentDisclosures.make(LogFixture.log(home), 3, "prompt", ContentFixture.store(home))
                .bytes();
    }

    @Test
    void check_whatWasMade_isProved() {
        assertThat(Disclosure.check(disclosure, key)).isInstanceOfSatisfying(Disclosure.Result.Proved.class, proved -> {
            assertThat(proved.index()).isEqualTo(3);
            assertThat(proved.disclosure().field()).isEqualTo("prompt");
            assertThat(proved.disclosure().value()).isEqualTo(ContentFixture.utf8("the value"));
            assertThat(proved.disclosure().bytes()).isEqualTo(disclosure);
        });
    }

    @Test
    void check_anyByteChanged_neverProvesAnotherValue() {
        int logSignature = new String(disclosure, StandardCharsets.ISO_8859_1).indexOf("/epoch ");
        for (int i = 0; i < disclosure.length; i++) {
            byte[] changed = disclosure.clone();
            changed[i] ^= 1;
            Disclosure.Result result = Disclosure.check(changed, key);
            // The second signature is the epoch key's, which only the log can check.
            assertThat(result instanceof Disclosure.Result.Refuted || i > logSignature - 60)
                    .as("byte " + i)
                    .isTrue();
            if (result instanceof Disclosure.Result.Proved proved) {
                assertThat(proved.disclosure().value()).isEqualTo(ContentFixture.utf8("the value"));
            }
        }
    }

    @Test
    void check_otherKey_isRefuted_andNoKeyIsWrongUsage() {
        Path other = home.resolve("other");
        List<String> keys = ContentFixture.write(other, "u", "x");
        assertThat(Disclosure.check(disclosure, keys.get(0))).isInstanceOf(Disclosure.Result.Refuted.class);
        assertThatThrownBy(() -> Disclosure.check(disclosure, "nonsense")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void make_wrongIndexOrField_isWrongUsage() {
        assertThatThrownBy(() -> ContentDisclosures.make(LogFixture.log(home), 3, "output", ContentFixture.store(home)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("commits to no field");
        assertThatThrownBy(
                        () -> ContentDisclosures.make(LogFixture.log(home), 99, "prompt", ContentFixture.store(home)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void python_checksTheDisclosure_andRefusesAnotherValue() throws Exception {
        Path script = home.resolve("disclosure.py");
        try (InputStream in = DisclosureTest.class.getResourceAsStream("/independent/disclosure.py")) {
            Files.write(script, in.readAllBytes());
        }
        Path file = home.resolve("disclosure");
        Files.write(file, disclosure);
        assertThat(python(script, file)).startsWith("index 3 field prompt root ");
        String text = new String(disclosure, StandardCharsets.UTF_8);
        Files.writeString(file, text.replace("dGhlIHZhbHVl", "dGhlIHZhbHVm"));
        assertThat(python(script, file)).contains("not the one committed to");
    }

    private static String python(Path script, Path file) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder("python3", script.toString(), file.toString())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            Assumptions.abort("skipped: python3 is not installed");
            throw e;
        }
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return out;
    }
}
