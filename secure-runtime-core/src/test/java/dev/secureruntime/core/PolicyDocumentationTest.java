package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.policy.PolicyReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Reads the policies that the documentation shows, as the runtime would, and holds them against the schema. */
class PolicyDocumentationTest {

    private static final Path ROOT = Path.of("..");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```(json|ya?ml)\\n(.*?)^```$");
    private static final Pattern RULE = Pattern.compile("`(\\{\"(?:host|cidr|category)\": [^`]*})`");

    @TempDir
    Path folder;

    static Stream<String> policies() throws IOException {
        List<String> policies = new ArrayList<>();
        for (Path file : List.of(ROOT.resolve("README.md"), ROOT.resolve("docs/policy.md"))) {
            String text = Files.readString(file);
            for (MatchResult block : BLOCK.matcher(text).results().toList()) {
                policies.add(
                        block.group(1).equals("json")
                                ? whole(block.group(2))
                                : new YAMLMapper().readTree(block.group(2)).toString());
            }
            for (MatchResult rule : RULE.matcher(text).results().toList()) {
                policies.add(whole("\"allow\": [" + rule.group(1) + "]"));
            }
        }
        assertThat(policies).hasSizeGreaterThan(5);
        return policies.stream();
    }

    /** A block may show some members alone: they are put where they belong. */
    private static String whole(String block) throws IOException {
        if (block.startsWith("{")) {
            return block;
        }
        ObjectNode policy = JSON.createObjectNode().put("version", 1);
        ObjectNode egress =
                policy.putObject("components").putObject("support-agent").putObject("egress");
        ObjectNode members = (ObjectNode) JSON.readTree("{" + block + "}");
        members.fields().forEachRemaining(member -> {
            boolean ofEgress = List.of("budgets", "allow", "deny").contains(member.getKey());
            (ofEgress ? egress : policy).set(member.getKey(), member.getValue());
        });
        return policy.toString();
    }

    @ParameterizedTest
    @MethodSource("policies")
    void example_isAPolicy(String policy) throws IOException {
        for (JsonNode list : JSON.readTree(policy).path("categories")) {
            Path file = folder.resolve(list.get("file").asText());
            Files.createDirectories(file.getParent());
            Files.writeString(file, "blocked.example # why\n*.example.org\n");
        }
        Path file = Files.writeString(folder.resolve("policy.json"), policy);
        EgressPolicy.compile(PolicyReader.read(file));
        Path schema = ROOT.resolve("docs/policy.schema.json");
        JsonSchema compiled =
                JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(Files.newInputStream(schema));
        assertThat(compiled.validate(policy, InputFormat.JSON)).isEmpty();
    }

    /** A member that the schema knows and the documentation does not is one that nobody finds. */
    @Test
    void members_areAllInTheDocumentation() throws IOException {
        TreeSet<String> known = new TreeSet<>();
        names(JSON.readTree(ROOT.resolve("docs/policy.schema.json").toFile()), known);
        String text = Files.readString(ROOT.resolve("docs/policy.md"));
        assertThat(known).isNotEmpty().allSatisfy(name -> assertThat(text)
                .containsPattern("[`\".]" + Pattern.quote(name) + "[`\".]"));
    }

    private static void names(JsonNode schema, TreeSet<String> names) {
        schema.path("properties").fieldNames().forEachRemaining(names::add);
        schema.forEach(inner -> names(inner, names));
    }

    @Test
    void categories_areAllInTheDocumentation() throws IOException {
        String text = Files.readString(ROOT.resolve("docs/policy.md"));
        assertThat(EgressPolicy.categories()).hasSizeGreaterThan(10).allSatisfy(name -> assertThat(text)
                .contains("| `" + name + "` | "));
        List<String> examples = new ArrayList<>();
        JSON.readTree(ROOT.resolve("docs/policy.schema.json").toFile())
                .at("/$defs/ruleObject/properties/category/examples")
                .forEach(each -> examples.add(each.asText()));
        assertThat(examples).containsExactlyInAnyOrderElementsOf(EgressPolicy.categories());
    }
}
