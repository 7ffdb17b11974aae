package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names below a wildcard in every form, asked of a real Squid and of the policy: one that is malformed is refused by both. */
final class SquidNamesTest {

    private static final String SUFFIX = ".anthropic.com";

    private static final List<String> CLEAN = List.of(
            "claude",
            "a_b",
            "_dmarc",
            "b_",
            "_",
            "a--b",
            "xn--bcher-kva",
            "1",
            "0x7f",
            "a".repeat(63),
            "a." + "b".repeat(63),
            // 253 characters in all
            "a".repeat(59) + ("." + "b".repeat(59)).repeat(3));

    private static final List<String> MALFORMED = List.of(
            "",
            ".a",
            "a.",
            "a..b",
            "-a",
            "a-",
            "a.-b",
            "a-.b",
            "-",
            "a".repeat(64),
            "a." + "b".repeat(64) + ".c",
            // 254 characters in all
            "a".repeat(60) + ("." + "b".repeat(59)).repeat(3),
            "a%62c",
            "a%2eb",
            "a*b",
            "a!b",
            "a+b",
            "a~b",
            "a$b",
            "a,b",
            "a;b",
            "a=b",
            "a&b",
            "a'b",
            "a(b",
            "a|b",
            "a^b",
            "a\"b",
            "a`b",
            "a{b}",
            "a\\b",
            "a[b]",
            "[a]",
            "a]b");

    @TempDir
    Path folder;

    @Test
    void names_belowAWildcard_areAllowedInSquidOnlyInTheFormThatThePolicyAllows() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Policy policy = Policy.builder()
                .component(
                        "c", ComponentPolicy.builder().allowHost("*" + SUFFIX).build())
                .build();
        EgressPolicy compiled = EgressPolicy.compile(policy);
        String rules = "never_direct allow all\n" + SquidExport.of(policy, "c").text();
        try (Squid squid = new Squid(folder, Map.of(), "127.0.0.1", rules)) {
            for (List<String> names : List.of(CLEAN, MALFORMED)) {
                for (String name : names) {
                    EgressRequest request =
                            new EgressRequest("c", "CONNECT", "https", name + SUFFIX, 443, "/", List.of());
                    assertThat(compiled.decide(request) instanceof Allowed)
                            .as("the policy on " + name)
                            .isEqualTo(names == CLEAN);
                    // 500 to 503: it would have forwarded, and was told not to.
                    assertThat(squid.ask(request) >= 500).as("Squid on " + name).isEqualTo(names == CLEAN);
                }
            }
        }
    }
}
