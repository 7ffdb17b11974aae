package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDecision.Reported;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.Policy;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportModeTest {

    @TempDir
    Path folder;

    private static ComponentPolicy.Builder loopback(ReloadWorld world) {
        ComponentPolicy.Builder component = ComponentPolicy.builder().secret("left-key");
        for (LoopbackServer server : List.of(world.left, world.both)) {
            component.allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())));
        }
        return component;
    }

    private static Policy reporting(ReloadWorld world) {
        return world.policy("left-key", loopback(world).mode(EnforcementMode.REPORT));
    }

    @Test
    void call_thatTheRulesRefuse_isLetGoWithoutCredentials_andRecordedAsOneThatWouldBeDenied() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.runtime.reload(reporting(world));
            world.both.answer(LoopbackServer.json("{}"));
            Request request = world.get(ReloadWorld.BOTH)
                    .newBuilder()
                    .header("x-api-key", "placeholder")
                    .build();

            world.calls.newCall(request).execute().close();

            RecordedRequest seen = world.both.server.takeRequest(20, TimeUnit.SECONDS);
            assertThat(seen.getHeader("x-api-key")).isNull();
            assertThat(world.agent.explain(new EgressRequest(
                            "agent", "GET", "https", ReloadWorld.BOTH, world.both.port(), "/", List.of())))
                    .isInstanceOf(Reported.class);
            world.runtime.close();
            JsonNode said = world.records("egress.call").get(0).path("attributes");
            assertThat(said.path("secure_runtime.verdict").asText()).isEqualTo("deny");
            assertThat(said.path("secure_runtime.action").asText()).isEqualTo("allow");
            assertThat(said.path("secure_runtime.would_be").asText()).isEqualTo(ErrorCode.EGRESS_DENIED.code());
            assertThat(said.has("secure_runtime.attached_secrets")).isFalse();
            assertThat(said.path("http.response.status_code").asInt()).isEqualTo(200);
        }
    }

    @Test
    void sameCall_whereTheRulesAreEnforced_isRefused() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.runtime.reload(world.policy("left-key", loopback(world)));

            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.BOTH)).execute())
                    .isInstanceOf(EgressDeniedException.class);
            assertThat(world.both.connections()).isZero();
        }
    }

    @Test
    void specialAddress_inReportMode_staysRefused() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.runtime.reload(reporting(world));

            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.RIGHT)).execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED));
            assertThat(world.right.connections()).isZero();
        }
    }

    @Test
    void reloadToReportMode_leavesConnectionsThatTheRulesRefuse() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.left.answer(LoopbackServer.json("{}"));
            world.calls.newCall(world.get(ReloadWorld.LEFT)).execute().close();

            assertThat(world.runtime.reload(reporting(world)).closedConnections())
                    .isZero();
        }
    }
}
