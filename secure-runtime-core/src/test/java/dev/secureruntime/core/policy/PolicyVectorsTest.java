package dev.secureruntime.core.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.POJONode;
import com.fasterxml.jackson.databind.util.RawValue;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Demands the same verdict of the reader and of the published schema: of whole policies in a folder, and of values that are put
 * into one policy that has every member. A file whose name holds {@code .schema-accepts.}, and a value with {@code
 * schemaAccepts}, break a rule that a schema can't express, and say why.
 */
final class PolicyVectorsTest {

    private static final JsonSchema SCHEMA = schema();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path VALUES = folder("values");

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

    private static Path folder(String name) {
        try {
            return Path.of(PolicyVectorsTest.class
                    .getResource("/vectors/policy/" + name)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Stream<Path> files(String folder) {
        try (Stream<Path> files = Files.list(folder(folder))) {
            List<Path> sorted = files.sorted().toList();
            assertThat(sorted).hasSizeGreaterThan(5);
            return sorted.stream();
        } catch (IOException e) {
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
        JsonNode first = firstValue(file);
        assertThat(accepts(first.toString()))
                .isEqualTo(file.getFileName().toString().contains(".schema-accepts."))
                .as("a file that the schema accepts says why")
                .isEqualTo(first.hasNonNull("x-schema-accepts"));
    }

    /** What a lenient parser makes of the file: the last of two members, nothing behind the first value. */
    private static JsonNode firstValue(Path file) throws IOException {
        try (var parser = JSON.createParser(file.toFile())) {
            return parser.readValueAsTree();
        }
    }

    private static boolean accepts(String policy) {
        return SCHEMA.validate(policy, InputFormat.JSON).isEmpty();
    }

    static Stream<Arguments> values() throws IOException {
        List<Arguments> values = new ArrayList<>();
        String rule = "";
        for (String line : Files.readAllLines(VALUES.resolve("values.jsonl"))) {
            JsonNode vector = JSON.readTree(line);
            if (vector.has("rule")) {
                rule = vector.get("rule").asText();
            } else {
                values.add(Arguments.of(rule, vector));
            }
        }
        assertThat(values).hasSizeGreaterThan(600);
        return values.stream();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("values")
    void read_valueInAWholePolicy_readerAndSchemaAgree(String rule, JsonNode vector) throws IOException {
        String policy = with(vector);
        boolean valid = vector.get("valid").asBoolean();
        assertThat(isRead(policy)).as("the reader").isEqualTo(valid);
        boolean can = !vector.has("schemaAccepts");
        assertThat(accepts(policy)).as("the schema").isEqualTo(valid || !can);
    }

    /** The policy that has every member, with one of them set, added or removed. */
    private static String with(JsonNode vector) throws IOException {
        ObjectNode policy =
                (ObjectNode) JSON.readTree(VALUES.resolve("base.json").toFile());
        JsonPointer at = JsonPointer.compile(vector.get("at").asText());
        if (vector.has("member")) {
            ((ObjectNode) policy.at(at)).set(vector.get("member").asText(), vector.get("set"));
        } else if (vector.has("remove")) {
            ((ObjectNode) policy.at(at.head())).remove(at.last().getMatchingProperty());
        } else {
            JsonNode value = vector.has("raw")
                    ? new POJONode(new RawValue(vector.get("raw").asText()))
                    : vector.get("set");
            put(policy, at, value);
            JsonNode also = vector.path("also");
            also.fieldNames().forEachRemaining(other -> put(policy, JsonPointer.compile(other), also.get(other)));
        }
        return JSON.writeValueAsString(policy);
    }

    private static void put(JsonNode policy, JsonPointer at, JsonNode value) {
        JsonNode parent = policy.at(at.head());
        assertThat(policy.at(at).isMissingNode()).as("%s is there", at).isFalse();
        if (parent instanceof ArrayNode list) {
            list.set(at.last().getMatchingIndex(), value);
        } else {
            ((ObjectNode) parent).set(at.last().getMatchingProperty(), value);
        }
    }

    private static boolean isRead(String policy) {
        try {
            PolicyReader.parse("policy.json", policy.getBytes(StandardCharsets.UTF_8), VALUES);
            return true;
        } catch (SecureRuntimeException e) {
            assertThat(e.getMessage()).matches("(?s)SR-POLICY-00[1-4] .*").doesNotContain("sk-canary");
            return false;
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
