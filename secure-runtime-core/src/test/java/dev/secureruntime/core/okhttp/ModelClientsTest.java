package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import okhttp3.mockwebserver.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** openai-java and anthropic-java, blocking, asynchronous and streaming, against a server that does what servers do. */
class ModelClientsTest {

    @TempDir
    Path folder;

    private GuardedWorld world;

    @BeforeEach
    void start() throws IOException {
        world = new GuardedWorld(folder);
    }

    @AfterEach
    void stop() throws IOException {
        world.close();
    }

    @ParameterizedTest
    @EnumSource
    void answer200_isGivenToTheClient_andRecordedOnceWithUsage(ModelClients client) throws Exception {
        world.provider.answer(ModelAnswers.good(client));

        client.call(world);

        RecordedRequest request = world.provider.server.takeRequest(5, TimeUnit.SECONDS);
        assertThat(request.getPath()).isEqualTo(client.path());
        assertThat(LoopbackServer.clear(request.getHeaders()))
                .contains(client.openAi ? GuardedWorld.OPENAI_KEY : GuardedWorld.ANTHROPIC_KEY)
                .doesNotContain("attached-by-secure-runtime");
        JsonNode record = onlyCall();
        assertThat(attribute(record, "secure_runtime.verdict")).isEqualTo("allow");
        assertThat(attribute(record, "secure_runtime.attempts")).isEqualTo("1");
        assertThat(attribute(record, "secure_runtime.complete")).isEqualTo("true");
        assertThat(attribute(record, "gen_ai.provider.name")).isEqualTo(client.openAi ? "openai" : "anthropic");
        assertThat(attribute(record, "gen_ai.request.model"))
                .isEqualTo(client.openAi ? "gpt-4o-mini" : "claude-sonnet-4-5");
        assertThat(attribute(record, "gen_ai.usage.input_tokens")).isEqualTo("11");
        assertThat(attribute(record, "gen_ai.usage.output_tokens")).isEqualTo("7");
        assertThat(record.at("/commitments/http.request.body/bytes").asLong()).isEqualTo(request.getBodySize());
        assertThat(world.everythingLogged())
                .doesNotContain(ModelClients.PROMPT_TEXT)
                .doesNotContain(ModelAnswers.ANSWER_TEXT)
                .doesNotContain(GuardedWorld.OPENAI_KEY)
                .doesNotContain(GuardedWorld.ANTHROPIC_KEY);
    }

    @ParameterizedTest
    @EnumSource
    void redirectToAnotherHost_isDeniedAtTheFirstTry_andNothingArrivesThere(ModelClients client) throws Exception {
        world.provider.answer(LoopbackServer.redirect(307, world.url(GuardedWorld.EVIL, "/steal")));

        assertThatThrownBy(() -> client.call(world))
                .satisfies(failure -> assertThat(chain(failure)).contains("PermissionDeniedException"));

        assertThat(world.evil.connections()).isZero();
        assertThat(world.resolver.lookups()).doesNotContain(GuardedWorld.EVIL);
        assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
        JsonNode record = onlyCall();
        assertThat(attribute(record, "secure_runtime.verdict")).isEqualTo("deny");
        assertThat(attribute(record, "server.address")).isEqualTo(GuardedWorld.EVIL);
        assertThat(attribute(record, "secure_runtime.attempts")).isEqualTo("1");
    }

    @ParameterizedTest
    @EnumSource
    void answer429_thenGood_isOneRecordWithTwoAttempts(ModelClients client) throws Exception {
        world.provider.answer(ModelAnswers.tooMany(), ModelAnswers.good(client));

        client.call(world);

        assertThat(world.provider.server.getRequestCount()).isEqualTo(2);
        JsonNode record = onlyCall();
        assertThat(attribute(record, "secure_runtime.attempts")).isEqualTo("2");
        assertThat(record.at("/attributes/secure_runtime.earlier_outcomes").toString())
                .isEqualTo("[\"429\"]");
        assertThat(attribute(record, "http.response.status_code")).isEqualTo("200");
    }

    @ParameterizedTest
    @EnumSource
    void answer429_toTheEnd_isOneRecordWithAllAttempts(ModelClients client) throws Exception {
        world.provider.answer(ModelAnswers.tooMany(), ModelAnswers.tooMany(), ModelAnswers.tooMany());

        assertThatThrownBy(() -> client.call(world))
                .satisfies(failure -> assertThat(chain(failure)).contains("RateLimitException"));

        assertThat(world.provider.server.getRequestCount()).isEqualTo(3);
        JsonNode record = onlyCall();
        assertThat(attribute(record, "secure_runtime.attempts")).isEqualTo("3");
        assertThat(attribute(record, "http.response.status_code")).isEqualTo("429");
    }

    @ParameterizedTest
    @EnumSource
    void responseCutOff_failsTheCall_andIsRecordedOnceAsIncomplete(ModelClients client) throws Exception {
        // On HTTP/1.1 what was written arrives before the end does; on HTTP/2 the two race, and a lost head is another
        // case.
        world.provider.server.setProtocols(List.of(Protocol.HTTP_1_1));
        world.provider.answer(ModelAnswers.cutOff(client));

        assertThatThrownBy(() -> client.call(world)).isNotNull();

        JsonNode record = onlyCall();
        assertThat(attribute(record, "secure_runtime.complete")).isEqualTo("false");
        assertThat(attribute(record, "error.type")).isNotEmpty();
        assertThat(attribute(record, "http.response.status_code")).isEqualTo("200");
    }

    @ParameterizedTest
    @EnumSource
    void promptWithAnotherProvidersKey_isRefusedAtTheFirstTry_andNothingOfItLeaves(ModelClients client)
            throws Exception {
        String key = client.openAi ? GuardedWorld.ANTHROPIC_KEY : GuardedWorld.OPENAI_KEY;

        assertThatThrownBy(() -> client.call(world, "what is this: " + key + "?"))
                .satisfies(failure -> assertThat(chain(failure)).contains("PermissionDeniedException"));

        assertThat(world.provider.connections()).isZero();
        assertThat(world.resolver.lookups()).isEmpty();
        JsonNode record = onlyCall();
        assertThat(attribute(record, "error.type")).isEqualTo("SR-EGRESS-006");
        assertThat(attribute(record, "secure_runtime.secret"))
                .isEqualTo(client.openAi ? "anthropic-api-key" : "openai-api-key");
        assertThat(attribute(record, "secure_runtime.found_in")).isEqualTo("body");
        assertThat(attribute(record, "secure_runtime.attempts")).isEqualTo("1");
        assertThat(world.everythingLogged()).doesNotContain(key);
    }

    private JsonNode onlyCall() throws IOException {
        world.runtime.close();
        List<JsonNode> records = world.records("egress.call");
        assertThat(records).hasSize(1);
        return records.get(0);
    }

    private static String attribute(JsonNode record, String name) {
        return record.path("attributes").path(name).asText();
    }

    private static String chain(Throwable failure) {
        StringBuilder names = new StringBuilder();
        for (Throwable t = failure; t != null; t = t.getCause()) {
            names.append(t.getClass().getName()).append(' ');
        }
        return names.toString();
    }
}
