package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.Component;
import dev.secureruntime.RuntimeBuilder;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.WrittenLog;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import okhttp3.Protocol;
import okhttp3.Request;

/** Two servers of their own, a third name on the first, and a runtime whose policy changes between them. */
public final class ReloadWorld implements AutoCloseable {

    public static final String LEFT = "left.example";
    public static final String RIGHT = "right.example";
    public static final String BOTH = "both.example";
    public static final String LEFT_KEY = "left-key-0123456789";
    public static final String RIGHT_KEY = "right-key-987654321";

    public final LoopbackServer left;
    public final LoopbackServer right;
    public final LoopbackServer both;
    public final Path audit;
    public final SecureRuntime runtime;
    public final Component agent;
    public final GuardedCallFactory calls;

    public ReloadWorld(Path folder, Protocol protocol) throws IOException {
        this(folder, protocol, builder -> builder);
    }

    public ReloadWorld(Path folder, Protocol protocol, UnaryOperator<RuntimeBuilder> changes) throws IOException {
        List<Protocol> protocols =
                protocol == Protocol.HTTP_2 ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1) : List.of(protocol);
        left = new LoopbackServer(protocols, LEFT);
        right = new LoopbackServer(protocols, RIGHT);
        both = new LoopbackServer(protocols, BOTH);
        audit = folder.resolve("audit");
        runtime = changes.apply(SecureRuntime.builder()
                        .policy(leftPolicy())
                        .auditLog(AuditSettings.in(audit))
                        .secret("left-key", () -> LEFT_KEY.getBytes(StandardCharsets.US_ASCII))
                        .secret("right-key", () -> RIGHT_KEY.getBytes(StandardCharsets.US_ASCII))
                        .resolver(new FakeResolver())
                        .trustManager(LoopbackServer.CLIENT.trustManager()))
                .build();
        agent = runtime.component("agent");
        calls = GuardedOkHttp.callFactory(agent);
    }

    /** The left host and the common one, with the left key. */
    public Policy leftPolicy() {
        return policy("left-key", allowing(LEFT, left), allowing(BOTH, both));
    }

    public Policy rightPolicy() {
        return policy("right-key", allowing(RIGHT, right), allowing(BOTH, both));
    }

    public static EgressRule allowing(String host, LoopbackServer server) {
        return EgressRule.host(host, Scope.HTTPS.onPort(server.port()));
    }

    public Policy policy(String key, EgressRule... hosts) {
        ComponentPolicy.Builder component = ComponentPolicy.builder().secret(key);
        for (EgressRule host : hosts) {
            component.allow(host);
        }
        for (LoopbackServer server : List.of(left, right, both)) {
            component.allow(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())));
        }
        return policy(key, component);
    }

    public Policy policy(String key, ComponentPolicy.Builder component) {
        return Policy.builder()
                .component("agent", component.build())
                .secret(
                        key,
                        SecretPolicy.suppliedByCode()
                                .attachedAs(Attachment.header("x-api-key", BOTH + ":" + both.port())))
                .build();
    }

    public Request get(String host) {
        LoopbackServer server = host.equals(LEFT) ? left : host.equals(RIGHT) ? right : both;
        return new Request.Builder()
                .url("https://" + host + ":" + server.port() + "/")
                .build();
    }

    /** The audit records of a type, after the runtime was closed. */
    public List<JsonNode> records(String type) throws IOException {
        return new WrittenLog(audit).records(type);
    }

    /** What the one call's record says; the runtime is closed for it. */
    public JsonNode onlyCall() throws IOException {
        runtime.close();
        List<JsonNode> calls = records("egress.call");
        assertThat(calls).hasSize(1);
        return calls.get(0).path("attributes");
    }

    @Override
    public void close() throws IOException {
        runtime.close();
        left.close();
        right.close();
        both.close();
    }
}
