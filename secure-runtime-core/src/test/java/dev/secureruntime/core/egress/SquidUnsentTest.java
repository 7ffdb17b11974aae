package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the guard sends under no policy, to a host that is allowed altogether: a real Squid refuses it too. */
final class SquidUnsentTest {

    private static final Scope HTTP = new Scope(Set.of(), Set.of("http"), Set.of(), Set.of());

    @TempDir
    Path folder;

    @Test
    void export_ofAHostThatIsAllowedAltogether_refusesWhatIsNeverSentInSquid() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Policy policy = Policy.builder()
                .component(
                        "c",
                        ComponentPolicy.builder()
                                .allow(EgressRule.host("api.example", HTTP))
                                .build())
                .build();
        String rules = "never_direct allow all\n" + SquidExport.of(policy, "c").text();
        try (Squid squid = new Squid(folder, Map.of("api.example", "8.8.8.8"), "127.0.0.1", rules)) {
            // 500 to 503: it would have forwarded, and was told not to.
            assertThat(squid.ask(request("GET"))).isGreaterThanOrEqualTo(500);
            assertThat(squid.ask(request("GET"), "X-Original: /admin\r\n")).isGreaterThanOrEqualTo(500);
            for (String method : List.of("TRACE", "TRACK")) {
                assertThat(MethodForm.refusal(method)).isNotNull();
                assertThat(squid.ask(request(method))).as(method).isEqualTo(403);
            }
            for (String header : List.of(
                    "X-HTTP-Method-Override: DELETE",
                    "x-http-method: DELETE",
                    "X-Method-Override: DELETE",
                    "X-Original-URL: /admin",
                    "X-Rewrite-URL: /admin")) {
                assertThat(squid.ask(request("GET"), header + "\r\n"))
                        .as(header)
                        .isEqualTo(403);
            }
        }
    }

    private static EgressRequest request(String method) {
        return new EgressRequest("c", method, "http", "api.example", 80, "/", List.of());
    }
}
