package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.ContentSettings;
import dev.secureruntime.core.audit.ContentDisclosures;
import dev.secureruntime.error.SecureRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import okhttp3.MediaType;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Guarded calls with content storing on: bodies are kept, but not one with a registered secret in it. */
class StoredBodiesTest {

    @TempDir
    private Path folder;

    private ContentSettings store() {
        return ContentSettings.in(folder.resolve("store"));
    }

    private GuardedWorld world() throws Exception {
        return new GuardedWorld(
                folder,
                builder -> builder.auditLog(
                        AuditSettings.in(folder.resolve("audit")).content(store())));
    }

    private static void post(GuardedWorld world, String prompt, String answer) throws Exception {
        world.provider.answer(LoopbackServer.json(answer));
        Request request = new Request.Builder()
                .url(world.url(GuardedWorld.OPENAI, "/v1/chat/completions"))
                .post(RequestBody.create(prompt, MediaType.get("application/json")))
                .build();
        try (Response response =
                GuardedOkHttp.client(world.agent).newCall(request).execute()) {
            assertThat(response.body().string()).isEqualTo(answer);
        }
    }

    private String disclosed(long index, String field) {
        return new String(
                ContentDisclosures.make(folder.resolve("audit"), index, field, store())
                        .value(),
                StandardCharsets.UTF_8);
    }

    @Test
    void call_withContentStoringOn_keepsBothBodies_untilTheyAreErased() throws Exception {
        long index;
        try (GuardedWorld world = world()) {
            post(world, "{\"prompt\":\"of a user\"}", "{\"answer\":\"of a model\"}");
            world.runtime.audit().checkpoint();
            JsonNode record = world.records("egress.call").get(0);
            index = record.get("seq").asLong();
            assertThat(disclosed(index, "http.request.body")).isEqualTo("{\"prompt\":\"of a user\"}");
            assertThat(disclosed(index, "http.response.body")).isEqualTo("{\"answer\":\"of a model\"}");
            assertThat(world.everythingLogged()).doesNotContain("of a user").doesNotContain("of a model");
            assertThatThrownBy(() -> world.agent.audit().erase("component/agent"))
                    .isInstanceOf(SecureRuntimeException.class);
            world.runtime.audit().erase("component/agent");
        }
        assertThatThrownBy(() -> disclosed(index, "http.request.body")).hasMessageContaining("erased");
    }

    @Test
    void call_whoseAnswerRepeatsTheKey_isRecordedWithoutIt() throws Exception {
        try (GuardedWorld world = world()) {
            post(world, "{}", "invalid key " + GuardedWorld.OPENAI_KEY);
            world.runtime.audit().checkpoint();
            JsonNode record = world.records("egress.call").get(0);
            assertThat(record.get("attributes")
                            .get("secure_runtime.content.not_stored")
                            .toString())
                    .isEqualTo("[\"http.response.body: registered_secret\"]");
            assertThat(record.get("commitments").has("http.response.body")).isTrue();
            assertThat(disclosed(record.get("seq").asLong(), "http.request.body"))
                    .isEqualTo("{}");
            assertThatThrownBy(() -> disclosed(record.get("seq").asLong(), "http.response.body"))
                    .hasMessageContaining("not in the store");
        }
    }

    @Test
    void call_thatIsRefusedForTheKeyInItsModelName_isRecordedWithAMarker() throws Exception {
        try (GuardedWorld world = world()) {
            Request request = new Request.Builder()
                    .url(world.url(GuardedWorld.OPENAI, "/v1/chat/completions"))
                    .post(RequestBody.create(
                            "{\"model\":\"gpt-" + GuardedWorld.OPENAI_KEY + "\"}", MediaType.get("application/json")))
                    .build();
            assertThatThrownBy(() -> GuardedOkHttp.callFactory(world.agent)
                            .newCall(request)
                            .execute())
                    .hasMessageContaining("SR-EGRESS-006");
            world.runtime.audit().checkpoint();
            assertThat(world.everythingLogged())
                    .contains("\"gen_ai.request.model\":\"[redacted: registered secret]\"")
                    .doesNotContain(GuardedWorld.OPENAI_KEY);
        }
    }

    @Test
    void call_whoseAnswerNamesTheKeyAsModel_isRecordedWithAMarker() throws Exception {
        try (GuardedWorld world = world()) {
            // In the request it would be refused; what an answer says is the provider's.
            post(world, "{}", "{\"model\":\"gpt-" + GuardedWorld.OPENAI_KEY + "\"}");
            world.runtime.audit().checkpoint();
            assertThat(world.everythingLogged())
                    .contains("\"gen_ai.response.model\":\"[redacted: registered secret]\"")
                    .contains("\"secure_runtime.redacted\":[\"gen_ai.response.model\"]")
                    .doesNotContain(GuardedWorld.OPENAI_KEY);
        }
    }
}
