package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.Component;
import dev.secureruntime.RuntimeBuilder;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.WrittenLog;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.mockwebserver.RecordedRequest;

/**
 * A provider, a host that nobody allowed, and a runtime between them: the names are real, the addresses loopback.
 */
public final class GuardedWorld implements AutoCloseable {

    public static final String OPENAI_KEY = "sk-real-openai-key-0123456789";
    public static final String ANTHROPIC_KEY = "sk-ant-real-anthropic-key-987";
    public static final String OPENAI = "api.openai.com";
    public static final String ANTHROPIC = "api.anthropic.com";
    public static final String PARTNER = "partner.example";
    public static final String EVIL = "evil.example";
    public static final String PROMPT = "{\"model\":\"m\",\"messages\":[\"the user's secret plans\"]}";

    public final LoopbackServer provider;
    public final LoopbackServer evil;
    public final FakeResolver resolver = new FakeResolver();
    public final Path auditDirectory;
    public final SecureRuntime runtime;
    public final Component agent;

    public GuardedWorld(Path folder) throws IOException {
        this(folder, settings -> settings);
    }

    public GuardedWorld(Path folder, UnaryOperator<RuntimeBuilder> changes) throws IOException {
        provider = new LoopbackServer(OPENAI, ANTHROPIC, PARTNER);
        evil = new LoopbackServer(EVIL, OPENAI);
        auditDirectory = folder.resolve("audit");
        runtime = changes.apply(SecureRuntime.builder()
                        .policy(policy(provider.port()))
                        .auditLog(AuditSettings.in(auditDirectory))
                        .secret("openai-api-key", () -> OPENAI_KEY.getBytes(StandardCharsets.US_ASCII))
                        .secret("anthropic-api-key", () -> ANTHROPIC_KEY.getBytes(StandardCharsets.US_ASCII))
                        .resolver(resolver)
                        .trustManager(LoopbackServer.CLIENT.trustManager()))
                .build();
        agent = runtime.component("agent");
    }

    private static Policy policy(int port) {
        Scope scope = Scope.HTTPS.onPort(port);
        return Policy.builder()
                .component(
                        "agent",
                        ComponentPolicy.builder()
                                .allow(EgressRule.host(OPENAI, scope))
                                .allow(EgressRule.host(ANTHROPIC, scope))
                                .allow(EgressRule.host(PARTNER, scope))
                                .allow(EgressRule.cidr("127.0.0.1/32", scope))
                                .secret("openai-api-key")
                                .secret("anthropic-api-key")
                                .build())
                .component(
                        "stranger", ComponentPolicy.builder().allowHost(OPENAI).build())
                .secret(
                        "openai-api-key",
                        SecretPolicy.suppliedByCode().attachedAs(Attachment.bearer(OPENAI + ":" + port)))
                .secret(
                        "anthropic-api-key",
                        SecretPolicy.suppliedByCode()
                                .attachedAs(Attachment.header("x-api-key", ANTHROPIC + ":" + port)))
                .build();
    }

    public String url(String host, String path) {
        return "https://" + host + ":" + (host.equals(EVIL) ? evil.port() : provider.port()) + path;
    }

    Request get(String host) {
        return new Request.Builder().url(url(host, "/v1/models")).build();
    }

    /** A call of a model with {@link #PROMPT}, and with keys that are none. */
    Request post(String host) {
        return new Request.Builder()
                .url(url(host, "/v1/chat/completions"))
                .header("Authorization", "Bearer placeholder")
                .header("x-goog-api-key", "google-placeholder")
                .post(RequestBody.create(PROMPT, MediaType.get("application/json")))
                .build();
    }

    Request post(RequestBody body) {
        return new Request.Builder()
                .url(url(OPENAI, "/v1/chat/completions"))
                .post(body)
                .build();
    }

    /** The provider's next request. */
    public RecordedRequest take() throws InterruptedException {
        RecordedRequest request = provider.server.takeRequest(10, TimeUnit.SECONDS);
        assertThat(request).isNotNull();
        return request;
    }

    /** The record of the one call that there was; ends the runtime. */
    public JsonNode onlyCall() throws IOException {
        runtime.close();
        List<JsonNode> records = records("egress.call");
        assertThat(records).hasSize(1);
        return records.get(0);
    }

    public void assertNothingReachedEvil() {
        assertThat(resolver.lookups()).doesNotContain(EVIL);
        assertThat(evil.connections()).isZero();
    }

    void assertMalformed(Request request) {
        assertThatThrownBy(
                        () -> GuardedOkHttp.callFactory(agent).newCall(request).execute())
                .isInstanceOfSatisfying(EgressDeniedException.class, denial -> assertThat(denial.code())
                        .isEqualTo(ErrorCode.EGRESS_MALFORMED_TARGET));
        assertThat(provider.connections()).isZero();
    }

    /** A client without protection, which trusts and finds the same servers: the attack's proof. */
    public OkHttpClient bare() {
        return new OkHttpClient.Builder()
                .dns(host -> resolveBare())
                .sslSocketFactory(LoopbackServer.CLIENT.sslSocketFactory(), LoopbackServer.CLIENT.trustManager())
                .build();
    }

    private static List<InetAddress> resolveBare() {
        return List.of(InetAddress.getLoopbackAddress());
    }

    /** The audit records of a type, in order; a checkpoint first makes sure that the bytes are on disk. */
    public List<JsonNode> records(String type) throws IOException {
        return new WrittenLog(auditDirectory).records(type);
    }

    /** Everything that the log's directory holds, as text: what a leak test greps. */
    public String everythingLogged() throws IOException {
        return new WrittenLog(auditDirectory).everything();
    }

    @Override
    public void close() throws IOException {
        runtime.close();
        provider.close();
        evil.close();
    }
}
