package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.BreakGlassGrant;
import dev.secureruntime.core.VirtualTime;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.SocketPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class BreakGlassTest {

    private static final Duration HOUR = Duration.ofHours(1);

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime();

    private BreakGlass.Builder grant() {
        return BreakGlass.grant("agent")
                .person("jane.doe")
                .reason("INC-4711: export for forensics")
                .until(time.instant().plus(HOUR));
    }

    private BreakGlass toOther(VirtualWorld world) {
        return grant().host(VirtualWorld.OTHER, world.server.port()).build();
    }

    private static void answer(VirtualWorld world, int times) {
        for (int i = 0; i < times; i++) {
            world.server.answer(LoopbackServer.json("{}"));
        }
    }

    private static void call(VirtualWorld world, String host) throws IOException {
        world.calls.newCall(world.get(host)).execute().close();
    }

    private static void assertRefused(VirtualWorld world, String host, ErrorCode code) {
        assertThatThrownBy(() -> call(world, host))
                .isInstanceOfSatisfying(
                        EgressDeniedException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void grant_opensItsHost_andNothingElse_andEachUseNamesThePerson() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            answer(world, 9);
            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);

            BreakGlassGrant grant = world.runtime.breakGlass(toOther(world));
            call(world, VirtualWorld.OTHER);
            assertRefused(world, "x." + VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            grant.close();
            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);

            world.runtime.close();
            JsonNode used = world.records("egress.call").get(1).path("attributes");
            assertThat(used.path("secure_runtime.verdict").asText()).isEqualTo("allow");
            assertThat(used.path("secure_runtime.rule").asText()).isEqualTo("break-glass " + grant.id());
            assertThat(used.path("secure_runtime.break_glass").asText()).isEqualTo(grant.id());
            assertThat(used.path("secure_runtime.break_glass.person").asText()).isEqualTo("jane.doe");
            List<JsonNode> records = world.records("egress.break_glass");
            assertThat(records)
                    .extracting(record -> record.path("attributes")
                            .path("secure_runtime.action")
                            .asText())
                    .containsExactly("granted", "ended");
            JsonNode granted = records.get(0).path("attributes");
            assertThat(granted.path("secure_runtime.break_glass.reason").asText())
                    .isEqualTo("INC-4711: export for forensics");
            assertThat(granted.path("secure_runtime.break_glass.target").asText())
                    .isEqualTo("https://other.example:" + world.server.port());
            assertThat(records.get(1)
                            .path("attributes")
                            .path("secure_runtime.break_glass.end")
                            .asText())
                    .isEqualTo("closed");
        }
    }

    @Test
    void grant_endsByTheClock() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            answer(world, 9);
            world.runtime.breakGlass(toOther(world));
            call(world, VirtualWorld.OTHER);

            time.pass(HOUR);

            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
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
            answer(world, 9);
            world.runtime.breakGlass(toOther(world));
            time.set(VirtualTime.START.minus(Duration.ofDays(1)));
            time.set(VirtualTime.START.plusSeconds(1));
            call(world, VirtualWorld.OTHER);

            time.passUnnoticedByTheClock(HOUR);

            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            time.set(VirtualTime.START.plusSeconds(2));
            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
        }
    }

    @Test
    void grantInThePolicy_doesNotBeginAnew_whenItIsReadAgainUnderAClockThatWasSetBack() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            answer(world, 9);
            BreakGlass grant = grant().host(VirtualWorld.OTHER, world.server.port())
                    .from(VirtualTime.START)
                    .build();
            Policy with = granting(world, grant);
            world.runtime.reload(with);
            call(world, VirtualWorld.OTHER);
            time.passUnnoticedByTheClock(HOUR);
            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);

            time.set(VirtualTime.START);
            world.runtime.reload(world.policy(world.open().build()));
            world.runtime.reload(with);

            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
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
            answer(world, 1);
            Instant longAgo = Instant.parse("0001-01-01T00:00:00Z");
            BreakGlass over = grant().host(VirtualWorld.OTHER, world.server.port())
                    .from(longAgo)
                    .until(longAgo.plus(HOUR))
                    .build();

            world.runtime.reload(granting(world, over));

            assertThat(world.runtime.policyVersion().number()).isEqualTo(2);
            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            call(world, VirtualWorld.HOST);
        }
    }

    @Test
    void grantThatAnEarlierTryNeeded_isNamedByTheOneRecordOfAllTries() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.server.answer(new MockResponse().setResponseCode(500));
            answer(world, 1);
            BreakGlassGrant grant = world.runtime.breakGlass(toOther(world));
            numbered(world, 0);
            grant.close();
            world.runtime.reload(world.policy(world.open()
                    .allow(ReloadWorld.allowing(VirtualWorld.OTHER, world.server))
                    .build()));

            numbered(world, 1);

            world.runtime.close();
            JsonNode call = world.records("egress.call").get(0).path("attributes");
            assertThat(call.path("secure_runtime.attempts").asInt()).isEqualTo(2);
            assertThat(call.path("secure_runtime.break_glass").asText()).isEqualTo(grant.id());
        }
    }

    /** As client libraries number their tries. */
    private static void numbered(VirtualWorld world, int attempt) throws IOException {
        Request request = world.get(VirtualWorld.OTHER)
                .newBuilder()
                .header("X-Stainless-Retry-Count", String.valueOf(attempt))
                .build();
        world.calls.newCall(request).execute().close();
    }

    @Test
    void grantInThePolicy_opensFromItsBeginningToItsEnd() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            answer(world, 9);
            BreakGlass grant = grant().host(VirtualWorld.OTHER, world.server.port())
                    .from(VirtualTime.START.plus(HOUR))
                    .until(VirtualTime.START.plus(HOUR.multipliedBy(2)))
                    .build();
            world.runtime.reload(granting(world, grant));
            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);

            time.pass(HOUR);
            time.review(world.runtime);
            call(world, VirtualWorld.OTHER);
            time.pass(HOUR);
            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
        }
    }

    @Test
    void grantTakenOutOfThePolicy_endsWithTheReload() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.server.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
            world.runtime.reload(granting(
                    world,
                    grant().host(VirtualWorld.OTHER, world.server.port())
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
            world.runtime.breakGlass(toOther(world));
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
    void grantOfAnAddress_opensThatAddressToAnAllowedHost_andIsRecordedWithTheCall() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            ComponentPolicy closed = ComponentPolicy.builder()
                    .allow(ReloadWorld.allowing(VirtualWorld.HOST, world.server))
                    .build();
            world.runtime.reload(world.policy(closed));
            assertRefused(world, VirtualWorld.HOST, ErrorCode.EGRESS_ADDRESS_DENIED);
            answer(world, 9);

            BreakGlassGrant grant = world.runtime.breakGlass(
                    grant().address("127.0.0.1", world.server.port()).build());
            call(world, VirtualWorld.HOST);
            call(world, VirtualWorld.HOST);
            time.pass(HOUR);
            assertRefused(world, VirtualWorld.HOST, ErrorCode.EGRESS_ADDRESS_DENIED);

            world.runtime.close();
            List<JsonNode> calls = world.records("egress.call");
            for (JsonNode call : calls.subList(1, 3)) {
                assertThat(call.path("attributes")
                                .path("secure_runtime.break_glass")
                                .asText())
                        .isEqualTo(grant.id());
            }
            assertThat(world.records("egress.break_glass"))
                    .extracting(record -> record.path("attributes")
                            .path("secure_runtime.action")
                            .asText())
                    .containsExactly("granted", "used", "ended");
        }
    }

    @Test
    void grantOfAHost_doesNotOpenItsSpecialAddress() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.runtime.reload(world.policy(ComponentPolicy.builder().build()));

            world.runtime.breakGlass(toOther(world));

            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_ADDRESS_DENIED);
            assertThat(world.server.connections()).isZero();
        }
    }

    @Test
    void grantOfAHost_beatsADenialOfItsName_andNotOfItsAddress() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            answer(world, 9);
            world.runtime.reload(
                    world.policy(world.open().deny(EgressRule.host("*.example")).build()));
            world.runtime.breakGlass(toOther(world));
            call(world, VirtualWorld.OTHER);

            world.runtime.reload(world.policy(world.open()
                    .deny(EgressRule.cidr("127.0.0.0/8", Scope.DEFAULT))
                    .build()));

            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_ADDRESS_DENIED);
        }
    }

    @Test
    void grant_leavesBudgetsAsTheyAre() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.runtime.reload(world.policy(
                    world.open().budget(ByteBudget.ofAll(100, HOUR)).build()));
            world.runtime.breakGlass(toOther(world));

            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_BUDGET_SPENT);
        }
    }

    @Test
    void grant_doesNotLetARedirectCarryABody() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.runtime.breakGlass(toOther(world));
            world.server.answer(
                    LoopbackServer.redirect(307, "https://" + VirtualWorld.OTHER + ":" + world.server.port() + "/"));
            Request post = world.get()
                    .newBuilder()
                    .post(okhttp3.RequestBody.create(new byte[10]))
                    .build();

            assertThatThrownBy(() -> world.calls.newCall(post).execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.EGRESS_REDIRECT_REFUSED));
        }
    }

    @Test
    void grantOfAHost_thatRedirects_isNamedByTheCall_whereverItEnds() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            BreakGlassGrant grant = world.runtime.breakGlass(toOther(world));
            world.server.answer(
                    LoopbackServer.redirect(302, "https://" + VirtualWorld.HOST + ":" + world.server.port() + "/"));
            answer(world, 1);
            call(world, VirtualWorld.OTHER);
            world.server.answer(LoopbackServer.redirect(302, "https://evil.example:" + world.server.port() + "/"));
            assertRefused(world, VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            answer(world, 1);
            call(world, VirtualWorld.HOST);

            world.runtime.close();
            assertThat(world.records("egress.call"))
                    .extracting(record -> record.path("attributes")
                            .path("secure_runtime.break_glass")
                            .asText())
                    .containsExactly(grant.id(), grant.id(), "");
        }
    }

    @Test
    void grant_thatIsOver_tooLong_orForNoComponent_isRefused() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            assertRefusedGrant(
                    world,
                    grant().until(VirtualTime.START).host("a.example", 443).build(),
                    ErrorCode.POLICY_INVALID_VALUE);
            assertRefusedGrant(
                    world,
                    grant().until(VirtualTime.START.plus(BreakGlass.LONGEST).plusSeconds(1))
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
