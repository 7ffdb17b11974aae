package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.VirtualTime;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import okhttp3.Request;
import okhttp3.mockwebserver.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A call that a client library repeats, and whose tries are redirected to different places, has one record that names them all. */
@Timeout(60)
class RetriedRedirectsTest {

    @TempDir
    Path folder;

    private VirtualWorld world() throws IOException {
        VirtualWorld world = new VirtualWorld(folder, new VirtualTime());
        world.runtime.reload(world.policy(world.open()
                .allow(ReloadWorld.allowing(VirtualWorld.OTHER, world.server))
                .allow(ReloadWorld.allowing(VirtualWorld.DEEP, world.server))
                .build()));
        return world;
    }

    private static void redirect(VirtualWorld world, String host) {
        world.server.answer(LoopbackServer.redirect(302, "https://" + host + ":" + world.server.port() + "/"));
    }

    private static void fail(VirtualWorld world) {
        world.server.answer(new MockResponse().setResponseCode(500));
    }

    /** As client libraries number their tries. */
    private static void attempt(VirtualWorld world, int number) throws IOException {
        Request request = world.get()
                .newBuilder()
                .header("X-Stainless-Retry-Count", String.valueOf(number))
                .build();
        world.calls.newCall(request).execute().close();
    }

    private static JsonNode onlyCall(VirtualWorld world) throws IOException {
        world.runtime.close();
        List<JsonNode> calls = world.records("egress.call");
        assertThat(calls).hasSize(1);
        return calls.get(0).path("attributes");
    }

    private static List<String> earlierHops(JsonNode call) {
        List<String> hops = new ArrayList<>();
        call.path("secure_runtime.earlier_hops").forEach(hop -> hops.add(hop.asText()));
        return hops;
    }

    @Test
    void hostThatAnEarlierTryWasRedirectedTo_isNamed() throws Exception {
        try (VirtualWorld world = world()) {
            redirect(world, VirtualWorld.OTHER);
            fail(world);
            attempt(world, 0);
            redirect(world, VirtualWorld.DEEP);
            world.answer(1);
            attempt(world, 1);

            JsonNode call = onlyCall(world);
            assertThat(call.path("secure_runtime.attempts").asInt()).isEqualTo(2);
            assertThat(call.path("server.address").asText()).isEqualTo(VirtualWorld.DEEP);
            assertThat(call.path("secure_runtime.redirected_from").path(0).asText())
                    .isEqualTo(VirtualWorld.HOST);
            assertThat(earlierHops(call)).containsExactly("1 GET https://other.example:" + world.server.port());
        }
    }

    @Test
    void hostsOfAllEarlierTries_areNamed_alsoByARefusal() throws Exception {
        try (VirtualWorld world = world()) {
            redirect(world, VirtualWorld.OTHER);
            redirect(world, VirtualWorld.DEEP);
            fail(world);
            attempt(world, 0);
            fail(world);
            attempt(world, 1);
            redirect(world, "evil.example");
            try {
                attempt(world, 2);
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("SR-EGRESS-001");
            }

            JsonNode call = onlyCall(world);
            assertThat(call.path("server.address").asText()).isEqualTo("evil.example");
            assertThat(call.path("secure_runtime.verdict").asText()).isEqualTo("deny");
            assertThat(earlierHops(call))
                    .containsExactly(
                            "1 GET https://other.example:" + world.server.port(),
                            "2 GET https://door.tunnel.example:" + world.server.port());
        }
    }

    @Test
    void triesThatAllWentTheSameWay_areOnlyCounted() throws Exception {
        try (VirtualWorld world = world()) {
            for (int i = 0; i < 2; i++) {
                redirect(world, VirtualWorld.OTHER);
                fail(world);
                attempt(world, i);
            }

            assertThat(onlyCall(world).has("secure_runtime.earlier_hops")).isFalse();
        }
    }
}
