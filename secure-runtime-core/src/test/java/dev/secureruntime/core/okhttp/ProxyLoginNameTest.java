package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressProxy;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import okhttp3.Request;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a policy lets its own secrets do is not said of the proxy's login, whatever they are called. */
class ProxyLoginNameTest {

    private static final String PASSWORD = "correct-horse";
    private static final String LOGIN = "agent:" + PASSWORD;
    private static final String POLICYS_OWN = "policys-own-secret";

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"egress-proxy", "egress-proxy-password"})
    void loginOfTheProxy_leavesForNowhere_whateverThePolicyCallsASecret(String name) throws Exception {
        String basic = "Basic " + Base64.getEncoder().encodeToString(LOGIN.getBytes(StandardCharsets.US_ASCII));
        try (TunnelProxy proxy = new TunnelProxy(basic);
                GuardedWorld world = new GuardedWorld(
                        folder, builder -> builder.egressProxy(EgressProxy.at("127.0.0.1:" + proxy.port())
                                        .login(() -> LOGIN.getBytes(StandardCharsets.US_ASCII)))
                                .secret(name, () -> POLICYS_OWN.getBytes(StandardCharsets.US_ASCII)))) {
            world.runtime.reload(sendingTo(name, world.provider.port()));
            GuardedCallFactory calls = GuardedOkHttp.callFactory(world.agent);
            world.provider.answer(LoopbackServer.json("{}"));
            calls.newCall(holding(world, POLICYS_OWN)).execute().close();

            for (String secret : List.of(LOGIN, PASSWORD)) {
                world.provider.answer(LoopbackServer.json("{}")); // what must not leave would be answered
                assertThatThrownBy(() -> calls.newCall(holding(world, secret)).execute())
                        .isInstanceOfSatisfying(EgressDeniedException.class, denial -> {
                            assertThat(denial.code()).isEqualTo(ErrorCode.EGRESS_SECRET_LEAVING);
                            assertThat(denial.decision().remedy()).doesNotContain("sendTo");
                        });
            }
            assertThat(world.provider.server.getRequestCount()).isEqualTo(1);
        }
    }

    private static Policy sendingTo(String secret, int port) {
        ComponentPolicy agent = ComponentPolicy.builder()
                .allow(EgressRule.host(GuardedWorld.OPENAI, Scope.HTTPS.onPort(port)))
                .secret(secret)
                .build();
        return Policy.builder()
                .component("agent", agent)
                .secret(secret, SecretPolicy.suppliedByCode().sentTo(GuardedWorld.OPENAI + ":" + port))
                .build();
    }

    private static Request holding(GuardedWorld world, String secret) {
        return new Request.Builder()
                .url(world.url(GuardedWorld.OPENAI, "/v1/models"))
                .header("X-Note", secret)
                .build();
    }
}
