package dev.secureruntime.core.okhttp;

import static dev.secureruntime.core.okhttp.Budgets.BUDGET;
import static dev.secureruntime.core.okhttp.Budgets.HOUR;
import static dev.secureruntime.core.okhttp.Budgets.answerAlways;
import static dev.secureruntime.core.okhttp.Budgets.policy;
import static dev.secureruntime.core.okhttp.Budgets.post;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okio.BufferedSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Budgets over reloads, and connections that carry several calls. */
@Timeout(60)
class BudgetedConnectionsTest {

    @TempDir
    Path folder;

    @Test
    void reload_keepsWhatWasSent_alsoOverAPolicyWithoutTheBudget_andOneWithAnotherWindow() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2)) {
            answerAlways(world.left);
            world.runtime.reload(policy(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR)));
            world.calls
                    .newCall(post(world.get(ReloadWorld.LEFT), 150_000))
                    .execute()
                    .close();

            world.runtime.reload(policy(world));
            world.runtime.reload(policy(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR.plusMinutes(1))));

            assertThatThrownBy(() -> world.calls
                            .newCall(post(world.get(ReloadWorld.LEFT), 100_000))
                            .execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT));
        }
    }

    @Test
    void loweredBudget_countsForAConnectionThatWasOpenedBefore() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            answerAlways(world.left);
            world.runtime.reload(policy(world, ByteBudget.of(ReloadWorld.LEFT, 10 * BUDGET, HOUR)));
            RequestBody body = new RequestBody() {
                @Override
                public MediaType contentType() {
                    return null;
                }

                @Override
                public void writeTo(BufferedSink sink) throws IOException {
                    sink.write(new byte[BUDGETED]).flush();
                    world.runtime.reload(policy(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR)));
                    for (int i = 0; i < 20; i++) {
                        sink.write(new byte[10_000]).flush();
                    }
                }

                private static final int BUDGETED = 150_000;
            };

            assertThatThrownBy(() -> world.calls
                            .newCall(world.get(ReloadWorld.LEFT)
                                    .newBuilder()
                                    .post(body)
                                    .build())
                            .execute())
                    .isInstanceOfSatisfying(EgressDeniedException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT));
        }
    }

    @Test
    void hostsOfDifferentBudgets_neverShareAConnection_andThoseOfTheSameDo() throws Exception {
        LoopbackServer shared = new LoopbackServer("a.example", "b.example", "c.example");
        answerAlways(shared);
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2)) {
            ComponentPolicy.Builder component = ComponentPolicy.builder()
                    .secret("left-key")
                    .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(shared.port())))
                    .budget(ByteBudget.of("b.example", BUDGET, HOUR));
            for (String host : List.of("a.example", "b.example", "c.example")) {
                component.allow(ReloadWorld.allowing(host, shared));
            }
            world.runtime.reload(world.policy("left-key", component));

            for (String host : List.of("a.example", "c.example", "b.example")) {
                Request request = new Request.Builder()
                        .url("https://" + host + ":" + shared.port() + "/")
                        .build();
                world.calls.newCall(request).execute().close();
            }

            assertThat(shared.connections()).isEqualTo(2);
        } finally {
            shared.close();
        }
    }

    @Test
    void othersOnTheSameConnection_areToldWhyItWasCut() throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2)) {
            world.left.answer(new MockResponse().setBody("x".repeat(30_000)).throttleBody(1_000, 1, TimeUnit.SECONDS));
            world.runtime.reload(policy(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR)));
            try (Response reading =
                    world.calls.newCall(world.get(ReloadWorld.LEFT)).execute()) {
                assertThat(reading.body().source().readByte()).isEqualTo((byte) 'x');
                assertThatThrownBy(() -> world.calls
                                .newCall(post(world.get(ReloadWorld.LEFT), 300_000))
                                .execute())
                        .isInstanceOf(EgressDeniedException.class);

                assertThatThrownBy(() -> reading.body().source().readByteString())
                        .isInstanceOfSatisfying(EgressDeniedException.class, e -> assertThat(e.code())
                                .isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT));
            }
            assertThat(world.left.connections()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Protocol.class,
            names = {"HTTP_1_1", "HTTP_2"})
    void manyCallsWhileThePolicyIsReloaded_neverSendMoreThanTheBudget(Protocol protocol) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            AtomicLong arrived = new AtomicLong();
            world.left.server.setDispatcher(new Dispatcher() {
                @Override
                public MockResponse dispatch(RecordedRequest request) {
                    arrived.addAndGet(request.getBodySize());
                    return LoopbackServer.json("{}");
                }
            });
            Policy[] policies = {
                policy(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR)),
                policy(world, ByteBudget.of(ReloadWorld.LEFT, BUDGET, HOUR), ByteBudget.ofAll(BUDGET * 9, HOUR)),
            };
            world.runtime.reload(policies[0]);
            AtomicLong let = new AtomicLong();
            ExecutorService callers = Executors.newFixedThreadPool(8);
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                all.add(callers.submit(() -> {
                    for (int call = 0; call < 20; call++) {
                        try {
                            world.calls
                                    .newCall(post(world.get(ReloadWorld.LEFT), 4_000))
                                    .execute()
                                    .close();
                            let.incrementAndGet();
                        } catch (EgressDeniedException e) {
                            assertThat(e.code()).isEqualTo(ErrorCode.EGRESS_BUDGET_SPENT);
                        }
                    }
                    return null;
                }));
            }
            for (int i = 1; i <= 40; i++) {
                world.runtime.reload(policies[i % 2]);
            }
            for (Future<?> one : all) {
                one.get(30, TimeUnit.SECONDS);
            }
            callers.shutdown();
            assertThat(let.get()).isPositive();
            assertThat(arrived.get()).isBetween(let.get() * 4_000, BUDGET);
        }
    }
}
