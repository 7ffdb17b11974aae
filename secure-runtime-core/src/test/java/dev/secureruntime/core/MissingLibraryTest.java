package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.RuntimeBuilder;
import dev.secureruntime.SecureRuntime;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an application sees whose build leaves a library out, or pins an old one. */
class MissingLibraryTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"jackson-core", "slf4j-api", "bcprov-jdk18on"})
    void build_withoutALibrary_isRefusedWithACodeThatNamesWhatIsNeeded(String library) throws Exception {
        Path policy = Files.writeString(folder.resolve("policy.json"), "{\"version\": 1, \"components\": {}}");
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!Path.of(entry).getFileName().toString().startsWith(library)) {
                urls.add(Path.of(entry).toUri().toURL());
            }
        }
        try (URLClassLoader loader =
                new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
            Class<?> type = loader.loadClass(RuntimeBuilder.class.getName());
            Object builder = loader.loadClass(SecureRuntime.class.getName())
                    .getMethod("builder")
                    .invoke(null);
            type.getMethod("policy", Path.class).invoke(builder, policy);
            type.getMethod("auditLog", Path.class).invoke(builder, folder.resolve("audit"));

            assertThatThrownBy(() -> type.getMethod("build").invoke(builder))
                    .isInstanceOf(InvocationTargetException.class)
                    .cause()
                    .hasMessageStartingWith("SR-RUNTIME-001")
                    .hasMessageContaining(library)
                    .hasCauseInstanceOf(LinkageError.class);
        }
    }
}
