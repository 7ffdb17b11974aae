package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.VirtualTime;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Response;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.SocketPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When a break-glass grant begins and ends, and what becomes then of calls that needed it. */
@Timeout(60)
class BreakGlassTimeTest {

    private static final Duration HOUR = VirtualWorld.HOUR;

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime();

    @Test
    void grant_endsByTheClock() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.answer(9);
            world.runtime.breakGlass(world.toOther());
            world.call(VirtualWorld.OTHER);

            time.pass(HOUR);

            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            assertThat(world.server.awaitOpen(0)).isTrue(); // the pooled connection was cut with it
            world.runtime.close();
            assertThat(world.records("egress.break_glass")
                            .get(1)
                            .path("attributes")
                            .path("secure_runtime.break_glass.end")
                            .asText())
                    .isEqualTo("over");
        }
    }

    @Test
    void grant_isNotProlongedByAClockThatIsSetBack() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.answer(9);
            world.runtime.breakGlass(world.toOther());
            time.set(VirtualTime.START.minus(Duration.ofDays(1)));
            time.set(VirtualTime.START.plusSeconds(1));
            world.call(VirtualWorld.OTHER);

            time.passUnnoticedByTheClock(HOUR);

            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            time.set(VirtualTime.START.plusSeconds(2));
            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
        }
    }

    @Test
    void grantInThePolicy_doesNotBeginAnew_whenItIsReadAgainUnderAClockThatWasSetBack() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.answer(9);
            BreakGlass grant = world.grant()
                    .host(VirtualWorld.OTHER, world.server.port())
                    .from(VirtualTime.START)
                    .build();
            Policy with = granting(world, grant);
            world.runtime.reload(with);
            world.call(VirtualWorld.OTHER);
            time.passUnnoticedByTheClock(HOUR);
            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);

            time.set(VirtualTime.START);
            world.runtime.reload(world.policy(world.open().build()));
            world.runtime.reload(with);

            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
        }
    }

    private static Policy granting(VirtualWorld world, BreakGlass grant) {
        return Policy.builder()
                .component("agent", world.open().build())
                .breakGlass(grant)
                .build();
    }

    @Test
    void grantInThePolicy_thatWasOverLongAgo_opensNothingAndStopsNoReload() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.answer(1);
            Instant longAgo = Instant.parse("0001-01-01T00:00:00Z");
            BreakGlass over = world.grant()
                    .host(VirtualWorld.OTHER, world.server.port())
                    .from(longAgo)
                    .until(longAgo.plus(HOUR))
                    .build();

            world.runtime.reload(granting(world, over));

            assertThat(world.runtime.policyVersion().number()).isEqualTo(2);
            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            world.call(VirtualWorld.HOST);
        }
    }

    @Test
    void grantInThePolicy_opensFromItsBeginningToItsEnd() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.answer(9);
            BreakGlass grant = world.grant()
                    .host(VirtualWorld.OTHER, world.server.port())
                    .from(VirtualTime.START.plus(HOUR))
                    .until(VirtualTime.START.plus(HOUR.multipliedBy(2)))
                    .build();
            world.runtime.reload(granting(world, grant));
            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);

            time.pass(HOUR);
            time.review(world.runtime);
            world.call(VirtualWorld.OTHER);
            time.pass(HOUR);
            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
        }
    }

    @Test
    void grantTakenOutOfThePolicy_endsWithTheReload() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.server.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
            world.runtime.reload(granting(
                    world,
                    world.grant()
                            .host(VirtualWorld.OTHER, world.server.port())
                            .from(VirtualTime.START)
                            .build()));
            CompletableFuture<Response> waiting = enqueue(world);
            assertThat(world.server.server.takeRequest(20, TimeUnit.SECONDS)).isNotNull();

            assertThat(world.runtime.reload(world.policy(world.open().build())).cutCalls())
                    .isEqualTo(1);

            assertCut(waiting);
        }
    }

    @Test
    void callUnderWay_thatOnlyTheGrantAllowed_isCutAtItsEnd() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.server.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
            world.runtime.breakGlass(world.toOther());
            CompletableFuture<Response> waiting = enqueue(world);
            assertThat(world.server.server.takeRequest(20, TimeUnit.SECONDS)).isNotNull();

            time.pass(HOUR);
            time.review(world.runtime); // as the runtime's timer does

            assertCut(waiting);
            assertThat(world.server.awaitOpen(0)).isTrue();
        }
    }

    private static CompletableFuture<Response> enqueue(VirtualWorld world) {
        CompletableFuture<Response> answer = new CompletableFuture<>();
        world.calls.newCall(world.get(VirtualWorld.OTHER)).enqueue(new Callback() {
            @Override
            public void onFailure(Call call, IOException e) {
                answer.completeExceptionally(e);
            }

            @Override
            public void onResponse(Call call, Response response) {
                answer.complete(response);
            }
        });
        return answer;
    }

    private static void assertCut(CompletableFuture<Response> waiting) {
        assertThatThrownBy(() -> waiting.get(30, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        EgressDeniedException.class,
                        e -> assertThat(e.decision().layer()).isEqualTo(Layer.UNDER_WAY));
    }

    @Test
    void grant_thatIsOver_tooLong_orForNoComponent_isRefused() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            assertRefusedGrant(
                    world,
                    world.grant()
                            .until(VirtualTime.START)
                            .host("a.example", 443)
                            .build(),
                    ErrorCode.POLICY_INVALID_VALUE);
            assertRefusedGrant(
                    world,
                    world.grant()
                            .until(VirtualTime.START.plus(BreakGlass.LONGEST).plusSeconds(1))
                            .host("a.example", 443)
                            .build(),
                    ErrorCode.POLICY_INVALID_VALUE);
            assertRefusedGrant(
                    world,
                    BreakGlass.grant("nobody")
                            .host("a.example", 443)
                            .person("p")
                            .reason("r")
                            .until(VirtualTime.START.plusSeconds(1))
                            .build(),
                    ErrorCode.COMPONENT_UNKNOWN);
            world.runtime.close();
            assertThat(world.records("egress.break_glass")).isEmpty();
        }
    }

    private static void assertRefusedGrant(VirtualWorld world, BreakGlass grant, ErrorCode code) {
        assertThatThrownBy(() -> world.runtime.breakGlass(grant))
                .isInstanceOfSatisfying(
                        SecureRuntimeException.class, e -> assertThat(e.code()).isEqualTo(code));
    }
}
