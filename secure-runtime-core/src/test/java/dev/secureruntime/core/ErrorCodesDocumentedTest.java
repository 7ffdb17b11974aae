package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The codes that there are, those that the documentation explains, and those that anything names are the same. */
class ErrorCodesDocumentedTest {

    private static final Path ROOT = Path.of("..");
    private static final Pattern CODE = Pattern.compile("SR-[A-Z]+-[0-9]+");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `(SR-[A-Z]+-[0-9]{3})` \\| [^|]+ \\| [^|]+ \\|$");
    private static final List<String> CODES =
            Arrays.stream(ErrorCode.values()).map(ErrorCode::code).toList();

    @Test
    void table_explainsEachCodeOnce_andNoOther() throws IOException {
        String table = Files.readString(ROOT.resolve("docs").resolve("errors.md"));
        List<String> explained =
                ROW.matcher(table).results().map(row -> row.group(1)).toList();
        assertThat(explained).containsExactlyInAnyOrderElementsOf(CODES);
    }

    @Test
    void everyCodeThatIsNamed_exists() throws IOException {
        List<Path> files = new ArrayList<>(List.of(ROOT.resolve("README.md"), ROOT.resolve("ARCHITECTURE.md")));
        for (String folder :
                List.of("docs", "samples", "secure-runtime-api", "secure-runtime-core", "secure-runtime-cli")) {
            files.addAll(sources(ROOT.resolve(folder)));
        }
        assertThat(files).hasSizeGreaterThan(200);
        for (Path file : files) {
            Set<String> named = CODE.matcher(Files.readString(file))
                    .results()
                    .map(code -> code.group())
                    .collect(Collectors.toSet());
            assertThat(CODES).as("codes in %s", file).containsAll(named);
        }
    }

    private static List<Path> sources(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".md")
                            || (file.toString().endsWith(".java")
                                    && file.toString().contains("main")))
                    .filter(file -> !file.toString().contains("target"))
                    .toList();
        }
    }
}
