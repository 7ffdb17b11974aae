package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.EnforcementMode;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.mockwebserver.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** In report mode a call's record tells of every hop that the rules refuse, whichever client made it. */
class ReportedHopsTest {

    private static final String FOLLOWING = "OKHTTP|JDK_HTTP_1|JDK_HTTP_2|APACHE";

    @TempDir
    Path folder;

    /** All addresses are open, and of the hosts those that are given. */
    private static ReloadWorld reporting(Path folder, String... hosts) throws IOException {
        ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1);
        ComponentPolicy.Builder component =
                ComponentPolicy.builder().secret("left-key").mode(EnforcementMode.REPORT);
        for (LoopbackServer server : List.of(world.left, world.right, world.both)) {
            component.allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())));
        }
        for (String host : hosts) {
            component.allow(ReloadWorld.allowing(host, server(world, host)));
        }
        world.runtime.reload(world.policy("left-key", component));
        return world;
    }

    private static LoopbackServer server(ReloadWorld world, String host) {
        return host.equals(ReloadWorld.LEFT) ? world.left : host.equals(ReloadWorld.RIGHT) ? world.right : world.both;
    }

    private static String url(ReloadWorld world, String host) {
        return world.get(host).url().toString();
    }

    private static MockResponse to(ReloadWorld world, String host) {
        return LoopbackServer.redirect(302, url(world, host));
    }

    private static String refused(ReloadWorld world, int hop, String host) {
        return hop + " GET https://" + host + ":" + server(world, host).port() + " SR-EGRESS-001 host_not_allowed";
    }

    private static JsonNode onlyCall(ReloadWorld world) throws IOException {
        world.runtime.close();
        List<JsonNode> calls = world.records("egress.call");
        assertThat(calls).hasSize(1);
        return calls.get(0).path("attributes");
    }

    private static List<String> hops(JsonNode call) {
        List<String> hops = new ArrayList<>();
        call.path("secure_runtime.would_be_hops").forEach(hop -> hops.add(hop.asText()));
        return hops;
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void redirectedCall_namesEachHopThatWouldBeRefused_beforeAnAllowedOne(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = reporting(folder, ReloadWorld.RIGHT)) {
            world.left.answer(to(world, ReloadWorld.BOTH));
            world.both.answer(to(world, ReloadWorld.RIGHT));
            world.right.answer(LoopbackServer.json("{}"));

            adapter.call(world.agent, url(world, ReloadWorld.LEFT));

            JsonNode call = onlyCall(world);
            assertThat(hops(call))
                    .containsExactly(refused(world, 0, ReloadWorld.LEFT), refused(world, 1, ReloadWorld.BOTH));
            assertThat(call.path("server.address").asText()).isEqualTo(ReloadWorld.RIGHT);
            assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("allow");
            assertThat(call.has("secure_runtime.would_be")).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void redirectedCall_namesAllHops_whereEachWouldBeRefused(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = reporting(folder)) {
            world.left.answer(to(world, ReloadWorld.BOTH));
            world.both.answer(LoopbackServer.json("{}"));

            adapter.call(world.agent, url(world, ReloadWorld.LEFT));

            JsonNode call = onlyCall(world);
            assertThat(hops(call))
                    .containsExactly(refused(world, 0, ReloadWorld.LEFT), refused(world, 1, ReloadWorld.BOTH));
            assertThat(call.path("secure_runtime.would_be").asText()).isEqualTo(ErrorCode.EGRESS_DENIED.code());
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = FOLLOWING)
    void redirectedCall_thatIsRefusedInTheEnd_namesTheHopsBefore(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = reporting(folder)) {
            world.left.answer(LoopbackServer.redirect(302, "https://169.254.169.254/latest/meta-data/"));

            assertThatThrownBy(() -> adapter.call(world.agent, url(world, ReloadWorld.LEFT)))
                    .isInstanceOf(EgressDeniedException.class);

            JsonNode call = onlyCall(world);
            assertThat(call.path("secure_runtime.action").asText()).isEqualTo("block");
            assertThat(hops(call)).containsExactly(refused(world, 0, ReloadWorld.LEFT));
        }
    }

    @ParameterizedTest
    @EnumSource
    void callWithoutRedirect_namesItsOnlyHop_andAnAllowedOneNone(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = reporting(folder, ReloadWorld.BOTH)) {
            world.left.answer(AddressGrantTest.answer(adapter));
            world.both.answer(AddressGrantTest.answer(adapter));

            adapter.call(world.agent, url(world, ReloadWorld.LEFT));
            adapter.call(world.agent, url(world, ReloadWorld.BOTH));

            world.runtime.close();
            List<JsonNode> calls = world.records("egress.call");
            assertThat(hops(calls.get(0).path("attributes"))).containsExactly(refused(world, 0, ReloadWorld.LEFT));
            assertThat(calls.get(1).path("attributes").has("secure_runtime.would_be_hops"))
                    .isFalse();
        }
    }

    /** Tries that a client library numbers are one call: its record keeps the hops of all, up to a bound. */
    @Test
    void triesOfOneCall_addTheirHops_eachOnce_andWhatIsLeftOutIsCounted() throws Exception {
        try (ReloadWorld world = reporting(folder)) {
            redirectForEver(world, ReloadWorld.BOTH);
            assertThatThrownBy(() -> numberedTry(world, 0)).isInstanceOf(ProtocolException.class);
            redirectForEver(world, ReloadWorld.RIGHT);
            assertThatThrownBy(() -> numberedTry(world, 1)).isInstanceOf(ProtocolException.class);
            MockResponse busy = new MockResponse().setResponseCode(503);
            world.left.answer(to(world, ReloadWorld.LEFT), to(world, ReloadWorld.LEFT), busy);
            numberedTry(world, 2);
            world.left.answer(to(world, ReloadWorld.LEFT), to(world, ReloadWorld.LEFT), LoopbackServer.json("{}"));
            numberedTry(world, 3);

            JsonNode call = onlyCall(world);
            List<String> hops = hops(call);
            assertThat(hops).hasSize(16).doesNotHaveDuplicates();
            assertThat(hops).contains(refused(world, 9, ReloadWorld.BOTH), refused(world, 9, ReloadWorld.RIGHT));
            assertThat(call.path("secure_runtime.would_be_hops_left_out").asInt())
                    .isEqualTo(1); // the third try's second hop, and again the fourth's
        }
    }

    /** Eleven hops: to and fro between the first host and another. */
    private static void redirectForEver(ReloadWorld world, String other) {
        for (int i = 0; i < 6; i++) {
            world.left.answer(to(world, other));
        }
        for (int i = 0; i < 5; i++) {
            server(world, other).answer(to(world, ReloadWorld.LEFT));
        }
    }

    private static void numberedTry(ReloadWorld world, int number) throws IOException {
        Request request = world.get(ReloadWorld.LEFT)
                .newBuilder()
                .header(ClientRetries.TRY_NUMBER, Integer.toString(number))
                .build();
        world.calls.newCall(request).execute().close();
    }
}
