package dev.secureruntime.core.genai;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.secureruntime.audit.AuditEvent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class GenAiFactsTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void response_withToolCallsInBothFormats_givesTheirNames() {
        String openAi = "{\"choices\":[{\"message\":{\"content\":\"\\\"name\\\":\",\"tool_calls\":[{\"function\":"
                + "{\"name\":\"a\",\"arguments\":\"{\\\"name\\\":\\\"x\\\"}\"}},{\"function\":{\"name\":\"b\"}}]},"
                + "\"finish_reason\":\"tool_calls\"}]}";
        String anthropic =
                "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"t\"},{\"type\":\"tool_use\","
                        + "\"name\":\"c\",\"input\":{\"name\":\"not this\"}}],\"stop_reason\":\"tool_use\"}";

        assertThat(facts("/v1/chat/completions", "application/json", openAi))
                .containsEntry("secure_runtime.tool_calls", "Texts[values=[a, b]]")
                .containsEntry("gen_ai.response.finish_reasons", "Texts[values=[tool_calls]]");
        assertThat(facts("/v1/messages", "application/json", anthropic))
                .containsEntry("secure_runtime.tool_calls", "Texts[values=[c]]");
    }

    @Test
    void response_withHugeContent_stillGivesTheUsageBehindIt() {
        String body = "{\"choices\":[{\"message\":{\"content\":\"" + "x".repeat(3_000_000)
                + "\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}";

        assertThat(facts("/v1/chat/completions", "application/json", body))
                .containsEntry("gen_ai.usage.input_tokens", "Whole[value=5]")
                .containsEntry("gen_ai.usage.output_tokens", "Whole[value=6]");
    }

    @Test
    void stream_splitAnywhere_givesTheSameFacts() {
        String stream = "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":"
                + "{\"input_tokens\":3,\"output_tokens\":1}}}\r\n\r\n: comment\ndatabase: no\n"
                + "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}\n\ndata:{\"type\":\"message_stop\"}\n\n";
        Map<String, String> whole = facts("/v1/messages", "text/event-stream", stream);
        assertThat(whole)
                .containsEntry("gen_ai.usage.input_tokens", "Whole[value=3]")
                .containsEntry("gen_ai.usage.output_tokens", "Whole[value=9]");

        for (int split = 0; split <= stream.length(); split++) {
            assertThat(facts("/v1/messages", "text/event-stream", stream.substring(0, split), stream.substring(split)))
                    .isEqualTo(whole);
        }
    }

    @Property(tries = 300)
    void observer_onAnyJson_seesWhatJacksonSees(@ForAll("documents") JsonNode document) throws Exception {
        Map<String, List<String>> expected = new HashMap<>();
        collect("", document, expected);
        Map<String, List<String>> seen = new HashMap<>();
        JsonObserver observer =
                new JsonObserver(Set.of("a", "a.b", "a.b.c", "b", "b.a", "c"), (path, value) -> seen.computeIfAbsent(
                                path, p -> new ArrayList<>())
                        .add(value));
        byte[] bytes = JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(document);
        observer.feed(bytes, 0, bytes.length);
        observer.feed((byte) '\n');

        expected.keySet().retainAll(Set.of("a", "a.b", "a.b.c", "b", "b.a", "c"));
        assertThat(seen).isEqualTo(expected);
    }

    @Property(tries = 1_000)
    void observer_onAnyBytes_neverThrows(@ForAll byte[] bytes) {
        JsonObserver observer = new JsonObserver(Set.of("a", ""), (path, value) -> assertThat(value.length())
                .isLessThanOrEqualTo(JsonObserver.MAX_VALUE));
        new ServerSentEvents(observer).observe(bytes, 0, bytes.length);
        observer.feed(bytes, 0, bytes.length);
    }

    @Test
    void observer_onDeepNesting_neitherThrowsNorLosesWhatFollows() {
        List<String> seen = new ArrayList<>();
        JsonObserver observer = new JsonObserver(Set.of("z"), (path, value) -> seen.add(value));
        byte[] bytes = ("{\"y\":" + "[{\"z\":".repeat(500) + "1" + "}]".repeat(500) + ",\"z\":2}")
                .getBytes(StandardCharsets.UTF_8);

        observer.feed(bytes, 0, bytes.length);

        assertThat(seen).containsExactly("2");
    }

    @Provide
    Arbitrary<JsonNode> documents() {
        return Arbitraries.longs().map(seed -> {
            Random random = new Random(seed);
            ObjectNode root = JSON.createObjectNode();
            fill(root, random, 0);
            return root;
        });
    }

    private static void fill(ObjectNode node, Random random, int depth) {
        for (String name : List.of("a", "b", "c")) {
            switch (random.nextInt(depth > 3 ? 4 : 7)) {
                case 0 -> node.put(name, random.nextInt());
                case 1 -> node.put(name, random.nextBoolean());
                case 2 -> node.put(name, "t\"\\\n\u00e9" + random.nextInt(10));
                case 3 -> node.putNull(name);
                case 4 -> fill(node.putObject(name), random, depth + 1);
                case 5 -> fill(node.putArray(name).addObject(), random, depth + 1);
                default -> node.putArray(name).add(random.nextInt(9)).add("x");
            }
        }
    }

    private static void collect(String path, JsonNode node, Map<String, List<String>> into) {
        if (node.isObject()) {
            node.properties()
                    .forEach(member -> collect(
                            path.isEmpty() ? member.getKey() : path + "." + member.getKey(), member.getValue(), into));
        } else if (node.isArray()) {
            node.forEach(item -> collect(path, item, into));
        } else {
            into.computeIfAbsent(path, p -> new ArrayList<>()).add(node.asText());
        }
    }

    private static Map<String, String> facts(String path, String type, String... pieces) {
        GenAiFacts facts = GenAiFacts.of("host.example", path).orElseThrow();
        BodyObserver observer = facts.response(type).orElseThrow();
        for (String piece : pieces) {
            byte[] bytes = piece.getBytes(StandardCharsets.UTF_8);
            observer.observe(bytes, 0, bytes.length);
        }
        AuditEvent.Builder event = AuditEvent.of("egress.call");
        facts.describe(event);
        Map<String, String> seen = new HashMap<>();
        event.build().attributes().forEach((name, value) -> seen.put(name, value.toString()));
        return seen;
    }
}
