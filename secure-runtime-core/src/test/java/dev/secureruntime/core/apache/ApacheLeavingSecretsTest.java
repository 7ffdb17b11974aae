package dev.secureruntime.core.apache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.core.okhttp.GuardedWorld;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Source;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import okhttp3.mockwebserver.RecordedRequest;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.apache.hc.core5.http.io.entity.InputStreamEntity;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Secrets that the runtime knows, sent through Apache HttpClient to an allowed host that they don't belong to. */
class ApacheLeavingSecretsTest {

    private static final String UMLAUTS = "p\u00e4ssw\u00f6rd-f\u00fcr-alle-0123";

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

    private HttpPost post(HttpEntity body) {
        HttpPost request = new HttpPost(world.url(GuardedWorld.PARTNER, "/"));
        request.setEntity(body);
        return request;
    }

    @Test
    void secretInUrlHeaderOrBody_isRefusedBeforeAnythingIsLookedUp() throws Exception {
        HttpGet header = new HttpGet(world.url(GuardedWorld.PARTNER, "/"));
        header.setHeader("X-Note", GuardedWorld.OPENAI_KEY);

        assertLeaving(header);
        assertLeaving(new HttpGet(world.url(GuardedWorld.PARTNER, "/?q=" + GuardedWorld.OPENAI_KEY)));
        assertLeaving(post(new StringEntity("note: " + GuardedWorld.OPENAI_KEY, ContentType.TEXT_PLAIN)));

        assertThat(world.resolver.lookups()).isEmpty();
        assertThat(world.provider.connections()).isZero();
        world.runtime.close();
        assertThat(world.everythingLogged()).doesNotContain(GuardedWorld.OPENAI_KEY);
    }

    @Test
    void secretInAStream_isCutBeforeItLeaves_andTheRequestNeverLooksWhole() throws Exception {
        byte[] stream = ("x".repeat(2_000_000) + GuardedWorld.OPENAI_KEY + "x".repeat(100_000))
                .getBytes(StandardCharsets.US_ASCII);

        assertLeaving(post(new InputStreamEntity(new ByteArrayInputStream(stream), null)));

        assertThat(world.provider.awaitOpen(0)).isTrue();
        RecordedRequest cut = world.provider.server.takeRequest(1, TimeUnit.SECONDS);
        if (cut != null) { // the server needn't have seen anything of what was broken off
            assertThat(cut.getFailure()).as("it saw it break off").isNotNull();
            assertThat(cut.getBody().readUtf8()).doesNotContain(GuardedWorld.OPENAI_KEY.substring(0, 8));
        }
    }

    /** An entity is code of the caller's: what it throws says nothing of what it was told. */
    @Test
    void secretInAStream_whoseEntityThrowsSomethingElseInstead_isRecordedAsRefused() throws Exception {
        byte[] stream = ("x".repeat(2_000_000) + GuardedWorld.OPENAI_KEY + "x".repeat(100_000))
                .getBytes(StandardCharsets.US_ASCII);
        for (Exception instead : List.of(new IOException("the disk is gone"), new IllegalStateException("a bug"))) {
            HttpEntity written = new InputStreamEntity(new ByteArrayInputStream(stream), null);
            HttpEntity entity = new HttpEntityWrapper(written) {
                @Override
                public void writeTo(OutputStream target) throws IOException {
                    try {
                        written.writeTo(target);
                    } catch (IOException refusal) {
                        if (instead instanceof IOException broken) {
                            throw broken;
                        }
                        throw (RuntimeException) instead;
                    }
                }
            };
            assertThatThrownBy(() -> client.execute(post(entity), response -> null))
                    .isInstanceOf(Exception.class);
        }
        world.runtime.close();
        List<JsonNode> calls = world.records("egress.call");
        assertThat(calls).hasSize(2);
        for (JsonNode call : calls) {
            JsonNode said = call.path("attributes");
            assertThat(said.path("secure_runtime.verdict").asText()).isEqualTo("deny");
            assertThat(said.path("error.type").asText()).isEqualTo("SR-EGRESS-006");
            assertThat(said.path("secure_runtime.secret").asText()).isEqualTo("openai-api-key");
        }
    }

    @Test
    void secretInAStream_withoutTheGuard_arrives() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));

        try (CloseableHttpClient bare = BareApache.client()) {
            bare.execute(post(new StringEntity(GuardedWorld.OPENAI_KEY)), response -> null);
        }

        assertThat(world.provider
                        .server
                        .takeRequest(10, TimeUnit.SECONDS)
                        .getBody()
                        .readUtf8())
                .isEqualTo(GuardedWorld.OPENAI_KEY);
    }

    @Test
    void bodyThatFailsHalfway_neverLooksWhole() throws Exception {
        assertThatThrownBy(() -> client.execute(failing(), response -> null)).hasMessageContaining("the disk is gone");

        assertThat(world.provider.awaitOpen(0)).isTrue();
        RecordedRequest seen = world.provider.server.takeRequest(1, TimeUnit.SECONDS);
        if (seen != null) { // the server needn't have seen anything of it
            assertThat(seen.getFailure()).isNotNull();
        }
    }

    private HttpPost failing() {
        InputStream broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("the disk is gone");
            }
        };
        return post(new InputStreamEntity(
                new SequenceInputStream(new ByteArrayInputStream(new byte[100_000]), broken), null));
    }

    /** Apache writes a header's characters as bytes of ISO-8859-1: these are the secret's bytes in UTF-8. */
    private HttpGet withSecretByteByByte() {
        HttpGet request = new HttpGet(world.url(GuardedWorld.PARTNER, "/"));
        request.setHeader("X-Note", new String(UMLAUTS.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
        return request;
    }

    @Test
    void secretBeyondAscii_inAHeaderByteByByte_isRefused() throws Exception {
        Path trap = Files.writeString(folder.resolve("trap"), UMLAUTS);
        Scope scope = Scope.HTTPS.onPort(world.provider.port());
        world.runtime.reload(Policy.builder()
                .component(
                        "agent",
                        ComponentPolicy.builder()
                                .allow(EgressRule.host(GuardedWorld.PARTNER, scope))
                                .allow(EgressRule.cidr("127.0.0.1/32", scope))
                                .build())
                .secret("trap", SecretPolicy.from(new Source.File(trap)).asCanary())
                .build());

        world.provider.answer(LoopbackServer.json("{}"));
        assertLeaving(withSecretByteByByte());

        assertThat(world.provider.connections()).isZero();
    }

    @Test
    void secretBeyondAscii_inAHeaderByteByByte_withoutTheGuard_arrives() throws Exception {
        world.provider.answer(LoopbackServer.json("{}"));

        try (CloseableHttpClient bare = BareApache.client()) {
            bare.execute(withSecretByteByByte(), response -> null);
        }

        RecordedRequest seen = world.provider.server.takeRequest(10, TimeUnit.SECONDS);
        assertThat(seen.getHeader("X-Note")).isEqualTo(UMLAUTS);
    }

    private void assertLeaving(HttpUriRequestBase request) {
        assertThatThrownBy(() -> client.execute(request, response -> null))
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_SECRET_LEAVING));
    }
}
