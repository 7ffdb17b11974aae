package dev.secureruntime.core.secret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretSourcesTest {

    @TempDir
    Path dir;

    @ParameterizedTest
    @CsvSource({
        "'sesame', 'sesame'",
        "'sesame\\n', 'sesame'",
        "'sesame\\r\\n', 'sesame'",
        "'sesame\\n\\n', 'sesame\\n'",
        "'sesame\\r', 'sesame\\r'",
        "'ses\\name\\n', 'ses\\name'",
        "'\\n', ''",
        "'', ''"
    })
    void read_lineEnd_isDroppedOnce(String content, String secret) throws Exception {
        Path file = Files.writeString(dir.resolve("secret"), unescape(content));

        assertThat(new FileSecretSource(file).read()).isEqualTo(unescape(secret).getBytes(StandardCharsets.US_ASCII));
    }

    private static String unescape(String text) {
        return text.replace("\\r", "\r").replace("\\n", "\n");
    }

    @Test
    void read_fileAtTheLimitAndAbove_isReadAndRefused() throws Exception {
        Path file = dir.resolve("secret");
        Files.write(file, new byte[FileSecretSource.MAX_BYTES]);
        assertThat(new FileSecretSource(file).read()).hasSize(FileSecretSource.MAX_BYTES);

        Files.write(file, new byte[FileSecretSource.MAX_BYTES + 1]);
        assertThatThrownBy(() -> new FileSecretSource(file).read())
                .isInstanceOf(IOException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("65536");
    }

    @Test
    void read_fileThatHidesItsSize_isReadWhole() throws Exception {
        Path file = Path.of("/proc/version");
        assumeTrue(Files.exists(file) && Files.size(file) == 0, "needs /proc");

        byte[] secret = new FileSecretSource(file).read();

        assertThat(new String(secret, StandardCharsets.UTF_8) + "\n").isEqualTo(Files.readString(file));
    }

    @Test
    void read_rotatedFile_givesTheNewSecret() throws Exception {
        Path file = Files.writeString(dir.resolve("secret"), "old");
        FileSecretSource source = new FileSecretSource(file);
        assertThat(source.read()).asString().isEqualTo("old");

        Files.move(Files.writeString(dir.resolve("next"), "new"), file, StandardCopyOption.REPLACE_EXISTING);

        assertThat(source.read()).asString().isEqualTo("new");
    }

    @Test
    void read_missingFile_failsNamingThePath() {
        assertThatThrownBy(() -> new FileSecretSource(dir.resolve("absent")).read())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("absent");
    }

    @Test
    void read_fileThatOthersCanRead_warnsOnceWithoutTheSecret() throws Exception {
        assumeTrue(FileSystems.getDefault().supportedFileAttributeViews().contains("posix"), "needs file modes");
        Path open = Files.writeString(dir.resolve("open"), "sesame");
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
        Path shut = Files.writeString(dir.resolve("shut"), "sesame");
        Files.setPosixFilePermissions(shut, PosixFilePermissions.fromString("rw-------"));
        FileSecretSource source = new FileSecretSource(open);

        String log = standardErrorOf(() -> {
            assertThat(source.read()).asString().isEqualTo("sesame");
            source.read();
            new FileSecretSource(shut).read();
        });

        assertThat(log).containsOnlyOnce(open.toString()).contains("0600").doesNotContain("sesame", shut.toString());
    }

    private static String standardErrorOf(org.assertj.core.api.ThrowableAssert.ThrowingCallable action)
            throws Exception {
        PrintStream before = System.err;
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        System.setErr(new PrintStream(captured, true, StandardCharsets.UTF_8));
        try {
            action.call();
        } catch (Throwable e) {
            throw new AssertionError(e);
        } finally {
            System.setErr(before);
        }
        return captured.toString(StandardCharsets.UTF_8);
    }

    @Test
    void read_environmentVariable_givesItsValueOrNamesWhatIsMissing() throws Exception {
        assertThat(new EnvironmentSecretSource("PATH").read()).asString().isEqualTo(System.getenv("PATH"));

        assertThatThrownBy(() -> new EnvironmentSecretSource("SECURE_RUNTIME_NO_SUCH").read())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("SECURE_RUNTIME_NO_SUCH");
    }

    @Test
    void toString_sources_nameThePlaceOnly() throws Exception {
        Path file = Files.writeString(dir.resolve("secret"), "sesame");

        assertThat(new FileSecretSource(file)).hasToString("file " + file);
        assertThat(new EnvironmentSecretSource("PATH").toString()).doesNotContain(System.getenv("PATH"));
    }
}
