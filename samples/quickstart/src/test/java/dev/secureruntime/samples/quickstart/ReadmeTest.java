package dev.secureruntime.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.policy.PolicyReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What the README shows is what the build compiles and reads. */
class ReadmeTest {

    private static final Path ROOT = Path.of("..", "..");

    @Test
    void javaCode_inTheReadme_isTheCompiledExample() throws IOException {
        String example =
                Files.readString(Path.of("src/main/java/dev/secureruntime/samples/quickstart/ReadmeExample.java"));
        String shown = example.split("// README\n", -1)[1].stripIndent().strip();

        assertThat(block("java")).isEqualTo(shown.stripIndent());
    }

    @Test
    void policy_inTheReadme_isTheOneThatIsRead() throws IOException {
        Path policy = Path.of("src/main/resources/readme-policy.json");

        assertThat(block("json")).isEqualTo(Files.readString(policy).strip());
        assertThat(PolicyReader.read(policy).components()).containsKey("support-agent");
    }

    private static String block(String language) throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        String fence = "```" + language + "\n";
        int start = readme.indexOf(fence) + fence.length();
        return readme.substring(start, readme.indexOf("\n```", start)).strip();
    }
}
