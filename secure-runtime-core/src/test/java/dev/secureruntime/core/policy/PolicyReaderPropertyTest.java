package dev.secureruntime.core.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.Policy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

final class PolicyReaderPropertyTest {

    private static final String VALID =
            """
            {"version": 1, "components": {"chat": {"egress": {"allow": ["api.openai.com",
             {"host": "*.anthropic.com", "ports": [443], "methods": ["POST"], "paths": ["/v1/**"]},
             {"cidr": "10.1.2.0/24", "schemes": ["http"]}], "deny": [{"category": "dynamic-dns"}]}, "secrets": ["k"]}},
             "secrets": {"k": {"source": {"env": "K"}, "attach": {"hosts": ["api.openai.com"], "as": "bearer"}}}}
            """;

    private static void readOrRefuse(String name, byte[] bytes) {
        try {
            Policy policy = PolicyReader.parse(name, bytes, Path.of("/etc/policy"));
            assertThat(policy.source()).isEqualTo(name);
        } catch (SecureRuntimeException expected) {
            assertThat(expected.code().code()).startsWith("SR-POLICY-00");
            assertThat(expected.getMessage()).doesNotContain("\n");
        }
    }

    @Property(tries = 500)
    void read_anyBytes_throwsNothingElse(@ForAll byte[] bytes) {
        readOrRefuse("p.json", bytes);
        readOrRefuse("p.yaml", bytes);
    }

    @Property(tries = 1500)
    void read_tokensInAnyOrder_throwsNothingElse(@ForAll @From("tokens") List<String> tokens) {
        byte[] bytes = String.join(" ", tokens).getBytes(StandardCharsets.UTF_8);
        readOrRefuse("p.json", bytes);
        readOrRefuse("p.yaml", bytes);
    }

    @Property(tries = 1500)
    void read_mutatedPolicy_throwsNothingElse(@ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int changes) {
        byte[] bytes = VALID.getBytes(StandardCharsets.UTF_8);
        Random random = new Random(seed);
        for (int i = 0; i < changes; i++) {
            bytes[random.nextInt(bytes.length)] =
                    (byte) (random.nextBoolean() ? random.nextInt(256) : "\"{}[],: 0".charAt(random.nextInt(9)));
        }
        readOrRefuse("p.json", bytes);
        readOrRefuse("p.yaml", bytes);
    }

    @Provide
    Arbitrary<List<String>> tokens() {
        return Arbitraries.of(
                        "{",
                        "}",
                        "[",
                        "]",
                        ":",
                        ",",
                        "\"version\"",
                        "1",
                        "\"components\"",
                        "\"egress\"",
                        "\"allow\"",
                        "\"a.example\"",
                        "null",
                        "true",
                        "1e9",
                        "\"secrets\"",
                        "\"x-a\"",
                        "- ",
                        "\n",
                        "\n  ",
                        "&a",
                        "*a",
                        "!!set",
                        "<<",
                        "---",
                        "'",
                        "#",
                        "|",
                        ">",
                        "? ")
                .list()
                .ofMaxSize(40);
    }
}
