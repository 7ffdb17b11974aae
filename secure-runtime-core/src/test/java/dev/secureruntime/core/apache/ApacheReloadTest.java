package dev.secureruntime.core.apache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.BreakGlassGrant;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.core.okhttp.ReloadWorld;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.PolicyReload;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okhttp3.mockwebserver.SocketPolicy;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.InputStreamEntity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApacheReloadTest {

    @TempDir
    Path folder;

    private ReloadWorld world;
    private CloseableHttpClient client;

    @BeforeEach
    void start() throws IOException {
        world = new ReloadWorld(folder, Protocol.HTTP_1_1);
        client = GuardedApache.throwingClient(world.agent);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    private HttpGet get(String host) {
        return new HttpGet(world.get(host).url().uri());
    }

    @Test
    void call_waitingForItsAnswer_isCutByAPolicyThatRefusesIt() throws Exception {
        world.left.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        CompletableFuture<ClassicHttpResponse> answer = CompletableFuture.supplyAsync(() -> {
            try {
                return client.executeOpen(null, get(ReloadWorld.LEFT), null);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        assertThat(world.left.server.takeRequest(20, TimeUnit.SECONDS)).isNotNull();

        PolicyReload done = world.runtime.reload(world.rightPolicy());

        assertThat(done.cutCalls()).isEqualTo(1);
        assertThatThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
                .rootCause()
                .isInstanceOfSatisfying(
                        EgressDeniedException.class,
                        cut -> assertThat(cut.decision().layer()).isEqualTo(Layer.UNDER_WAY));
        assertThat(world.left.awaitOpen(0)).isTrue();
        world.runtime.close();
        JsonNode call = world.records("egress.call").get(0).path("attributes");
        assertThat(call.path("secure_runtime.action").asText()).isEqualTo("cut");
        assertThat(call.path("secure_runtime.policy.version").asText())
                .isEqualTo(done.now().toString());
    }

    @Test
    void answer_thatIsBeingRead_breaksOffWithTheNewPolicysWord() throws Exception {
        world.left.answer(new MockResponse().setBody("x".repeat(400_000)).throttleBody(1_000, 2, TimeUnit.SECONDS));
        try (ClassicHttpResponse response = client.executeOpen(null, get(ReloadWorld.LEFT), null)) {
            assertThat(response.getEntity().getContent().readNBytes(1_000)).hasSize(1_000);

            world.runtime.reload(world.rightPolicy());

            assertThatThrownBy(() -> EntityUtils.toString(response.getEntity()))
                    .isInstanceOfSatisfying(
                            EgressDeniedException.class,
                            cut -> assertThat(cut.decision().layer()).isEqualTo(Layer.UNDER_WAY));
        }
        assertThat(world.left.awaitOpen(0)).isTrue();
    }

    @Test
    void idleConnection_afterAReload_isClosed() throws Exception {
        world.left.answer(LoopbackServer.json("{}"));
        client.execute(get(ReloadWorld.LEFT), response -> null);
        assertThat(world.left.awaitOpen(1)).isTrue();

        PolicyReload done = world.runtime.reload(world.rightPolicy());

        assertThat(done.closedConnections()).isEqualTo(1);
        assertThat(world.left.awaitOpen(0)).isTrue();
    }

    @Test
    void hostThatStaysAllowed_getsAConnectionOfItsOwnUnderTheNewPolicy_andTheNewKey() throws Exception {
        world.both.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));
        client.execute(get(ReloadWorld.BOTH), response -> null);

        PolicyReload done = world.runtime.reload(world.rightPolicy());
        client.execute(get(ReloadWorld.BOTH), response -> null);

        assertThat(done.cutCalls()).isZero();
        assertThat(world.both.connections()).isEqualTo(2);
        assertThat(world.both.awaitOpen(1)).isTrue();
        assertThat(world.both.server.takeRequest(20, TimeUnit.SECONDS).getHeader("x-api-key"))
                .isEqualTo(ReloadWorld.LEFT_KEY);
        assertThat(world.both.server.takeRequest(20, TimeUnit.SECONDS).getHeader("x-api-key"))
                .isEqualTo(ReloadWorld.RIGHT_KEY);
    }

    @Test
    void budgetOfBytes_isCountedAtTheSocket_andCutsTheRequestThatExceedsIt() throws Exception {
        ComponentPolicy.Builder component = ComponentPolicy.builder()
                .secret("left-key")
                .allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left))
                .allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(world.left.port())))
                .budget(ByteBudget.of(ReloadWorld.LEFT, 200_000, Duration.ofHours(1)));
        world.runtime.reload(world.policy("left-key", component));
        HttpPost large = new HttpPost(get(ReloadWorld.LEFT).getUri());
        large.setEntity(new InputStreamEntity(new ByteArrayInputStream(new byte[2_000_000]), null));

        assertThatThrownBy(() -> client.execute(large, response -> null))
                .isInstanceOfSatisfying(
                        EgressDeniedException.class,
                        spent -> assertThat(spent.decision().reason()).isEqualTo(Reason.BUDGET_SPENT));

        assertThat(world.left.awaitOpen(0)).isTrue();
        RecordedRequest cut = world.left.server.takeRequest(1, TimeUnit.SECONDS);
        if (cut != null) { // the server needn't have seen anything of what was broken off
            assertThat(cut.getFailure()).as("it saw it break off").isNotNull();
            assertThat(cut.getBodySize()).isLessThan(200_000);
        }
    }

    @Test
    void grantOfAnAddress_isNamedByEachCallThatNeededIt_andItsEndClosesWhatItOpened() throws Exception {
        world.runtime.reload(world.policy(
                "left-key",
                ComponentPolicy.builder()
                        .secret("left-key")
                        .allow(ReloadWorld.allowing(ReloadWorld.LEFT, world.left))));
        BreakGlassGrant grant = world.runtime.breakGlass(BreakGlass.grant("agent")
                .address("127.0.0.1", world.left.port())
                .person("jane.doe")
                .reason("INC-4711")
                .until(Instant.now().plus(Duration.ofHours(1)))
                .build());
        for (int i = 0; i < 2; i++) {
            world.left.answer(new MockResponse());
            EntityUtils.consume(
                    client.executeOpen(null, get(ReloadWorld.LEFT), null).getEntity());
        }
        assertThat(world.left.connections()).isEqualTo(1);
        grant.close();
        assertThat(world.left.awaitOpen(0)).isTrue();
        assertThatThrownBy(() -> client.executeOpen(null, get(ReloadWorld.LEFT), null))
                .isInstanceOfSatisfying(EgressDeniedException.class, denied -> assertThat(denied.code())
                        .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED));
        world.runtime.close();
        assertThat(world.records("egress.call"))
                .extracting(record -> record.path("attributes")
                        .path("secure_runtime.break_glass")
                        .asText())
                .containsExactly(grant.id(), grant.id(), "");
    }
}
