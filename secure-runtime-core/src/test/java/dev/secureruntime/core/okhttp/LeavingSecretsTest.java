package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.EnforcementMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import okhttp3.Call;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Registered secrets and canaries in what leaves: each attack first reaches the server from a bare client. */
class LeavingSecretsTest {

    @TempDir
    Path folder;

    private LeakWorld leak;

    @BeforeEach
    void start() throws IOException {
        leak = new LeakWorld(folder);
    }

    @AfterEach
    void stop() throws IOException {
        leak.close();
    }

    private Request.Builder to(String host) {
        return new Request.Builder().url(leak.world.url(host, "/v1/messages"));
    }

    private EgressDeniedException refusal(Request request) {
        Call call = leak.calls.newCall(request);
        EgressDeniedException refused = catchThrowableOfType(
                EgressDeniedException.class, () -> call.execute().close());
        assertThat(refused).isNotNull();
        assertThat(refused.code()).isEqualTo(ErrorCode.EGRESS_SECRET_LEAVING);
        return refused;
    }

    /** Sends it without protection, to show that the server would have had it. */
    private RecordedRequest arrives(Request request) throws Exception {
        leak.world.provider.answer(LoopbackServer.json("{}"));
        leak.bare().newCall(request).execute().close();
        RecordedRequest seen = leak.world.provider.server.takeRequest(20, TimeUnit.SECONDS);
        assertThat(seen).isNotNull();
        return seen;
    }

    private void requireNothingArrived(int connections) {
        assertThat(leak.world.provider.connections()).isEqualTo(connections);
        assertThat(leak.world.resolver.lookups()).isEmpty();
    }

    private JsonNode onlyDenial() throws IOException {
        leak.world.runtime.close();
        List<JsonNode> calls = leak.world.records("egress.call");
        assertThat(calls).hasSize(1);
        return calls.get(0).path("attributes");
    }

    private void requireNotLogged(String... secrets) throws IOException {
        for (String secret : secrets) {
            assertThat(leak.world.everythingLogged()).doesNotContain(secret);
        }
    }

    // ---- every place, every form

    @ParameterizedTest
    @MethodSource("dev.secureruntime.core.okhttp.Place#inEachForm")
    void call_withASecretThatBelongsNowhere_isRefusedBeforeAnyLookUp(Place place, SecretForm form) throws Exception {
        Request request = place.carry(to(LeakWorld.PARTNER), form.of(LeakWorld.CRM));
        arrives(request);
        int connections = leak.world.provider.connections();

        EgressDeniedException refused = refusal(request);

        requireNothingArrived(connections);
        assertThat(refused.decision().reason()).isEqualTo(Reason.SECRET_LEAVING);
        assertThat(refused.decision().detail()).contains("\"crm\"").doesNotContain(LeakWorld.CRM);
        assertThat(refused.decision().remedy()).contains("secrets.crm.sendTo");
        JsonNode said = onlyDenial();
        assertThat(said.path("secure_runtime.verdict").asText()).isEqualTo("deny");
        assertThat(said.path("secure_runtime.action").asText()).isEqualTo("block");
        assertThat(said.path("secure_runtime.reason").asText()).isEqualTo("secret_leaving");
        assertThat(said.path("secure_runtime.secret").asText()).isEqualTo("crm");
        assertThat(said.path("secure_runtime.found_in").asText())
                .isEqualTo(
                        switch (place) {
                            case PATH, QUERY -> "url";
                            case HEADER -> "header X-Debug";
                            case CREDENTIAL_HEADER -> "header Authorization";
                            case CONTENT_TYPE -> "header Content-Type";
                            case BODY -> "body";
                        });
        requireNotLogged(form.of(LeakWorld.CRM));
    }

