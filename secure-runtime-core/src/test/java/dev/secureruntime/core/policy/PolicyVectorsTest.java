package dev.secureruntime.core.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Walks the folder of policies and demands the same verdict of the reader and of the published schema. A file whose name
 * holds {@code .schema-accepts.} breaks a rule that a schema can't express.
 */
final class PolicyVectorsTest {

    private static final JsonSchema SCHEMA = schema();

    private static JsonSchema schema() {
        try (InputStream in = PolicyReader.class.getResourceAsStream("/dev/secureruntime/policy/policy.schema.json")) {
            return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                    .getSchema(in);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static Stream<Path> valid() {
        return files("valid");
    }

    static Stream<Path> invalid() {
        return files("invalid");
    }

    private static Stream<Path> files(String folder) {
        try {
            Path path = Path.of(PolicyVectorsTest.class
                    .getResource("/vectors/policy/" + folder)
                    .toURI());
            try (Stream<Path> files = Files.list(path)) {
                List<Path> sorted = files.sorted().toList();
                assertThat(sorted).hasSizeGreaterThan(5);
                return sorted.stream();
            }
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("valid")
    void read_valid_isAcceptedByReaderAndSchema(Path file) throws IOException {
        assertThat(PolicyReader.read(file).source())
                .isEqualTo(file.getFileName().toString());
        assertThat(SCHEMA.validate(Files.readString(file), InputFormat.JSON)).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("invalid")
    void read_invalid_isRefusedByReaderAndSchemaWithAPlaceAndWithoutTheSecret(Path file) throws IOException {
        assertThatThrownBy(() -> PolicyReader.read(file))
                .isInstanceOf(SecureRuntimeException.class)
                .hasNoCause()
                .hasMessageMatching("(?s)SR-POLICY-00[234] .*"
                        + file.getFileName().toString().replace(".", "\\.") + ":[0-9]+:[0-9]+: .+")
                .hasMessageNotContainingAny("sk-canary", "sk canary");
        boolean schemaAccepts =
                SCHEMA.validate(firstValue(file), InputFormat.JSON).isEmpty();
        assertThat(schemaAccepts).isEqualTo(file.getFileName().toString().contains(".schema-accepts."));
    }

    /** What a lenient parser makes of the file: the last of two members, nothing behind the first value. */
    private static String firstValue(Path file) throws IOException {
        try (var parser = new ObjectMapper().createParser(file.toFile())) {
            JsonNode node = parser.readValueAsTree();
            return node.toString();
        }
    }

    @Test
    void publishedSchema_isTheOneInTheJar() throws IOException {
        Path published = Path.of("..", "docs", "policy.schema.json");
        try (InputStream in = PolicyReader.class.getResourceAsStream("/dev/secureruntime/policy/policy.schema.json")) {
            assertThat(Files.readAllBytes(Files.exists(published) ? published : Path.of("docs", "policy.schema.json")))
                    .isEqualTo(in.readAllBytes());
        }
    }
}
