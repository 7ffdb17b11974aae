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
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import okhttp3.mockwebserver.RecordedRequest;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Redirects of Apache HttpClient 5 under guard, hop by hop. */
class ApacheRedirectsTest {

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

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void redirect_toOtherHost_isDeniedAndNothingSent(int status) throws Exception {
        world.provider.answer(LoopbackServer.redirect(status, world.url(GuardedWorld.EVIL, "/steal")));

        assertThatThrownBy(() -> text(client, post(world, GuardedWorld.OPENAI)))
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
        HttpPost request = post(world, GuardedWorld.OPENAI);
        request.removeHeaders("Authorization"); // Apache 5.4 and later stop for this one, and for Cookie
        request.setHeader("x-api-key", "sk-leaks");

        try (CloseableHttpClient bare = BareApache.client()) {
            text(bare, request);
        }

        RecordedRequest stolen = world.evil.server.takeRequest(5, TimeUnit.SECONDS);
        assertThat(stolen.getHeader("x-api-key")).isEqualTo("sk-leaks");
        assertThat(stolen.getBody().readUtf8()).isEqualTo(GuardedWorld.PROMPT);
    }

    @Test
    void redirect307_toOtherAllowedHost_isRefusedBecauseOfTheBody() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.PARTNER, "/")));

        assertDenied(
                client, post(world, GuardedWorld.OPENAI), ErrorCode.EGRESS_REDIRECT_REFUSED, Reason.REDIRECT_WITH_BODY);

        assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void redirect303_toOtherAllowedHost_dropsBodyAndCredentials() throws Exception {
        world.provider.answer(
                LoopbackServer.redirect(303, world.url(GuardedWorld.PARTNER, "/result")), LoopbackServer.json("{}"));
        HttpPost request = post(world, GuardedWorld.OPENAI);
        request.setHeader("x-api-key", "sk-own");
        request.setHeader("X-Custom-Token", "t");
        request.setHeader("Accept", "application/json");

        text(client, request);

        world.take();
        RecordedRequest second = world.take();
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

        text(client, new HttpGet(world.url(GuardedWorld.OPENAI, "/")));

        assertThat(world.take().getHeader("Authorization")).contains(GuardedWorld.OPENAI_KEY);
        assertThat(world.take().getHeader("Authorization")).isNull();
        assertThat(world.take().getHeader("Authorization")).isNull();
    }

    @Test
    void redirect307_withinTheOrigin_replaysTheBodyWithTheKey() throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, "/v2/chat/completions"), LoopbackServer.json("{}"));

        text(client, post(world, GuardedWorld.OPENAI));

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

        assertThatThrownBy(() -> text(client, post(world, GuardedWorld.OPENAI)))
                .hasMessageContaining("more than 10 redirects");
    }

    @Test
    void redirect_thatTheCallerDoesntFollow_isHandedOver() throws Exception {
        world.provider.answer(
                LoopbackServer.redirect(302, world.url(GuardedWorld.EVIL, "/")).setBody("moved"));
        HttpPost request = post(world, GuardedWorld.OPENAI);
        request.setConfig(RequestConfig.custom().setRedirectsEnabled(false).build());

        assertThat(text(client, request)).isEqualTo("302 moved");
    }
}