    @ParameterizedTest
    @EnumSource
    void call_withACanary_isRefused_andIsAnAlarm(Place place) throws Exception {
        Request request = place.carry(to(LeakWorld.OPENAI), SecretForm.BASE64.of(LeakWorld.TRAP));
        arrives(request);
        int connections = leak.world.provider.connections();

        assertThat(refusal(request).decision().reason()).isEqualTo(Reason.CANARY_LEAVING);

        requireNothingArrived(connections);
        assertThat(onlyDenial().path("secure_runtime.reason").asText()).isEqualTo("canary_leaving");
        List<JsonNode> alarms = leak.world.records("secret.canary");
        assertThat(alarms).hasSize(1);
        JsonNode alarm = alarms.get(0).path("attributes");
        assertThat(alarm.path("secure_runtime.secret").asText()).isEqualTo("trap");
        assertThat(alarm.path("server.address").asText()).isEqualTo(LeakWorld.OPENAI);
        assertThat(alarm.path("secure_runtime.found_in").asText()).isNotEmpty();
        requireNotLogged(LeakWorld.TRAP, SecretForm.BASE64.of(LeakWorld.TRAP));
    }

    @Test
    void call_toAHostThatNoRuleAllows_withACanary_isAnAlarmAllTheSame() throws Exception {
        refusal(Place.QUERY.carry(to(GuardedWorld.EVIL), LeakWorld.TRAP));

        leak.world.runtime.close();
        assertThat(leak.world.records("secret.canary")).hasSize(1);
        assertThat(leak.world.evil.connections()).isZero();
    }

    // ---- names of hosts

    static Stream<String> labels() {
        byte[] key = LeakWorld.bytes(LeakWorld.OPENAI_KEY);
        String hex = HexFormat.of().formatHex(key);
        return Stream.of(
                LeakWorld.OPENAI_KEY,
                LeakWorld.OPENAI_KEY.toUpperCase(Locale.ROOT),
                "x-" + hex.substring(0, 30) + "." + hex.substring(30) + "-y",
                // "a" + the key and the key, by Python's base64.b32encode
                "mfzwwllsmvqwyllpobsw4yljfvvwk6jngaytemzugu3doobz",
                "onvs24tfmfwc233qmvxgc2jnnnsxsljqgezdgnbvgy3tqoi");
    }

    @ParameterizedTest
    @MethodSource("labels")
    void call_toAHostWhoseNameHoldsASecret_isNotLookedUp_andItsNameIsNotTold(String label) throws Exception {
        String host = label + "." + LeakWorld.PARTNER;
        EgressDeniedException refused = refusal(to(host).build());

        assertThat(leak.world.resolver.lookups()).isEmpty();
        assertThat(refused.request().host()).isEqualTo("(redacted)");
        String part = label.toLowerCase(Locale.ROOT).substring(4, 20);
        assertThat(refused.getMessage()).doesNotContain(part);
        JsonNode said = onlyDenial();
        assertThat(said.path("secure_runtime.found_in").asText()).isEqualTo("host");
        assertThat(said.path("secure_runtime.secret").asText()).isEqualTo("openai-api-key");
        requireNotLogged(part);
    }

    @Test
    void call_toAnotherNameBelowTheSameDomain_isLookedUp() throws Exception {
        leak.world.resolver.set("sk-real-openai." + LeakWorld.PARTNER, "192.0.2.1");
        assertThatThrownBy(() -> leak.calls
                        .newCall(to("sk-real-openai." + LeakWorld.PARTNER).build())
                        .execute())
                .isInstanceOf(EgressDeniedException.class)
                .hasMessageContaining("SR-EGRESS-002");
        assertThat(leak.world.resolver.lookups()).containsExactly("sk-real-openai." + LeakWorld.PARTNER);
    }

