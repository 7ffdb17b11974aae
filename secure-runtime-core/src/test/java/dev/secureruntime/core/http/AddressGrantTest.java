package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.BreakGlassGrant;
import dev.secureruntime.core.http.EveryAdapter.Way;
import dev.secureruntime.core.jdkhttp.GuardedJdkHttp;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okhttp3.mockwebserver.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A call whose connection only a break-glass grant of the address allowed names the grant, whichever client made it. */
class AddressGrantTest {

    @TempDir
    Path folder;

    /** The host is open, its address is not. */
    private static ComponentPolicy.Builder closedAddress(ReloadWorld world) {
        return ComponentPolicy.builder().secret("left-key").allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left));
    }

    private static BreakGlassGrant grant(ReloadWorld world) {
        return world.runtime.breakGlass(BreakGlass.grant("agent")
                .address("127.0.0.1", world.left.port())
                .person("jane.doe")
                .reason("INC-4711")
                .until(Instant.now().plus(Duration.ofHours(1)))
                .build());
    }

    static MockResponse answer(EveryAdapter adapter) {
        return adapter.way() == Way.WEB_SOCKET
                ? new MockResponse().withWebSocketUpgrade(new WebSocketListener() {
                    @Override
                    public void onClosing(WebSocket socket, int code, String reason) {
                        socket.close(code, reason);
                    }

                    @Override
                    public void onFailure(WebSocket socket, Throwable failure, Response response) {}
                })
                : new MockResponse().setBody("{}");
    }

    private static String left(ReloadWorld world) {
        return world.get(ReloadWorld.LEFT).url().toString();
    }

    private static List<String> named(ReloadWorld world) throws IOException {
        world.runtime.close();
        return world.records("egress.call").stream()
                .map(record -> record.path("attributes"))
                .map(call -> call.path("secure_runtime.break_glass").asText()
                        + " "
                        + call.path("secure_runtime.break_glass.person").asText())
                .toList();
    }

    @ParameterizedTest
    @EnumSource
    void call_overAConnectionThatTheGrantOpened_namesIt_alsoOverOneThatWasKept(EveryAdapter adapter) throws Exception {
        Protocol protocol = adapter == EveryAdapter.JDK_HTTP_2 ? Protocol.HTTP_2 : Protocol.HTTP_1_1;
        try (ReloadWorld world = new ReloadWorld(folder, protocol)) {
            world.runtime.reload(world.policy("left-key", closedAddress(world)));
            if (adapter != EveryAdapter.AWS_SDK) { // which answers a refusal with a response
                assertThatThrownBy(() -> adapter.call(world.agent, left(world))).isInstanceOf(IOException.class);
                assertThat(world.left.connections()).isZero();
            } else {
                adapter.call(world.agent, left(world));
            }
            BreakGlassGrant grant = grant(world);
            world.left.answer(answer(adapter), answer(adapter));

            adapter.call(world.agent, left(world));
            adapter.call(world.agent, left(world));

            assertThat(world.left.connections()).isEqualTo(adapter.way() == Way.WEB_SOCKET ? 2 : 1);
            String name = grant.id() + " jane.doe";
            assertThat(named(world)).containsExactly(" ", name, name);
        }
    }

    @ParameterizedTest
    @EnumSource
    void call_toAnAddressThatThePolicyOpens_namesNoGrant(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.runtime.reload(world.policy(
                    "left-key",
                    closedAddress(world)
                            .allow(ReloadWorld.allowing(ReloadWorld.BOTH, world.both))
                            .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(world.both.port())))));
            grant(world);
            world.left.answer(answer(adapter));
            world.both.answer(answer(adapter));

            adapter.call(world.agent, left(world)); // its connection stays open beside the other's
            adapter.call(world.agent, world.get(ReloadWorld.BOTH).url().toString());

            assertThat(named(world)).element(1).isEqualTo(" ");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"OKHTTP_WEB_SOCKET", "JDK_WEB_SOCKET"})
    void webSocket_whoseOpeningTheServerRefuses_namesTheGrantToo(EveryAdapter adapter) throws Exception {
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_1_1)) {
            world.runtime.reload(world.policy("left-key", closedAddress(world)));
            BreakGlassGrant grant = grant(world);
            world.left.answer(new MockResponse().setResponseCode(400).setHeader("Connection", "close"));

            assertThatThrownBy(() -> adapter.call(world.agent, left(world))).isInstanceOf(IOException.class);

            assertThat(named(world)).containsExactly(grant.id() + " jane.doe");
        }
    }

    @Test
    void jdkCalls_atOnceOverOneConnection_allNameTheGrant() throws Exception {
        int calls = 8;
        try (ReloadWorld world = new ReloadWorld(folder, Protocol.HTTP_2)) {
            world.runtime.reload(world.policy("left-key", closedAddress(world)));
            BreakGlassGrant grant = grant(world);
            HttpClient client = GuardedJdkHttp.client(world.agent);
            HttpRequest get = HttpRequest.newBuilder(URI.create(left(world))).build();
            List<CompletableFuture<HttpResponse<Void>>> answers = java.util.stream.IntStream.range(0, calls)
                    .mapToObj(call -> {
                        world.left.answer(new MockResponse());
                        return client.sendAsync(get, BodyHandlers.discarding());
                    })
                    .toList();
            for (CompletableFuture<?> answer : answers) {
                answer.get(30, TimeUnit.SECONDS);
            }

            assertThat(named(world)).hasSize(calls).containsOnly(grant.id() + " jane.doe");
        }
    }
}
