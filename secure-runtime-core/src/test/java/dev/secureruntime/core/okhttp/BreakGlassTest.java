package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.BreakGlassGrant;
import dev.secureruntime.core.VirtualTime;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import okhttp3.Request;
import okhttp3.mockwebserver.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a break-glass grant opens, and what it leaves closed. */
@Timeout(60)
class BreakGlassTest {

    private static final Duration HOUR = VirtualWorld.HOUR;

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime();

    @Test
    void grant_opensItsHost_andNothingElse_andEachUseNamesThePerson() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.answer(9);
            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);

            BreakGlassGrant grant = world.runtime.breakGlass(world.toOther());
            world.call(VirtualWorld.OTHER);
            world.assertRefused("x." + VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            grant.close();
            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);

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
    void grantThatAnEarlierTryNeeded_isNamedByTheOneRecordOfAllTries() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.server.answer(new MockResponse().setResponseCode(500));
            world.answer(1);
            BreakGlassGrant grant = world.runtime.breakGlass(world.toOther());
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
    void grantOfAnAddress_opensThatAddressToAnAllowedHost_andIsRecordedWithTheCall() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            ComponentPolicy closed = ComponentPolicy.builder()
                    .allow(ReloadWorld.allowing(VirtualWorld.HOST, world.server))
                    .build();
            world.runtime.reload(world.policy(closed));
            world.assertRefused(VirtualWorld.HOST, ErrorCode.EGRESS_ADDRESS_DENIED);
            world.answer(9);

            BreakGlassGrant grant = world.runtime.breakGlass(
                    world.grant().address("127.0.0.1", world.server.port()).build());
            world.call(VirtualWorld.HOST);
            world.call(VirtualWorld.HOST);
            time.pass(HOUR);
            world.assertRefused(VirtualWorld.HOST, ErrorCode.EGRESS_ADDRESS_DENIED);

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

            world.runtime.breakGlass(world.toOther());

            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_ADDRESS_DENIED);
            assertThat(world.server.connections()).isZero();
        }
    }

    @Test
    void grantOfAHost_beatsADenialOfItsName_andNotOfItsAddress() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.answer(9);
            world.runtime.reload(
                    world.policy(world.open().deny(EgressRule.host("*.example")).build()));
            world.runtime.breakGlass(world.toOther());
            world.call(VirtualWorld.OTHER);

            world.runtime.reload(world.policy(world.open()
                    .deny(EgressRule.cidr("127.0.0.0/8", Scope.DEFAULT))
                    .build()));

            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_ADDRESS_DENIED);
        }
    }

    /** Asks for as many names below one domain as a tunnel does. */
    private static void askForManyNames(VirtualWorld world) {
        for (int i = 0; i < 50; i++) {
            attempt(world, "n" + i + ".tunnel.example");
        }
    }

    private static void attempt(VirtualWorld world, String host) {
        try {
            world.call(host);
        } catch (IOException e) {
            // Whether it was refused is told by its record.
        }
    }

    /** The policy allows the name; what refuses it is how many names were asked for. */
    @ParameterizedTest
    @EnumSource(EnforcementMode.class)
    void grantOfAHost_opensItWhereManyNamesAreBlocked_andNoOtherName(EnforcementMode mode) throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.runtime.reload(world.policy(world.loopback()
                    .allow(ReloadWorld.allowing("*.tunnel.example", world.server))
                    .onManyNames(OnManyNames.BLOCK)
                    .mode(mode)
                    .build()));
            askForManyNames(world);
            world.answer(9);
            attempt(world, VirtualWorld.DEEP);

            BreakGlassGrant grant = world.runtime.breakGlass(
                    world.grant().host(VirtualWorld.DEEP, world.server.port()).build());
            world.call(VirtualWorld.DEEP);
            attempt(world, "another.tunnel.example");
            grant.close();
            attempt(world, VirtualWorld.DEEP);

            world.runtime.close();
            List<JsonNode> calls = world.records("egress.call").stream()
                    .map(record -> record.path("attributes"))
                    .toList();
            assertThat(calls.subList(50, calls.size()))
                    .extracting(call -> call.path("secure_runtime.verdict").asText())
                    .containsExactly("deny", "allow", "deny", "deny");
            assertThat(calls)
                    .filteredOn(call -> call.has("secure_runtime.break_glass"))
                    .singleElement()
                    .satisfies(call -> {
                        assertThat(call.path("server.address").asText()).isEqualTo(VirtualWorld.DEEP);
                        assertThat(call.path("secure_runtime.rule").asText()).isEqualTo("break-glass " + grant.id());
                        assertThat(call.path("secure_runtime.policy.version").asText())
                                .startsWith("2-");
                    });
        }
    }

    @Test
    void grantOfAHost_opensNoSpecialAddressWhereManyNamesAreBlocked() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.runtime.reload(world.policy(ComponentPolicy.builder()
                    .allow(ReloadWorld.allowing("*.tunnel.example", world.server))
                    .onManyNames(OnManyNames.BLOCK)
                    .build()));
            askForManyNames(world);
            world.runtime.breakGlass(
                    world.grant().host(VirtualWorld.DEEP, world.server.port()).build());

            world.assertRefused(VirtualWorld.DEEP, ErrorCode.EGRESS_ADDRESS_DENIED);

            assertThat(world.server.connections()).isZero();
        }
    }

    @Test
    void grant_leavesBudgetsAsTheyAre() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.runtime.reload(world.policy(
                    world.open().budget(ByteBudget.ofAll(100, HOUR)).build()));
            world.runtime.breakGlass(world.toOther());

            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_BUDGET_SPENT);
        }
    }

    @Test
    void grant_doesNotLetARedirectCarryABody() throws Exception {
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            world.runtime.breakGlass(world.toOther());
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
            BreakGlassGrant grant = world.runtime.breakGlass(world.toOther());
            world.server.answer(
                    LoopbackServer.redirect(302, "https://" + VirtualWorld.HOST + ":" + world.server.port() + "/"));
            world.answer(1);
            world.call(VirtualWorld.OTHER);
            world.server.answer(LoopbackServer.redirect(302, "https://evil.example:" + world.server.port() + "/"));
            world.assertRefused(VirtualWorld.OTHER, ErrorCode.EGRESS_DENIED);
            world.answer(1);
            world.call(VirtualWorld.HOST);

            world.runtime.close();
            assertThat(world.records("egress.call"))
                    .extracting(record -> record.path("attributes")
                            .path("secure_runtime.break_glass")
                            .asText())
                    .containsExactly(grant.id(), grant.id(), "");
        }
    }
}