    @Test
    void call_whoseMethodOrHeaderNameIsASecret_isRefused() throws Exception {
        leak.crm.set("abcdefghijklmnop");
        leak.world.agent.secrets().open("crm").close();

        assertThat(refusal(to(LeakWorld.PARTNER)
                                .method("abcdefghijklmnop", RequestBody.create(new byte[0]))
                                .build())
                        .getMessage())
                .doesNotContainIgnoringCase("abcdefghijklmnop");
        refusal(to(LeakWorld.PARTNER).header("x-abcdefghijklmnop", "1").build());
        leak.world.runtime.close();
        requireNotLogged("abcdefghijklmnop", "ABCDEFGHIJKLMNOP");
    }

    @ParameterizedTest
    @ValueSource(strings = {"%73k-real-openai-k%65y-0123456789", "%2573k-real-openai-k%2565y-0123456789"})
    void call_withEscapesThatNothingNeeds_isRefused(String hidden) {
        refusal(to(LeakWorld.PARTNER)
                .url(leak.world.url(LeakWorld.PARTNER, "/p?q=" + hidden))
                .build());
    }

    // ---- keys and the hosts they belong to

    @Test
    void call_toItsOwnHost_withTheKeyThatTheCallerHasToo_isReplacedAndGoesThrough() throws Exception {
        leak.world.provider.answer(LoopbackServer.json("{}"));
        leak.calls
                .newCall(to(LeakWorld.OPENAI)
                        .header("Authorization", "Bearer " + LeakWorld.OPENAI_KEY)
                        .build())
                .execute()
                .close();

        RecordedRequest seen = leak.world.provider.server.takeRequest(20, TimeUnit.SECONDS);
        assertThat(seen.getHeaders().values("Authorization")).containsExactly("Bearer " + LeakWorld.OPENAI_KEY);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "CREDENTIAL_HEADER")
    void call_toItsOwnHost_withTheKeyElsewhereInTheRequest_isRefused(Place place) throws Exception {
        Request request = place.carry(to(LeakWorld.OPENAI), LeakWorld.OPENAI_KEY);
        arrives(request);
        assertThat(refusal(request).decision().remedy()).contains(LeakWorld.OPENAI);
    }

    @ParameterizedTest
    @EnumSource
    void call_toAHostThatHasAKey_withAnothersKey_isRefused(Place place) throws Exception {
        Request request = place.carry(to(LeakWorld.OPENAI), LeakWorld.ANTHROPIC_KEY);
        arrives(request);
        int connections = leak.world.provider.connections();
        assertThat(refusal(request).decision().detail()).contains("\"anthropic-api-key\"");
        requireNothingArrived(connections);
    }

    @ParameterizedTest
    @EnumSource
    void call_byAComponentThatIsNotEntitled_toTheKeysOwnHost_isRefused(Place place) {
        Request request = place.carry(to(LeakWorld.OPENAI), LeakWorld.OPENAI_KEY);
        assertThatThrownBy(() -> GuardedOkHttp.callFactory(leak.stranger)
                        .newCall(request)
                        .execute())
                .isInstanceOf(EgressDeniedException.class)
                .hasMessageContaining("SR-EGRESS-006");
    }

    @ParameterizedTest
    @EnumSource
    void call_withASecretThatMayBeSentThere_goesThrough(Place place) throws Exception {
        leak.world.provider.answer(LoopbackServer.json("{}"));
        leak.calls
                .newCall(place.carry(to(LeakWorld.PARTNER), LeakWorld.CLIENT_SECRET))
                .execute()
                .close();
        assertThat(leak.world.provider.server.takeRequest(20, TimeUnit.SECONDS)).isNotNull();

        refusal(place.carry(to(LeakWorld.OPENAI), LeakWorld.CLIENT_SECRET));
        assertThatThrownBy(() -> GuardedOkHttp.callFactory(leak.stranger)
                        .newCall(place.carry(to(LeakWorld.PARTNER), LeakWorld.CLIENT_SECRET))
                        .execute())
                .hasMessageContaining("SR-EGRESS-006");
    }

