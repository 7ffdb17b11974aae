package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.BreakGlassGrant;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two hosts on one HTTP/2 connection, of which one is open by a grant alone. */
@Timeout(60)
class CoalescedGrantTest {

    private static final String OPEN = "open.example";
    private static final String GRANTED = "granted.example";

    @TempDir
    Path folder;

    private static void answerSlowly(LoopbackServer server) {
        server.server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return request.getPath().equals("/slow")
                        ? new MockResponse().setBody("x".repeat(2_000)).throttleBody(500, 400, TimeUnit.MILLISECONDS)
                        : LoopbackServer.json("{}");
            }
        });
    }

    private static Request get(String host, LoopbackServer server, String path) {
        return new Request.Builder()
                .url("https://" + host + ":" + server.port() + path)
                .build();
    }

    private static BreakGlassGrant grant(ReloadWorld world, LoopbackServer server) {
        world.runtime.reload(world.policy(
                "left-key",
                ComponentPolicy.builder()
                        .secret("left-key")
                        .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())))
                        .allow(ReloadWorld.allowing(OPEN, server))));
        return world.runtime.breakGlass(BreakGlass.grant("agent")
                .host(GRANTED, server.port())
                .person("jane.doe")
                .reason("INC-4711")
                .until(Instant.now().plus(Duration.ofHours(1)))
                .build());
    }

    @Test
    void endOfAGrant_cutsTheGrantedHostAlone_onAConnectionThatTheOpenHostOpened() throws Exception {
        LoopbackServer shared = new LoopbackServer(OPEN, GRANTED);
        answerSlowly(shared);
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2);
                BreakGlassGrant grant = grant(world, shared)) {
            try (Response open = world.calls.newCall(get(OPEN, shared, "/slow")).execute();
                    Response granted =
                            world.calls.newCall(get(GRANTED, shared, "/slow")).execute()) {
                assertThat(shared.connections()).isEqualTo(1);
                grant.close();
                assertThatThrownBy(() -> granted.body().string()).isInstanceOf(EgressDeniedException.class);
                assertThat(open.body().string()).hasSize(2_000);
            }
            assertRefusedWithoutAConnection(world, shared);
        } finally {
            shared.close();
        }
    }

    @Test
    void endOfAGrant_closesTheConnectionThatTheGrantedHostOpened_underTheOpenHostToo() throws Exception {
        LoopbackServer shared = new LoopbackServer(OPEN, GRANTED);
        answerSlowly(shared);
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2);
                BreakGlassGrant grant = grant(world, shared)) {
            world.calls.newCall(get(GRANTED, shared, "/")).execute().close();
            try (Response open = world.calls.newCall(get(OPEN, shared, "/slow")).execute()) {
                assertThat(shared.connections()).isEqualTo(1);
                grant.close();
                assertThatThrownBy(() -> open.body().string()).isInstanceOf(EgressDeniedException.class);
            }
            assertThat(shared.awaitOpen(0)).isTrue();
            world.calls.newCall(get(OPEN, shared, "/")).execute().close();
            assertThat(shared.connections()).isEqualTo(2);
            assertRefusedWithoutAConnection(world, shared);
        } finally {
            shared.close();
        }
    }

    private static void assertRefusedWithoutAConnection(ReloadWorld world, LoopbackServer shared) throws IOException {
        int before = shared.server.getRequestCount();
        assertThatThrownBy(() -> world.calls.newCall(get(GRANTED, shared, "/")).execute())
                .isInstanceOf(EgressDeniedException.class);
        assertThat(shared.server.getRequestCount()).isEqualTo(before);
    }

    /** OkHttp sends a request again by itself when a shared connection is not the one for its host: it is judged like the first. */
    @Test
    void misdirectedRequest_isSentAgainOverAConnectionOfItsOwn_inOneRecord() throws Exception {
        LoopbackServer shared = new LoopbackServer(OPEN, GRANTED);
        shared.server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return request.getSequenceNumber() > 0
                        ? new MockResponse().setResponseCode(421)
                        : LoopbackServer.json("{}");
            }
        });
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2);
                BreakGlassGrant grant = grant(world, shared)) {
            world.calls.newCall(get(OPEN, shared, "/")).execute().close();
            try (Response answer =
                    world.calls.newCall(get(GRANTED, shared, "/")).execute()) {
                assertThat(answer.code()).isEqualTo(200);
                assertThat(shared.connections()).isEqualTo(2);
            }
            grant.close();
            assertRefusedWithoutAConnection(world, shared);
            world.runtime.close();
            JsonNode call = world.records("egress.call").get(1).path("attributes");
            assertThat(call.path("secure_runtime.attempts").asInt()).isEqualTo(2);
            assertThat(call.path("secure_runtime.break_glass").asText()).isEqualTo(grant.id());
        } finally {
            shared.close();
        }
    }
}
