package dev.secureruntime.core.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.okhttp.LoopbackServer;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.ShadowReport;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A host that is an address isn't looked up: a candidate policy is asked about it once, whichever client sends. */
class ShadowedLiteralTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource
    void addressAsHost_isComparedOnce(EveryAdapter adapter) throws Exception {
        try (LoopbackServer server = new LoopbackServer("127.0.0.1")) {
            Policy live = policy(EgressRule.cidr("127.0.0.1/32", Scope.HTTPS.onPort(server.port())));
            Policy candidate = policy(EgressRule.host("other.example", Scope.HTTPS));
            server.answer(AddressGrantTest.answer(adapter));
            try (SecureRuntime runtime = SecureRuntime.builder()
                    .policy(live)
                    .shadowPolicy(candidate)
                    .auditLog(AuditSettings.in(folder))
                    .trustManager(LoopbackServer.CLIENT.trustManager())
                    .build()) {
                adapter.call(runtime.component("agent"), "https://127.0.0.1:" + server.port() + "/");

                ShadowReport report = runtime.shadowReport();
                assertThat(report.judged()).isEqualTo(1);
                assertThat(report.differences()).hasSize(1).allSatisfy(difference -> {
                    assertThat(difference.target()).isEqualTo("GET https://127.0.0.1:" + server.port());
                    assertThat(difference.count()).isEqualTo(1);
                });
            }
        }
    }

    private static Policy policy(EgressRule rule) {
        return Policy.builder()
                .component("agent", ComponentPolicy.builder().allow(rule).build())
                .build();
    }
}
