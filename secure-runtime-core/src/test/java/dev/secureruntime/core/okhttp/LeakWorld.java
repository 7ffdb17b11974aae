package dev.secureruntime.core.okhttp;

import dev.secureruntime.Component;
import dev.secureruntime.credential.BearerToken;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;

/**
 * Hosts that are all allowed, and secrets of every kind: bound to one of them, handed out, sendable to one of them, issued, and
 * a canary.
 */
final class LeakWorld implements AutoCloseable {

    static final String OPENAI = GuardedWorld.OPENAI;
    static final String PARTNER = GuardedWorld.PARTNER;
    static final String OPENAI_KEY = GuardedWorld.OPENAI_KEY;
    static final String ANTHROPIC_KEY = GuardedWorld.ANTHROPIC_KEY;
    static final String CRM = "crm/secret+value \"42\" ~";
    static final String CLIENT_SECRET = "client-secret-0123456789";
    static final String TRAP = "AKIA0TRAP0KEY0/canary+value==";

    final GuardedWorld world;
    final GuardedCallFactory calls;
    final Component stranger;
    final AtomicReference<String> crm = new AtomicReference<>(CRM);

    LeakWorld(Path folder) throws IOException {
        this(folder, EnforcementMode.ENFORCE);
    }

    LeakWorld(Path folder, EnforcementMode mode) throws IOException {
        world = new GuardedWorld(folder, settings -> settings.secret("crm", () -> bytes(crm.get()))
                .secret("client-secret", () -> bytes(CLIENT_SECRET))
                .secret("trap", () -> bytes(TRAP)));
        world.runtime.reload(policy(mode, world.provider.port()));
        calls = GuardedOkHttp.callFactory(world.agent);
        stranger = world.runtime.component("stranger");
    }

    Request.Builder partner() {
        return new Request.Builder().url(world.url(PARTNER, "/upload"));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The same policy for servers on another port. */
    Policy policyFor(int port) {
        return policy(EnforcementMode.ENFORCE, port);
    }

    private static Policy policy(EnforcementMode mode, int port) {
        Scope scope = Scope.HTTPS.onPort(port);
        return Policy.builder()
                .component(
                        "agent",
                        open(scope, mode)
                                .secret("openai-api-key")
                                .secret("anthropic-api-key")
                                .secret("crm")
                                .secret("client-secret")
                                .build())
                .component("stranger", open(scope, mode).build())
                .secret("openai-api-key", bound(Attachment.bearer(OPENAI + ":" + port)))
                .secret("anthropic-api-key", bound(Attachment.header("x-api-key", GuardedWorld.ANTHROPIC + ":" + port)))
                .secret("client-secret", SecretPolicy.suppliedByCode().sentTo(PARTNER + ":" + port))
                .secret("trap", SecretPolicy.suppliedByCode().asCanary())
                .build();
    }

    private static ComponentPolicy.Builder open(Scope scope, EnforcementMode mode) {
        return ComponentPolicy.builder()
                .mode(mode)
                .allow(EgressRule.host(OPENAI, scope))
                .allow(EgressRule.host(GuardedWorld.ANTHROPIC, scope))
                .allow(EgressRule.host(PARTNER, scope))
                .allow(EgressRule.host("*." + PARTNER, scope))
                .allow(EgressRule.cidr("127.0.0.1/32", scope));
    }

    private static SecretPolicy bound(Attachment attachment) {
        return SecretPolicy.suppliedByCode().attachedAs(attachment);
    }

    /** A token that a component leases itself. */
    static String lease(Component component, String token) {
        component
                .credentials()
                .provider(
                        "test-lease",
                        () -> BearerToken.of("id", token, Instant.now().plusSeconds(3_600)))
                .get();
        return token;
    }

    void protocol(Protocol protocol) {
        world.provider.server.setProtocols(
                protocol == Protocol.HTTP_2 ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1) : List.of(protocol));
    }

    OkHttpClient bare() {
        return world.bare();
    }

    @Override
    public void close() throws IOException {
        world.close();
    }
}
