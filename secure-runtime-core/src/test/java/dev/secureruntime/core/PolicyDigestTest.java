package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.HostList;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PolicyDigestTest {

    private static ComponentPolicy.Builder component() {
        return ComponentPolicy.builder().allowHost("api.example");
    }

    private static Policy.Builder policy(ComponentPolicy.Builder component) {
        return Policy.builder().component("c", component.build());
    }

    private static CategoryPolicy category(String host) {
        return CategoryPolicy.own(HostList.of(List.of(host)));
    }

    /** A reload compares digests: what is not in one would never come into force. */
    @Test
    void of_policiesThatDifferInOneThing_differs() {
        List<String> digests = Stream.of(
                        policy(component()),
                        policy(component().deny(EgressRule.host("x.example"))),
                        policy(component().mode(EnforcementMode.REPORT)),
                        policy(component().onManyNames(OnManyNames.BLOCK)),
                        policy(component().budget(ByteBudget.ofAll(1, Duration.ofHours(1)))),
                        policy(component().budget(ByteBudget.ofAll(2, Duration.ofHours(1)))),
                        policy(component().budget(ByteBudget.ofAll(2, Duration.ofHours(2)))),
                        policy(component().budget(ByteBudget.of("api.example", 2, Duration.ofHours(2)))),
                        policy(component()).category("own", category("a.example")),
                        policy(component()).category("own", category("b.example")))
                .map(policy -> PolicyDigest.of(policy.build()))
                .toList();

        assertThat(digests).doesNotHaveDuplicates();
    }
}
