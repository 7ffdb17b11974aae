package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.ShadowReport;
import dev.secureruntime.policy.ShadowReport.Difference;
import dev.secureruntime.policy.ShadowReport.Turn;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import okhttp3.Protocol;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShadowPolicyTest {

    /** Denies the left host, which the live policy allows, and allows the right one, which it denies. */
    private static final String CANDIDATE =
            """
            {"version": 1, "components": {"agent": {"egress": {
              "allow": [{"host": "right.example", "ports": [%d]}, {"host": "both.example", "ports": [%d]}],
              "deny": ["left.example"]}}}}
            """;

    @TempDir
    Path folder;

    private String candidate(ReloadWorld world) {
        return String.format(CANDIDATE, world.right.port(), world.both.port());
    }

    @Test
    void hops_thatTheCandidateWouldDecideOtherwise_areRecordedAndCounted_andNothingElseChanges() throws Exception {
        Path file = Files.writeString(folder.resolve("candidate.json"), "{");
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2, builder -> builder.shadowPolicy(file))) {
            assertThat(world.runtime.shadowReport().version()).isEmpty(); // what can't be read yet harms nothing
            Files.writeString(file, candidate(world));
            assertThatThrownBy(world.runtime::reload).hasMessageContaining("built in code");
            for (int i = 0; i < 2; i++) {
                world.left.answer(LoopbackServer.json("{}"));
                world.calls.newCall(world.get(ReloadWorld.LEFT)).execute().close();
            }
            world.both.answer(LoopbackServer.json("{}"));
            world.calls.newCall(world.get(ReloadWorld.BOTH)).execute().close();
            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.RIGHT)).execute())
                    .isInstanceOf(EgressDeniedException.class);

            ShadowReport report = world.runtime.shadowReport();

            assertThat(report.differences())
                    .contains(
                            new Difference(
                                    "agent",
                                    "GET https://left.example:" + world.left.port(),
                                    Turn.WOULD_DENY,
                                    "deny_rule",
                                    2),
                            new Difference(
                                    "agent",
                                    "GET https://right.example:" + world.right.port(),
                                    Turn.WOULD_ALLOW,
                                    "right.example",
                                    1))
                    // The candidate has no cidr rule for loopback: seen when the host is looked up, once a connection.
                    .extracting(Difference::target)
                    .contains("CONNECT https://both.example:" + world.both.port())
                    .doesNotContain("GET https://both.example:" + world.both.port());
            world.runtime.close();
            List<JsonNode> calls = world.records("egress.call");
            JsonNode denied = calls.get(0).path("attributes");
            assertThat(denied.path("secure_runtime.verdict").asText()).isEqualTo("allow");
            assertThat(denied.path("secure_runtime.shadow.verdict").asText()).isEqualTo("deny");
            assertThat(denied.path("secure_runtime.shadow.reason").asText()).isEqualTo("deny_rule");
            assertThat(denied.path("secure_runtime.shadow.rule").asText()).isEqualTo("\"left.example\"");
            assertThat(denied.path("secure_runtime.shadow.policy.version").asText())
                    .isEqualTo(report.version().orElseThrow().toString());
            assertThat(calls.get(2).path("attributes").has("secure_runtime.shadow.verdict"))
                    .isFalse();
            JsonNode allowed = calls.get(3).path("attributes");
            assertThat(allowed.path("secure_runtime.verdict").asText()).isEqualTo("deny");
            assertThat(allowed.path("secure_runtime.shadow.verdict").asText()).isEqualTo("allow");
            List<JsonNode> summaries = world.records("policy.shadow");
            assertThat(summaries)
                    .extracting(record -> record.path("attributes")
                            .path("secure_runtime.action")
                            .asText())
                    .containsExactly("rejected", "begins", "ends");
            JsonNode summary = summaries.get(2).path("attributes");
            assertThat(summary.path("secure_runtime.shadow.would_allow").asLong())
                    .isEqualTo(1);
            assertThat(summary.path("secure_runtime.shadow.would_deny").asLong())
                    .isGreaterThanOrEqualTo(2);
        }
    }

    @Test
    void candidateThatBecomesUnreadable_leavesTheOneBefore_andIsReportedOnce() throws Exception {
        Path file = folder.resolve("candidate.json");
        Files.writeString(
                file, "{\"version\": 1, \"components\": {\"agent\": {\"egress\": {\"allow\": [\"x.example\"]}}}}");
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1, builder -> builder.shadowPolicy(file))) {
            var before = world.runtime.shadowReport().version();
            Files.writeString(file, "{broken");

            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(world.runtime::reload).hasMessageContaining("built in code");
            }

            assertThat(world.runtime.shadowReport().version()).isEqualTo(before).isPresent();
            assertThat(world.runtime.policyVersion().number()).isEqualTo(1);
            world.runtime.close();
            assertThat(world.records("policy.shadow"))
                    .extracting(record -> record.path("attributes")
                            .path("secure_runtime.action")
                            .asText())
                    .containsExactly("begins", "rejected", "ends");
        }
    }

    @Test
    void listOfTheCandidate_thatIsMendedOrChanges_countsFromTheNextReload() throws Exception {
        Path list = folder.resolve("blocked.txt");
        Path file = Files.writeString(
                folder.resolve("candidate.json"),
                """
                {"version": 1, "categories": {"blocked": {"file": "blocked.txt"}},
                 "components": {"agent": {"egress": {"deny": [{"category": "blocked"}]}}}}
                """);
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1, builder -> builder.shadowPolicy(file))) {
            assertThat(world.runtime.shadowReport().version()).isEmpty(); // the list is missing
            Files.writeString(list, "one.example\n");
            assertThatThrownBy(world.runtime::reload).hasMessageContaining("built in code");
            assertThat(world.runtime.shadowReport().version()).isPresent();

            Files.writeString(list, "two.example\n");
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(world.runtime::reload).hasMessageContaining("built in code");
            }

            world.runtime.close();
            assertThat(world.records("policy.shadow"))
                    .extracting(record -> record.path("attributes")
                            .path("secure_runtime.action")
                            .asText())
                    .containsExactly("rejected", "begins", "ends", "begins", "ends");
        }
    }

    @Test
    void hopThatIsReported_countsAsRefused() throws Exception {
        Policy nothing = Policy.builder()
                .component("agent", ComponentPolicy.builder().build())
                .build();
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1, builder -> builder.shadowPolicy(nothing))) {
            ComponentPolicy.Builder reporting = ComponentPolicy.builder()
                    .secret("left-key")
                    .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(world.left.port())))
                    .mode(EnforcementMode.REPORT);
            world.runtime.reload(world.policy("left-key", reporting));
            world.left.answer(LoopbackServer.json("{}"));

            world.calls.newCall(world.get(ReloadWorld.LEFT)).execute().close();

            assertThat(world.runtime.shadowReport().differences())
                    .extracting(Difference::target)
                    .noneMatch(target -> target.startsWith("GET"));
        }
    }

    @Test
    void addressThatAGrantOpens_isNotCompared_andAnyOtherIs() throws Exception {
        Path file = Files.writeString(folder.resolve("candidate.json"), "{");
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1, builder -> builder.shadowPolicy(file))) {
            Files.writeString(file, candidate(world));
            assertThatThrownBy(world.runtime::reload).hasMessageContaining("built in code");
            ComponentPolicy.Builder names = ComponentPolicy.builder()
                    .secret("left-key")
                    .allow(ReloadWorld.allowing(ReloadWorld.BOTH, world.both))
                    .allow(ReloadWorld.allowing(ReloadWorld.RIGHT, world.right))
                    .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(world.right.port())));
            world.runtime.reload(world.policy("left-key", names));
            world.runtime.breakGlass(BreakGlass.grant("agent")
                    .address("127.0.0.1", world.both.port())
                    .person("jane.doe")
                    .reason("INC-4711")
                    .until(Instant.now().plus(Duration.ofHours(1)))
                    .build());
            world.both.answer(LoopbackServer.json("{}"));
            world.right.answer(LoopbackServer.json("{}"));

            world.calls.newCall(world.get(ReloadWorld.BOTH)).execute().close();
            world.calls.newCall(world.get(ReloadWorld.RIGHT)).execute().close();

            assertThat(world.runtime.shadowReport().differences())
                    .extracting(Difference::target)
                    .containsExactly("CONNECT https://right.example:" + world.right.port());
        }
    }
}
