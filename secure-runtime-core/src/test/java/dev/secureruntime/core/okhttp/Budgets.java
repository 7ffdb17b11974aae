package dev.secureruntime.core.okhttp;

import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.time.Duration;
import java.util.List;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;

/** Policies with byte budgets, and what is sent under them. */
final class Budgets {

    static final Duration HOUR = Duration.ofHours(1);
    static final long BUDGET = 200_000;

    private Budgets() {}

    static ComponentPolicy.Builder budgeted(ReloadWorld world, ByteBudget... budgets) {
        ComponentPolicy.Builder component = ComponentPolicy.builder().secret("left-key");
        component.allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left));
        component.allow(ReloadWorld.allowing(ReloadWorld.BOTH, world.both));
        for (LoopbackServer server : List.of(world.left, world.both)) {
            component.allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())));
        }
        for (ByteBudget budget : budgets) {
            component.budget(budget);
        }
        return component;
    }

    static Policy policy(ReloadWorld world, ByteBudget... budgets) {
        return world.policy("left-key", budgeted(world, budgets));
    }

    static void answerAlways(LoopbackServer server) {
        server.server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return LoopbackServer.json("{}");
            }
        });
    }

    static Request post(Request to, int bytes) {
        return to.newBuilder().post(RequestBody.create(new byte[bytes])).build();
    }
}