    @Test
    void call_withATokenThatTheComponentLeasedItself_mayHaveItInAHeaderOnly() throws Exception {
        String token = LeakWorld.lease(leak.world.agent, "leased-token-0123456789");
        leak.world.provider.answer(LoopbackServer.json("{}"));
        leak.calls
                .newCall(Place.CREDENTIAL_HEADER.carry(to(LeakWorld.PARTNER), token))
                .execute()
                .close();
        assertThat(leak.world.provider.server.takeRequest(20, TimeUnit.SECONDS).getHeader("Authorization"))
                .isEqualTo("Bearer " + token);

        refusal(Place.BODY.carry(to(LeakWorld.PARTNER), token));
        refusal(Place.QUERY.carry(to(LeakWorld.PARTNER), token));
        assertThatThrownBy(() -> GuardedOkHttp.callFactory(leak.stranger)
                        .newCall(Place.HEADER.carry(to(LeakWorld.PARTNER), token))
                        .execute())
                .hasMessageContaining("SR-EGRESS-006");
    }

    @Test
    void call_withAValueFromBeforeARotation_isRefused() {
        leak.crm.set("the-value-after-the-rotation");
        leak.world.agent.secrets().open("crm").close();

        refusal(Place.BODY.carry(to(LeakWorld.PARTNER), LeakWorld.CRM));
        refusal(Place.BODY.carry(to(LeakWorld.PARTNER), "the-value-after-the-rotation"));
    }

    // ---- redirects, report mode, nothing to find

    @ParameterizedTest
    @ValueSource(strings = {LeakWorld.OPENAI, LeakWorld.PARTNER})
    void redirect_toAUrlWithAKey_isRefused(String host) throws Exception {
        leak.world.provider.answer(
                LoopbackServer.redirect(302, leak.world.url(host, "/next?k=" + LeakWorld.OPENAI_KEY)));
        refusal(to(LeakWorld.OPENAI).build());

        assertThat(leak.world.provider.server.getRequestCount()).isEqualTo(1);
        assertThat(onlyDenial().path("secure_runtime.hop").asInt()).isEqualTo(1);
    }

    @Test
    void redirectedBody_isLookedAtAgain() throws Exception {
        leak.crm.set("a-secret-that-rotates-in");
        leak.world.provider.server.setDispatcher(new okhttp3.mockwebserver.Dispatcher() {
            @Override
            public okhttp3.mockwebserver.MockResponse dispatch(RecordedRequest request) {
                leak.world.agent.secrets().open("crm").close(); // known from here on
                return LoopbackServer.redirect(307, "/again");
            }
        });
        refusal(Place.BODY.carry(to(LeakWorld.PARTNER), "a-secret-that-rotates-in"));
        assertThat(leak.world.provider.server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void call_inReportMode_staysRefused(@TempDir Path other) throws Exception {
        try (LeakWorld reporting = new LeakWorld(other, EnforcementMode.REPORT)) {
            Request request = Place.BODY.carry(
                    new Request.Builder().url(reporting.world.url(GuardedWorld.EVIL, "/x")), LeakWorld.CRM);
            assertThatThrownBy(() -> reporting.calls.newCall(request).execute())
                    .isInstanceOf(EgressDeniedException.class)
                    .hasMessageContaining("SR-EGRESS-006");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"HTTP_1_1", "HTTP_2"})
    void call_withPartsAndLookAlikes_goesThroughUnchanged(Protocol protocol) throws Exception {
        leak.protocol(protocol);
        String text =
                "sk-real-openai-key sk-real-openai-key-012345678 " + LeakWorld.CRM.substring(1) + " sk-proj-other";
        for (Place place : List.of(Place.QUERY, Place.HEADER, Place.BODY)) {
            leak.world.provider.answer(LoopbackServer.json("{}"));
            leak.calls
                    .newCall(place.carry(to(LeakWorld.PARTNER), text))
                    .execute()
                    .close();
            assertThat(leak.world.provider.server.takeRequest(20, TimeUnit.SECONDS))
                    .isNotNull();
        }
    }
}
