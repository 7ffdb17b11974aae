package dev.secureruntime.core.apache;

import static dev.secureruntime.core.apache.ApacheCalls.assertDenied;
import static dev.secureruntime.core.apache.ApacheCalls.post;
import static dev.secureruntime.core.apache.ApacheCalls.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okio.Buffer;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpHead;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.CloseableHttpResponse;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.impl.io.DefaultBHttpClientConnection;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.InputStreamEntity;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuardedApacheTest {

    @TempDir
    Path folder;

    private GuardedWorld world;
    private CloseableHttpClient client;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
        client = GuardedApache.throwingClient(world.agent);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    @Test
    void client_onAnApacheThatIsTooOld_isRefusedBeforeItsFirstCall() {
        GuardedApache.requireRecent(CloseableHttpResponse.class, DefaultBHttpClientConnection.class);
        for (Class<?>[] old : new Class<?>[][] {
            {Object.class, DefaultBHttpClientConnection.class}, {CloseableHttpResponse.class, Object.class}
        }) {
            assertThatThrownBy(() -> GuardedApache.requireRecent(old[0], old[1]))
                    .isInstanceOf(SecureRuntimeException.class)
                    .hasMessageStartingWith("SR-RUNTIME-001")
                    .hasMessageContaining("httpclient5 5.4");
        }
    }

    // ---- what is allowed goes through, equipped

    @Test
    void execute_toAllowedHost_carriesTheRealKeyAndNoOther() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));

        assertThat(text(client, post(world, GuardedWorld.OPENAI))).isEqualTo("200 {}");

        RecordedRequest seen = world.take();
        assertThat(seen.getRequestLine()).isEqualTo("POST /v1/chat/completions?beta=%2F HTTP/1.1");
        assertThat(seen.getHeader("Authorization")).isEqualTo("Bearer " + GuardedWorld.OPENAI_KEY);
        assertThat(seen.getHeader("x-goog-api-key")).isNull();
        assertThat(seen.getHeader("Host")).isEqualTo(GuardedWorld.OPENAI + ":" + world.provider.port());
        assertThat(seen.getHeader("Content-Type")).startsWith("application/json");
        assertThat(seen.getBody().readUtf8()).isEqualTo(GuardedWorld.PROMPT);
        JsonNode record = world.onlyCall();
        assertThat(record.at("/attributes/secure_runtime.attached_secrets/0").asText())
                .isEqualTo("openai-api-key");
        assertThat(record.at("/attributes/secure_runtime.complete").asBoolean()).isTrue();
        assertThat(record.at("/attributes/network.protocol.name").asText()).isEqualTo("http/1.1");
        assertThat(record.toString()).contains("http.request.body").contains("http.response.body");
    }

    @Test
    void execute_toAllowedHostOfAnotherKey_getsItsOwnKeyOnly() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));

        text(client, post(world, GuardedWorld.ANTHROPIC));
        text(client, post(world, GuardedWorld.PARTNER));

        RecordedRequest anthropic = world.take();
        assertThat(anthropic.getHeader("x-api-key")).isEqualTo(GuardedWorld.ANTHROPIC_KEY);
        assertThat(anthropic.getHeader("Authorization")).isNull();
        assertThat(LoopbackServer.clear(world.take().getHeaders()))
                .doesNotContain(GuardedWorld.OPENAI_KEY)
                .doesNotContain(GuardedWorld.ANTHROPIC_KEY)
                .contains("Bearer placeholder");
    }

    @Test
    void everythingHandedBack_holdsNoRequestWithTheKey() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, "/elsewhere"), LoopbackServer.json("{}"));
        HttpClientContext context = HttpClientContext.create();
        HttpPost request = post(world, GuardedWorld.OPENAI);

        try (ClassicHttpResponse response = client.executeOpen(null, request, context)) {
            EntityUtils.consume(response.getEntity());
        }

        assertThat(context.getRequest()).isNull();
        assertThat(context.getHttpRoute()).isNull();
        assertThat(request.getHeaders()).hasSize(2);
        assertThat(request.getFirstHeader("Authorization").getValue()).isEqualTo("Bearer placeholder");
        assertThat(world.take().getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);
    }

    @Test
    void log_afterCalls_holdsNeitherKeyNorPrompt() throws Exception {
        world.provider.answer(LoopbackServer.json("{\"answer\":\"the model's secret words\"}"));
        text(client, post(world, GuardedWorld.OPENAI));
        assertThatThrownBy(() -> text(client, post(world, GuardedWorld.EVIL)))
                .hasMessageNotContaining("secret plans")
                .hasMessageNotContaining("placeholder");
        world.runtime.close();

        assertThat(world.everythingLogged())
                .doesNotContain(GuardedWorld.OPENAI_KEY)
                .doesNotContain("secret plans")
                .doesNotContain("secret words")
                .doesNotContain("placeholder")
                .contains("http.request.body");
    }

    @Test
    void answerReadToItsEnd_leavesTheConnectionForTheNextRequest() throws Exception {
        world.provider.answer(
                LoopbackServer.json("{}"), new MockResponse().setChunkedBody("chunks", 2), new MockResponse());

        text(client, post(world, GuardedWorld.OPENAI));
        try (ClassicHttpResponse response = client.executeOpen(null, post(world, GuardedWorld.OPENAI), null)) {
            InputStream content = response.getEntity().getContent();
            assertThat(content.readNBytes(6)).isEqualTo("chunks".getBytes(StandardCharsets.US_ASCII));
            content.close(); // as readers of JSON do, who needn't see the end
        }
        assertThat(client.<Integer>execute(
                        new HttpHead(world.url(GuardedWorld.OPENAI, "/")), response -> response.getCode()))
                .isEqualTo(200);

        assertThat(world.provider.connections()).isEqualTo(1);
        assertThat(world.resolver.lookups()).hasSize(1);
        world.runtime.close();
        assertThat(world.records("egress.call")).allMatch(record -> record.at("/attributes/secure_runtime.complete")
                .asBoolean());
    }

    @Test
    void answerThatIsNotReadToItsEnd_isRecordedSo_andItsConnectionClosed() throws Exception {
        world.provider.answer(
                new MockResponse().setBody("0123456789").throttleBody(5, 2, TimeUnit.SECONDS),
                LoopbackServer.json("{}"));

        try (ClassicHttpResponse response =
                client.executeOpen(null, new HttpGet(world.url(GuardedWorld.OPENAI, "/")), null)) {
            assertThat(response.getEntity().getContent().readNBytes(5)).hasSize(5);
        }
        text(client, post(world, GuardedWorld.OPENAI));

        assertThat(world.provider.connections()).isEqualTo(2);
        world.runtime.close();
        assertThat(world.records("egress.call")
                        .get(0)
                        .at("/attributes/secure_runtime.complete")
                        .asBoolean())
                .isFalse();
    }

    @Test
    void encodedAnswer_isHandedOnAsItCame() throws Exception {
        Buffer encoded = new Buffer().writeUtf8("not really gzip");
        world.provider.answer(
                new MockResponse().setHeader("Content-Encoding", "gzip").setBody(encoded));

        assertThat(text(client, post(world, GuardedWorld.OPENAI))).isEqualTo("200 not really gzip");

        assertThat(world.take().getHeader("Accept-Encoding")).isNull();
    }

    @Test
    void bodyOfUnknownLength_isSentInChunks_withoutWaitingForContinue() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));
        HttpPost request = post(world, GuardedWorld.OPENAI);
        request.setHeader("Expect", "100-continue");
        request.setConfig(RequestConfig.custom().setExpectContinueEnabled(true).build());
        request.setEntity(new InputStreamEntity(
                new ByteArrayInputStream(GuardedWorld.PROMPT.getBytes(StandardCharsets.UTF_8)),
                ContentType.APPLICATION_JSON));

        text(client, request);

        RecordedRequest seen = world.take();
        assertThat(seen.getHeader("Transfer-Encoding")).isEqualTo("chunked");
        assertThat(seen.getHeader("Expect")).isNull();
        assertThat(seen.getBody().readUtf8()).isEqualTo(GuardedWorld.PROMPT);
    }

    @Test
    void longBody_isSentAsItIs() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));
        HttpPost request = post(world, GuardedWorld.OPENAI);
        String body = "x".repeat(3 << 20);
        request.setEntity(new StringEntity(body, ContentType.TEXT_PLAIN));

        text(client, request);

        assertThat(world.take().getBody().readUtf8()).isEqualTo(body);
    }

    // ---- what is not allowed doesn't

    @Test
    void execute_toOtherHost_isDeniedWithoutLookupOrConnection() throws Exception {
        assertDenied(client, post(world, GuardedWorld.EVIL), ErrorCode.EGRESS_DENIED, Reason.HOST_NOT_ALLOWED);

        world.assertNothingReachedEvil();
        JsonNode record = world.onlyCall();
        assertThat(record.at("/attributes/secure_runtime.verdict").asText()).isEqualTo("deny");
        assertThat(record.at("/attributes/server.address").asText()).isEqualTo(GuardedWorld.EVIL);
    }

    @Test
    void execute_toOtherHostWithoutTheGuard_arrives() throws Exception {
        world.evil.answer(LoopbackServer.json("{}"));

        try (CloseableHttpClient bare = BareApache.client()) {
            text(bare, post(world, GuardedWorld.EVIL));
        }

        assertThat(world.evil.server.takeRequest(5, TimeUnit.SECONDS).getBody().readUtf8())
                .isEqualTo(GuardedWorld.PROMPT);
    }

    @Test
    void clientForLibraries_answersARefusalWith403() throws Exception {
        try (CloseableHttpClient forLibraries = GuardedApache.client(world.agent);
                ClassicHttpResponse response = forLibraries.executeOpen(null, post(world, GuardedWorld.EVIL), null)) {
            assertThat(response.getCode()).isEqualTo(403);
            assertThat(response.getFirstHeader("X-Secure-Runtime-Denied").getValue())
                    .isEqualTo("SR-EGRESS-001");
            assertThat(EntityUtils.toString(response.getEntity()))
                    .contains("egress_denied")
                    .doesNotContain(GuardedWorld.EVIL);
        }
        world.assertNothingReachedEvil();
    }

    @Test
    void answerThatClaimsToBeADenial_isNotTakenForOne() throws Exception {
        world.provider.answer(LoopbackServer.json("{}").setHeader("X-Secure-Runtime-Denied", "SR-EGRESS-001"));

        try (ClassicHttpResponse response = client.executeOpen(null, post(world, GuardedWorld.OPENAI), null)) {
            assertThat(response.containsHeader("X-Secure-Runtime-Denied")).isFalse();
        }
    }

    @Test
    void allowedName_thatResolvesToAnAddressNobodyOpened_isDenied() throws Exception {
        world.resolver.set(GuardedWorld.PARTNER, "10.0.0.7");
        world.resolver.set(GuardedWorld.OPENAI, "93.184.216.34", "169.254.169.254");

        assertThatThrownBy(() -> text(client, post(world, GuardedWorld.PARTNER)))
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED));
        assertThatThrownBy(() -> text(client, post(world, GuardedWorld.OPENAI)))
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED));
    }

    @Test
    void nameThatIsRebound_isJudgedByTheAddressThatIsConnectedTo() throws Exception {
        world.provider.answer(LoopbackServer.json("{}").setHeader("Connection", "close"));
        text(client, post(world, GuardedWorld.OPENAI));
        assertThat(world.resolver.lookups())
                .as("one look-up: none between the decision and the use")
                .hasSize(1);

        world.resolver.set(GuardedWorld.OPENAI, "10.0.0.7");

        assertDenied(client, post(world, GuardedWorld.OPENAI), ErrorCode.EGRESS_ADDRESS_DENIED, Reason.SPECIAL_ADDRESS);
    }
}
