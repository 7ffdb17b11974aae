package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Changes each member of a policy in turn, and demands of the commands that they tell the two policies apart. */
final class PolicyChangesTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path VECTORS = vectors();

    @TempDir
    Path folder;

    private static Path vectors() {
        try {
            return Path.of(PolicyChangesTest.class
                    .getResource("/vectors/policy-changes")
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static Stream<JsonNode> changes() throws IOException {
        List<JsonNode> changes = new ArrayList<>();
        for (String line : Files.readAllLines(VECTORS.resolve("changes.jsonl"))) {
            changes.add(JSON.readTree(line));
        }
        assertThat(changes).hasSizeGreaterThan(60);
        return changes.stream();
    }

    @ParameterizedTest
    @MethodSource("changes")
    void diff_anyMember_isReportedBothWays(JsonNode change) throws IOException {
        String before = policy("before", base());
        String after = policy("after", with(change));
        CommandRun there = CommandRun.of("policy", "diff", before, after);
        assertThat(there.err()).isEmpty();
        assertThat(there.code()).isEqualTo(1);
        for (JsonNode says : change.get("says")) {
            assertThat(there.out().lines()).anyMatch(line -> line.contains(says.asText()));
        }
        CommandRun back = CommandRun.of("policy", "diff", after, before);
        assertThat(back.code()).isEqualTo(1);
        assertThat(turned(back.out()))
                .isEqualTo(new TreeSet<>(there.out().lines().toList()));
    }

    @Test
    void diff_json_hasAnObjectForEachLine() throws IOException {
        ObjectNode after = base();
        after.with("/components/c/egress/allow/1").put("host", "*.b.example");
        after.with("/components/c/egress").put("mode", "report");
        String old = policy("before", base());
        String young = policy("after", after);
        CommandRun json = CommandRun.of("policy", "diff", "--json", old, young);
        assertThat(json.code()).isEqualTo(1);
        assertThat(json.out().lines())
                .hasSameSizeAs(CommandRun.of("policy", "diff", old, young)
                        .out()
                        .lines()
                        .toList())
                .contains("{\"besides\":\"+ c report mode\"}")
                .allSatisfy(line -> assertThat(JSON.readTree(line).isObject()).isTrue());
    }

    private static Set<String> turned(String out) {
        Set<String> lines = new TreeSet<>();
        out.lines().forEach(line -> lines.add((line.startsWith("+") ? "-" : "+") + line.substring(1)));
        return lines;
    }

    @ParameterizedTest
    @MethodSource("changes")
    void explain_anyMember_isSpelledOut(JsonNode change) throws IOException {
        CommandRun before = CommandRun.of("policy", "explain", policy("before", base()));
        CommandRun after = CommandRun.of("policy", "explain", policy("after", with(change)));
        assertThat(before.code() + after.code()).as(after.err()).isZero();
        assertThat(!after.out().equals(before.out())).isEqualTo(!change.has("unexplained"));
    }

    @Test
    void diff_samePolicyInOtherWords_findsNothing() throws IOException {
        ObjectNode reordered = base();
        ArrayNode allow = (ArrayNode) reordered.at("/components/c/egress/allow");
        allow.add(allow.remove(0));
        reordered.with("/components/c/egress").put("mode", "enforce").put("onManyNames", "report");
        reordered.put("x-owner", "jane.doe");
        CommandRun run = CommandRun.of("policy", "diff", policy("before", base()), policy("after", reordered));
        assertThat(run).isEqualTo(new CommandRun(0, "", ""));
    }

    /** A member that the policy gets later has to be changed here too. */
    @Test
    void changes_touchEveryMemberThatTheSchemaKnows() throws IOException {
        Set<String> known = new TreeSet<>();
        names(JSON.readTree(Path.of("..", "docs", "policy.schema.json").toFile()), known);
        known.removeAll(Set.of("$schema", "version", "components", "egress"));
        Set<String> touched = new TreeSet<>();
        changes().forEach(change -> {
            String at = change.get("at").asText();
            touched.addAll(List.of(at.split("/")));
            touched.add(change.path("member").asText());
            change.findValues("set").forEach(set -> set.fieldNames().forEachRemaining(touched::add));
        });
        assertThat(touched).containsAll(known);
    }

    private static void names(JsonNode schema, Set<String> names) {
        schema.path("properties").fieldNames().forEachRemaining(names::add);
        schema.forEach(inner -> names(inner, names));
    }

    private static ObjectNode base() throws IOException {
        return (ObjectNode) JSON.readTree(VECTORS.resolve("base.json").toFile());
    }

    private static ObjectNode with(JsonNode change) throws IOException {
        ObjectNode policy = base();
        JsonPointer at = JsonPointer.compile(change.get("at").asText());
        JsonNode parent = policy.at(at.head() == null ? at : at.head());
        if (change.has("member")) {
            ((ObjectNode) policy.at(at)).set(change.get("member").asText(), change.get("set"));
        } else if (change.has("remove")) {
            ((ObjectNode) parent).remove(at.last().getMatchingProperty());
        } else if (parent instanceof ArrayNode list) {
            list.set(at.last().getMatchingIndex(), change.get("set"));
        } else {
            ((ObjectNode) parent).set(at.last().getMatchingProperty(), change.get("set"));
        }
        return policy;
    }

    private String policy(String name, ObjectNode policy) throws IOException {
        for (String list : List.of("corp.txt", "more.txt", "elsewhere.txt", "tunnels.txt")) {
            Path copy = folder.resolve(list);
            if (!Files.exists(copy)) {
                Files.copy(VECTORS.resolve(list), copy);
            }
        }
        return Files.writeString(folder.resolve(name + ".json"), JSON.writeValueAsString(policy))
                .toString();
    }
}
