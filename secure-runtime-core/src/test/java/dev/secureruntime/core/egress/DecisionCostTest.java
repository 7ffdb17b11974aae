package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a decision takes that can be counted: memory. What it takes in time is measured in the benchmarks. */
class DecisionCostTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int DECISIONS = 1_000;

    private static @Nullable EgressDecision last;

    private static final EgressPolicy POLICY = EgressPolicy.compile(Policy.builder()
            .component(
                    "c",
                    ComponentPolicy.builder()
                            .allow(EgressRule.host("exact.example"))
                            .allow(EgressRule.host("*.wild.example"))
                            .allow(EgressRule.host(
                                    "scoped.example",
                                    new Scope(Set.of(443), Set.of("https"), Set.of("POST"), Set.of("/v1/**"))))
                            .allow(EgressRule.host("twice.example", Scope.HTTPS.onPort(8443)))
                            .allow(EgressRule.host("twice.example"))
                            .allow(EgressRule.host("*.twice.example"))
                            .allow(EgressRule.host("mine.duckdns.org"))
                            .allow(EgressRule.category("llm-provider"))
                            .deny(EgressRule.host("no.wild.example"))
                            .build())
            .build());

    @ParameterizedTest
    @CsvSource({
        "exact.example, exact.example",
        "a.wild.example, *.wild.example",
        "a.b.c.d.wild.example, *.wild.example",
        "scoped.example, scoped.example",
        "twice.example, twice.example",
        "a.twice.example, *.twice.example",
        "mine.duckdns.org, mine.duckdns.org",
        "api.openai.com, category llm-provider",
        "a-name-of-more-than-sixty-three.characters-of-which-there-are-few.wild.example, *.wild.example"
    })
    void decide_allowedName_allocatesNothing(String host, String rule) {
        EgressRequest request = request(host);
        // The first answer of a rule is made, and kept.
        assertThat(POLICY.decide(request)).isInstanceOfSatisfying(Allowed.class, allowed -> assertThat(allowed.rule())
                .isEqualTo(rule));
        assertThat(allocatedBy(request)).isZero();
    }

    @Test
    void allocatedBy_refusal_isSeen() {
        assertThat(allocatedBy(request("elsewhere.example"))).isPositive();
    }

    @ParameterizedTest
    @CsvSource({"'.com', 50", "'.example.com', 50", "'.a-much-longer.domain.example', 90"})
    void bytes_hundredThousandRules_areAtMostFiftyEachWithNamesOfUpToTwentySevenCharacters(String suffix, int most) {
        int rules = 100_000;
        Random random = new Random(7);
        ComponentPolicy.Builder component = ComponentPolicy.builder();
        for (int i = 0; i < rules; i++) {
            String name = "t-" + Integer.toString(random.nextInt(1 << 30), 36) + suffix;
            component.allow(EgressRule.host(i % 2 == 0 ? name : "*." + name));
        }
        EgressPolicy policy = EgressPolicy.compile(
                Policy.builder().component("c", component.build()).build());
        assertThat(policy.bytes("c")).isBetween(40L * rules, (long) most * rules);
    }

    /** The least of several rounds: the virtual machine itself allocates now and then, while it loads and compiles. */
    private static long allocatedBy(EgressRequest request) {
        long self = Thread.currentThread().getId();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 50 && least > 0; round++) {
            long before = THREADS.getThreadAllocatedBytes(self);
            decideOften(request);
            least = Math.min(least, THREADS.getThreadAllocatedBytes(self) - before);
        }
        return least;
    }

    private static void decideOften(EgressRequest request) {
        for (int i = 0; i < DECISIONS; i++) {
            last = POLICY.decide(request);
        }
    }

    private static EgressRequest request(String host) {
        return new EgressRequest("c", "POST", "https", host, 443, "/v1/chat", List.of());
    }
}
