package dev.secureruntime.core.apache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okhttp3.mockwebserver.SocketPolicy;
import okio.Buffer;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpHead;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.InputStreamEntity;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.util.Timeout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuardedApacheTest {

    private static final String PROMPT = "{\"model\":\"m\",\"messages\":[\"the user's secret plans\"]}";

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

    private HttpPost post(String host) {
        HttpPost request = new HttpPost(world.url(host, "/v1/chat/completions?beta=%2F"));
        request.setHeader("Authorization", "Bearer placeholder");
        request.setHeader("x-goog-api-key", "google-placeholder");
        request.setEntity(new StringEntity(PROMPT, ContentType.APPLICATION_JSON));
        return request;
    }

    private static String text(CloseableHttpClient client, HttpUriRequestBase request) throws IOException {
        return client.execute(
                request, response -> response.getCode() + " " + EntityUtils.toString(response.getEntity()));
    }

    private String text(HttpUriRequestBase request) throws IOException {
        return text(client, request);
    }

    // ---- what is allowed goes through, equipped

    @Test
    void execute_toAllowedHost_carriesTheRealKeyAndNoOther() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));

        assertThat(text(post(GuardedWorld.OPENAI))).isEqualTo("200 {}");

        RecordedRequest seen = take();
        assertThat(seen.getRequestLine()).isEqualTo("POST /v1/chat/completions?beta=%2F HTTP/1.1");
        assertThat(seen.getHeader("Authorization")).isEqualTo("Bearer " + GuardedWorld.OPENAI_KEY);
        assertThat(seen.getHeader("x-goog-api-key")).isNull();
        assertThat(seen.getHeader("Host")).isEqualTo(GuardedWorld.OPENAI + ":" + world.provider.port());
        assertThat(seen.getHeader("Content-Type")).startsWith("application/json");
        assertThat(seen.getBody().readUtf8()).isEqualTo(PROMPT);
        JsonNode record = onlyCall();
        assertThat(record.at("/attributes/secure_runtime.attached_secrets/0").asText())
                .isEqualTo("openai-api-key");
        assertThat(record.at("/attributes/secure_runtime.complete").asBoolean()).isTrue();
        assertThat(record.at("/attributes/network.protocol.name").asText()).isEqualTo("http/1.1");
        assertThat(record.toString()).contains("http.request.body").contains("http.response.body");
    }

    @Test
    void execute_toAllowedHostOfAnotherKey_getsItsOwnKeyOnly() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));

        text(post(GuardedWorld.ANTHROPIC));
        text(post(GuardedWorld.PARTNER));

        RecordedRequest anthropic = take();
        assertThat(anthropic.getHeader("x-api-key")).isEqualTo(GuardedWorld.ANTHROPIC_KEY);
        assertThat(anthropic.getHeader("Authorization")).isNull();
        assertThat(LoopbackServer.clear(take().getHeaders()))
                .doesNotContain(GuardedWorld.OPENAI_KEY)
                .doesNotContain(GuardedWorld.ANTHROPIC_KEY)
                .contains("Bearer placeholder");
    }

    @Test
    void everythingHandedBack_holdsNoRequestWithTheKey() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, "/elsewhere"), LoopbackServer.json("{}"));
        HttpClientContext context = HttpClientContext.create();
        HttpPost request = post(GuardedWorld.OPENAI);

        try (ClassicHttpResponse response = client.executeOpen(null, request, context)) {
            EntityUtils.consume(response.getEntity());
        }

        assertThat(context.getRequest()).isNull();
        assertThat(context.getHttpRoute()).isNull();
        assertThat(request.getHeaders()).hasSize(2);
        assertThat(request.getFirstHeader("Authorization").getValue()).isEqualTo("Bearer placeholder");
        assertThat(take().getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);
    }

    @Test
    void log_afterCalls_holdsNeitherKeyNorPrompt() throws Exception {
        world.provider.answer(LoopbackServer.json("{\"answer\":\"the model's secret words\"}"));
        text(post(GuardedWorld.OPENAI));
        assertThatThrownBy(() -> text(post(GuardedWorld.EVIL)))
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

        text(post(GuardedWorld.OPENAI));
        try (ClassicHttpResponse response = client.executeOpen(null, post(GuardedWorld.OPENAI), null)) {
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
        text(post(GuardedWorld.OPENAI));

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

        assertThat(text(post(GuardedWorld.OPENAI))).isEqualTo("200 not really gzip");

        assertThat(take().getHeader("Accept-Encoding")).isNull();
    }

    @Test
    void bodyOfUnknownLength_isSentInChunks_withoutWaitingForContinue() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));
        HttpPost request = post(GuardedWorld.OPENAI);
        request.setHeader("Expect", "100-continue");
        request.setConfig(RequestConfig.custom().setExpectContinueEnabled(true).build());
        request.setEntity(new InputStreamEntity(
                new ByteArrayInputStream(PROMPT.getBytes(StandardCharsets.UTF_8)), ContentType.APPLICATION_JSON));

        text(request);

        RecordedRequest seen = take();
        assertThat(seen.getHeader("Transfer-Encoding")).isEqualTo("chunked");
        assertThat(seen.getHeader("Expect")).isNull();
        assertThat(seen.getBody().readUtf8()).isEqualTo(PROMPT);
    }

    @Test
    void longBody_isSentAsItIs() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));
        HttpPost request = post(GuardedWorld.OPENAI);
        String body = "x".repeat(3 << 20);
        request.setEntity(new StringEntity(body, ContentType.TEXT_PLAIN));

        text(request);

        assertThat(take().getBody().readUtf8()).isEqualTo(body);
    }

    // ---- what is not allowed doesn't

    @Test
    void execute_toOtherHost_isDeniedWithoutLookupOrConnection() throws Exception {
        assertDenied(post(GuardedWorld.EVIL), ErrorCode.EGRESS_DENIED, Reason.HOST_NOT_ALLOWED);

        assertNothingReachedEvil();
        JsonNode record = onlyCall();
        assertThat(record.at("/attributes/secure_runtime.verdict").asText()).isEqualTo("deny");
        assertThat(record.at("/attributes/server.address").asText()).isEqualTo(GuardedWorld.EVIL);
    }

    @Test
    void execute_toOtherHostWithoutTheGuard_arrives() throws Exception {
        world.evil.answer(LoopbackServer.json("{}"));

        try (CloseableHttpClient bare = BareApache.client()) {
            text(bare, post(GuardedWorld.EVIL));
        }

        assertThat(world.evil.server.takeRequest(5, TimeUnit.SECONDS).getBody().readUtf8())
                .isEqualTo(PROMPT);
    }

    @Test
    void clientForLibraries_answersARefusalWith403() throws Exception {
        try (CloseableHttpClient forLibraries = GuardedApache.client(world.agent);
                ClassicHttpResponse response = forLibraries.executeOpen(null, post(GuardedWorld.EVIL), null)) {
            assertThat(response.getCode()).isEqualTo(403);
            assertThat(response.getFirstHeader("X-Secure-Runtime-Denied").getValue())
                    .isEqualTo("SR-EGRESS-001");
            assertThat(EntityUtils.toString(response.getEntity()))
                    .contains("egress_denied")
                    .doesNotContain(GuardedWorld.EVIL);
        }
        assertNothingReachedEvil();
    }

    @Test
    void answerThatClaimsToBeADenial_isNotTakenForOne() throws Exception {
        world.provider.answer(LoopbackServer.json("{}").setHeader("X-Secure-Runtime-Denied", "SR-EGRESS-001"));

        try (ClassicHttpResponse response = client.executeOpen(null, post(GuardedWorld.OPENAI), null)) {
            assertThat(response.containsHeader("X-Secure-Runtime-Denied")).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void redirect_toOtherHost_isDeniedAndNothingSent(int status) throws Exception {
        world.provider.answer(LoopbackServer.redirect(status, world.url(GuardedWorld.EVIL, "/steal")));

        assertThatThrownBy(() -> text(post(GuardedWorld.OPENAI)))
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
                    assertThat(denial.code()).isEqualTo(ErrorCode.EGRESS_DENIED);
                    assertThat(denial.request().host()).isEqualTo(GuardedWorld.EVIL);
                    assertThat(denial.decision().detail()).contains("redirect from " + GuardedWorld.OPENAI);
                });

        assertNothingReachedEvil();
        JsonNode record = onlyCall();
        assertThat(record.at("/attributes/secure_runtime.redirected_from/0").asText())
                .isEqualTo(GuardedWorld.OPENAI);
        assertThat(record.at("/attributes/secure_runtime.attempts").asInt()).isEqualTo(1);
    }

    @Test
    void redirect307_toOtherHostWithoutTheGuard_replaysPromptAndKey() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.EVIL, "/steal")));
        world.evil.answer(LoopbackServer.json("{}"));
        HttpPost request = post(GuardedWorld.OPENAI);
        request.removeHeaders("Authorization"); // Apache 5.4 and later stop for this one, and for Cookie
        request.setHeader("x-api-key", "sk-leaks");

        try (CloseableHttpClient bare = BareApache.client()) {
            text(bare, request);
        }

        RecordedRequest stolen = world.evil.server.takeRequest(5, TimeUnit.SECONDS);
        assertThat(stolen.getHeader("x-api-key")).isEqualTo("sk-leaks");
        assertThat(stolen.getBody().readUtf8()).isEqualTo(PROMPT);
    }

    @Test
    void redirect307_toOtherAllowedHost_isRefusedBecauseOfTheBody() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.PARTNER, "/")));

        assertDenied(post(GuardedWorld.OPENAI), ErrorCode.EGRESS_REDIRECT_REFUSED, Reason.REDIRECT_WITH_BODY);

        assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void redirect303_toOtherAllowedHost_dropsBodyAndCredentials() throws Exception {
        world.provider.answer(
                LoopbackServer.redirect(303, world.url(GuardedWorld.PARTNER, "/result")), LoopbackServer.json("{}"));
        HttpPost request = post(GuardedWorld.OPENAI);
        request.setHeader("x-api-key", "sk-own");
        request.setHeader("X-Custom-Token", "t");
        request.setHeader("Accept", "application/json");

        text(request);

        take();
        RecordedRequest second = take();
        assertThat(second.getMethod()).isEqualTo("GET");
        assertThat(second.getBodySize()).isZero();
        assertThat(second.getHeaders().names())
                .doesNotContain("Authorization", "x-api-key", "X-Custom-Token", "x-goog-api-key", "Content-Type");
        assertThat(second.getHeader("Accept")).isEqualTo("application/json");
    }

    @Test
    void redirectAwayAndBack_carriesNoKeyToAPathThatTheOtherHostChose() throws Exception {
        world.provider.answer(
                LoopbackServer.redirect(302, world.url(GuardedWorld.PARTNER, "/")),
                LoopbackServer.redirect(302, world.url(GuardedWorld.OPENAI, "/chosen")),
                LoopbackServer.json("{}"));

        text(new HttpGet(world.url(GuardedWorld.OPENAI, "/")));

        assertThat(take().getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);
        assertThat(take().getHeader("Authorization")).isNull();
        assertThat(take().getHeader("Authorization")).isNull();
    }

    @Test
    void redirect307_withinTheOrigin_replaysTheBodyWithTheKey() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, "/v2/chat/completions"), LoopbackServer.json("{}"));

        text(post(GuardedWorld.OPENAI));

        take();
        RecordedRequest second = take();
        assertThat(second.getPath()).isEqualTo("/v2/chat/completions");
        assertThat(second.getBody().readUtf8()).isEqualTo(PROMPT);
        assertThat(second.getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);
        assertThat(onlyCall().at("/attributes/secure_runtime.complete").asBoolean())
                .isTrue();
    }

    @Test
    void redirectLoop_ends() {
        for (int i = 0; i < 12; i++) {
            world.provider.answer(LoopbackServer.redirect(307, "/again"));
        }

        assertThatThrownBy(() -> text(post(GuardedWorld.OPENAI))).hasMessageContaining("more than 10 redirects");
    }

    @Test
    void redirect_thatTheCallerDoesntFollow_isHandedOver() throws Exception {
        world.provider.answer(
                LoopbackServer.redirect(302, world.url(GuardedWorld.EVIL, "/")).setBody("moved"));
        HttpPost request = post(GuardedWorld.OPENAI);
        request.setConfig(RequestConfig.custom().setRedirectsEnabled(false).build());

        assertThat(text(request)).isEqualTo("302 moved");
    }

    @Test
    void allowedName_thatResolvesToAnAddressNobodyOpened_isDenied() throws Exception {
        world.resolver.set(GuardedWorld.PARTNER, "10.0.0.7");
        world.resolver.set(GuardedWorld.OPENAI, "93.184.216.34", "169.254.169.254");

        assertThatThrownBy(() -> text(post(GuardedWorld.PARTNER)))
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED));
        assertThatThrownBy(() -> text(post(GuardedWorld.OPENAI)))
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED));
    }

    @Test
    void nameThatIsRebound_isJudgedByTheAddressThatIsConnectedTo() throws Exception {
        world.provider.answer(LoopbackServer.json("{}").setHeader("Connection", "close"));
        text(post(GuardedWorld.OPENAI));
        assertThat(world.resolver.lookups())
                .as("one look-up: none between the decision and the use")
                .hasSize(1);

        world.resolver.set(GuardedWorld.OPENAI, "10.0.0.7");

        assertDenied(post(GuardedWorld.OPENAI), ErrorCode.EGRESS_ADDRESS_DENIED, Reason.SPECIAL_ADDRESS);
    }

    // ---- ends

    @Test
    void certificateOfAnotherName_isNotBelieved() {
        String literal = "https://127.0.0.1:" + world.provider.port() + "/";

        assertThatThrownBy(() -> text(new HttpGet(literal))).isInstanceOf(SSLException.class);

        assertThat(world.resolver.lookups()).as("an address is not looked up").isEmpty();
        assertThat(world.provider.server.getRequestCount()).isZero();
    }

    @Test
    void keptConnectionThatIsGone_isReplacedOnce_andCounted() throws Exception {
        world.provider.answer(
                LoopbackServer.json("{}"),
                new MockResponse().setSocketPolicy(SocketPolicy.DISCONNECT_AFTER_REQUEST),
                LoopbackServer.json("{}"));

        text(new HttpGet(world.url(GuardedWorld.OPENAI, "/")));
        assertThat(text(new HttpGet(world.url(GuardedWorld.OPENAI, "/")))).isEqualTo("200 {}");

        world.runtime.close();
        assertThat(world.records("egress.call")
                        .get(1)
                        .at("/attributes/secure_runtime.attempts")
                        .asInt())
                .isEqualTo(2);
    }

    @Test
    void requestThatIsNotIdempotent_isNotSentTwice() throws Exception {
        world.provider.answer(
                LoopbackServer.json("{}"), new MockResponse().setSocketPolicy(SocketPolicy.DISCONNECT_AFTER_REQUEST));
        text(post(GuardedWorld.OPENAI));

        assertThatThrownBy(() -> text(post(GuardedWorld.OPENAI))).isInstanceOf(IOException.class);

        assertThat(world.provider.server.getRequestCount()).isEqualTo(2);
    }

    @Test
    void responseTimeout_ofTheCaller_isKept() {
        world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        HttpPost request = post(GuardedWorld.OPENAI);
        request.setConfig(RequestConfig.custom()
                .setResponseTimeout(Timeout.ofMilliseconds(200))
                .build());

        assertThatThrownBy(() -> text(request)).isInstanceOf(SocketTimeoutException.class);
    }

    @Test
    void cancelledRequest_endsTheOneUnderneath() throws Exception {
        world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        HttpPost request = post(GuardedWorld.OPENAI);
        CompletableFuture<String> call = CompletableFuture.supplyAsync(() -> {
            try {
                return text(request);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        take();

        assertThat(request.cancel()).isTrue();

        assertThatThrownBy(() -> call.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        assertThat(world.provider.awaitOpen(0)).isTrue();
    }

    @Test
    void stream_thatIsOpenWhenTheRuntimeCloses_ends() throws Exception {
        world.provider.answer(new MockResponse().setBody("x".repeat(400_000)).throttleBody(1_000, 2, TimeUnit.SECONDS));
        ClassicHttpResponse response = client.executeOpen(null, new HttpGet(world.url(GuardedWorld.OPENAI, "/")), null);
        InputStream content = response.getEntity().getContent();
        assertThat(content.readNBytes(5)).hasSize(5);

        world.runtime.close();

        assertThatThrownBy(content::readAllBytes).isInstanceOf(IOException.class);
        assertThat(world.provider.awaitOpen(0)).isTrue();
        assertThatThrownBy(() -> text(post(GuardedWorld.OPENAI))).isInstanceOf(IOException.class);
    }

    @Test
    void closedClient_refuses_andOthersOfTheComponentGoOn() throws Exception {
        CloseableHttpClient other = GuardedApache.throwingClient(world.agent);
        world.provider.answer(LoopbackServer.json("{}"));

        client.close();

        assertThatThrownBy(() -> text(post(GuardedWorld.OPENAI))).isInstanceOf(IllegalStateException.class);
        assertThat(text(other, post(GuardedWorld.OPENAI))).isEqualTo("200 {}");
    }

    @Test
    void requestWithoutAHost_isNoRequest() {
        assertThatThrownBy(() -> client.executeOpen((HttpHost) null, new HttpGet("/relative"), null))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("names no host");
    }

    private void assertDenied(HttpUriRequestBase request, ErrorCode code, Reason reason) {
        assertThatThrownBy(() -> text(request)).isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
            assertThat(denial.code()).isEqualTo(code);
            assertThat(denial.decision().reason()).isEqualTo(reason);
        });
    }

    private RecordedRequest take() throws InterruptedException {
        RecordedRequest taken = world.provider.server.takeRequest(10, TimeUnit.SECONDS);
        assertThat(taken).isNotNull();
        return taken;
    }

    private JsonNode onlyCall() throws IOException {
        world.runtime.close();
        assertThat(world.records("egress.call")).hasSize(1);
        return world.records("egress.call").get(0);
    }

    private void assertNothingReachedEvil() {
        assertThat(world.resolver.lookups()).doesNotContain(GuardedWorld.EVIL);
        assertThat(world.evil.connections()).isZero();
    }
}
