package dev.secureruntime.core.okhttp;

import static dev.secureruntime.core.okhttp.Budgets.BUDGET;
import static dev.secureruntime.core.okhttp.Budgets.HOUR;
import static dev.secureruntime.core.okhttp.Budgets.answerAlways;
import static dev.secureruntime.core.okhttp.Budgets.budgeted;
import static dev.secureruntime.core.okhttp.Budgets.policy;
import static dev.secureruntime.core.okhttp.Budgets.post;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.VirtualTime;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EnforcementMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.MockResponse;
import okio.BufferedSink;
import okio.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class ByteBudgetTest {

    @TempDir
    Path folder;

    /** A body that is written as it is sent, in pieces. */
    private static RequestBody streamed(int pieces) {
        return new RequestBody() {
            @Override
            public MediaType contentType() {
                return null;
            }

            @Override
            public void writeTo(BufferedSink sink) throws IOException {
                for (int i = 0; i < pieces; i++) {
                    sink.write(new byte[10_000]);
                    sink.flush();
                }
            }
        };
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void call_inWhoseMiddleTheBudgetRunsOut_isCutWithItsCode_andNoMoreThanTheBudgetArrives(Protocol protocol)
            throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            answerAlways(world.left);
            world.runtime.reload(policy(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR)));
            Request large =
                    world.get(ReloadWorld.LEFT).newBuilder().post(streamed(200)).build();

            assertThatThrownBy(() -> world.calls.newCall(large).execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> {
                        assertThat(e.code()).isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT);
                        assertThat(e.decision().reason()).isEqualTo(Reason.BUDGET_SPENT);
                        assertThat(e.decision().layer()).isEqualTo(Layer.UNDER_WAY);
                        assertThat(e.decision().policyVersion())
                                .isEqualTo(world.runtime.policyVersion().toString());
                    });

            assertThat(world.left.awaitOpen(0)).isTrue();
            int connections = world.left.connections();
            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.LEFT)).execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> {
                        assertThat(e.code()).isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT);
                        assertThat(e.decision().layer()).isEqualTo(Layer.REQUEST);
                    });
            assertThat(world.left.connections()).isEqualTo(connections);
            world.runtime.close();
            List<JsonNode> calls = world.records("egress.call");
            JsonNode cut = calls.get(0).path("attributes");
            assertThat(cut.path("secure_runtime.action").asText()).isEqualTo("cut");
            assertThat(cut.path("error.type").asText()).isEqualTo("SR-EGRESS-007");
            assertThat(cut.path("secure_runtime.reason").asText()).isEqualTo("budget_spent");
            assertThat(cut.path("secure_runtime.rule").asText())
                    .isEqualTo("budget of 200000 bytes in PT1H for left.example");
            JsonNode refused = calls.get(1).path("attributes");
            assertThat(refused.path("secure_runtime.action").asText()).isEqualTo("block");
            List<JsonNode> told = world.records("egress.budget");
            assertThat(told).hasSize(2);
            assertThat(told.get(0)
                            .path("attributes")
                            .path("secure_runtime.budget.level")
                            .asText())
                    .isEqualTo("nearly_spent");
            JsonNode spent = told.get(1).path("attributes");
            assertThat(spent.path("secure_runtime.budget.sent").asLong()).isBetween(BUDGET - 20_000, BUDGET);
        }
    }

    @Test
    void sameCall_withoutABudget_arrivesWhole() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            answerAlways(world.left);
            world.runtime.reload(policy(world));

            world.calls
                    .newCall(world.get(ReloadWorld.LEFT)
                            .newBuilder()
                            .post(streamed(200))
                            .build())
                    .execute()
                    .close();

            assertThat(world.left.server.takeRequest(20, TimeUnit.SECONDS).getBodySize())
                    .isEqualTo(2_000_000);
        }
    }

    @Test
    void client_ofALibrary_gets403WithTheCode() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            answerAlways(world.left);
            world.runtime.reload(policy(world, ByteBudget.ofAll(BUDGET, HOUR)));
            OkHttpClient client = GuardedOkHttp.client(world.agent);

            try (Response cut =
                    client.newCall(post(world.get(ReloadWorld.LEFT), 300_000)).execute()) {
                assertThat(cut.code()).isEqualTo(403);
                assertThat(cut.header("X-Secure-Runtime-Denied")).isEqualTo("SR-EGRESS-007");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void budgetForEverything_countsAllHostsTogether(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            answerAlways(world.left);
            answerAlways(world.both);
            world.runtime.reload(policy(world, ByteBudget.ofAll(BUDGET, HOUR)));

            world.calls
                    .newCall(post(world.get(ReloadWorld.LEFT), 150_000))
                    .execute()
                    .close();

            assertThatThrownBy(() -> world.calls
                            .newCall(post(world.get(ReloadWorld.BOTH), 100_000))
                            .execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT));
        }
    }

    @Test
    void budgetOfOneHost_leavesAnotherAlone() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2)) {
            answerAlways(world.both);
            world.runtime.reload(policy(world, ByteBudget.of(ReloadWorld.LEFT, 1, HOUR)));

            assertThatThrownBy(() ->
                            world.calls.newCall(world.get(ReloadWorld.LEFT)).execute())
                    .isInstanceOf(EgressDeniedException.class);
            world.calls
                    .newCall(post(world.get(ReloadWorld.BOTH), 300_000))
                    .execute()
                    .close();
        }
    }

    @Test
    void webSocket_thatSendsMoreThanTheBudget_isCutAndToldWhy() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.left.answer(new MockResponse().withWebSocketUpgrade(new WebSocketListener() {}));
            world.runtime.reload(policy(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR)));
            CompletableFuture<Throwable> failure = new CompletableFuture<>();

            WebSocket socket = world.calls.newWebSocket(world.get(ReloadWorld.LEFT), new WebSocketListener() {
                @Override
                public void onOpen(WebSocket webSocket, Response response) {
                    for (int i = 0; i < 40; i++) {
                        webSocket.send(ByteString.of(new byte[10_000]));
                    }
                }

                @Override
                public void onFailure(WebSocket webSocket, Throwable t, Response response) {
                    failure.complete(t);
                }
            });

            assertThat(failure.get(30, TimeUnit.SECONDS))
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT));
            socket.cancel();
            assertThat(world.left.awaitOpen(0)).isTrue();
            world.runtime.close();
            JsonNode cut = world.records("egress.call").get(0).path("attributes");
            assertThat(cut.path("secure_runtime.action").asText()).isEqualTo("cut");
            assertThat(cut.path("error.type").asText()).isEqualTo("SR-EGRESS-007");
        }
    }

    @Test
    void reportMode_letsItGo_andTellsOfIt() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            answerAlways(world.left);
            ComponentPolicy.Builder component = budgeted(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR))
                    .mode(EnforcementMode.REPORT);
            world.runtime.reload(world.policy("left-key", component));

            for (int i = 0; i < 3; i++) {
                world.calls
                        .newCall(post(world.get(ReloadWorld.LEFT), 150_000))
                        .execute()
                        .close();
            }

            world.runtime.close();
            List<JsonNode> told = world.records("egress.budget");
            JsonNode last = told.get(told.size() - 1).path("attributes");
            assertThat(last.path("secure_runtime.budget.level").asText()).isEqualTo("spent");
            assertThat(last.path("secure_runtime.action").asText()).isEqualTo("report");
        }
    }

    @Test
    void bytes_comeFreeWhenTheWindowHasPassed() throws Exception {
        VirtualTime time = new VirtualTime();
        try (VirtualWorld world = new VirtualWorld(folder, time)) {
            answerAlways(world.server);
            world.runtime.reload(world.policy(world.open()
                    .budget(ByteBudget.of(VirtualWorld.HOST, BUDGET, HOUR))
                    .build()));
            Request large = post(world.get(), 150_000);
            world.calls.newCall(large).execute().close();
            assertThatThrownBy(() -> world.calls.newCall(large).execute()).isInstanceOf(EgressDeniedException.class);
            time.pass(HOUR.minusSeconds(1));
            assertThatThrownBy(() -> world.calls.newCall(large).execute()).isInstanceOf(EgressDeniedException.class);

            time.pass(HOUR.dividedBy(16).plusSeconds(2));

            world.calls.newCall(large).execute().close();
        }
    }
}
