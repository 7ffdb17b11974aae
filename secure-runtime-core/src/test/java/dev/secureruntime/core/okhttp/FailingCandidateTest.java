package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.FailingCandidate;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.PolicyVersion;
import dev.secureruntime.policy.ShadowReport;
import java.nio.file.Path;
import java.util.List;
import okhttp3.Protocol;
import okhttp3.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of calls and their records when the candidate beside the policy breaks. */
class FailingCandidateTest {

    private static final PolicyVersion VERSION = new PolicyVersion(7, "ab".repeat(32));

    @TempDir
    Path folder;

    @Test
    void candidateThatFails_losesNoCallAndNoRecord_andIsReported() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            FailingCandidate.beside(world.runtime, VERSION, new StackOverflowError("in the candidate"));
            world.left.answer(LoopbackServer.json("{}"));

            try (Response allowed =
                    world.calls.newCall(world.get(ReloadWorld.LEFT)).execute()) {
                assertThat(allowed.code()).isEqualTo(200);
                assertThat(allowed.body().string()).isEqualTo("{}");
            }
            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.RIGHT)).execute())
                    .isInstanceOf(EgressDeniedException.class);
            world.runtime.reload(world.policy(
                    "left-key", ComponentPolicy.builder().secret("left-key").mode(EnforcementMode.REPORT)));
            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.LEFT)).execute())
                    .hasMessageContaining("SR-EGRESS-002"); // let go in report mode, and then its address refused

            ShadowReport report = world.runtime.shadowReport();
            assertThat(report.judged()).isZero();
            assertThat(report.failed()).isEqualTo(5); // three calls, two look-ups
            world.runtime.close();
            List<JsonNode> calls = world.records("egress.call");
            assertThat(calls)
                    .extracting(call -> call.path("attributes")
                            .path("secure_runtime.verdict")
                            .asText())
                    .containsExactly("allow", "deny", "deny");
            assertThat(calls)
                    .extracting(call -> call.path("attributes")
                            .path("secure_runtime.shadow.error")
                            .asText())
                    .containsOnly("java.lang.StackOverflowError");
            assertThat(calls)
                    .extracting(call -> call.path("attributes")
                            .path("secure_runtime.shadow.policy.version")
                            .asText())
                    .containsOnly(VERSION.toString());
            assertThat(world.records("policy.shadow")).singleElement().satisfies(end -> assertThat(
                            end.path("attributes")
                                    .path("secure_runtime.shadow.failed")
                                    .asLong())
                    .isEqualTo(5));
        }
    }
}
