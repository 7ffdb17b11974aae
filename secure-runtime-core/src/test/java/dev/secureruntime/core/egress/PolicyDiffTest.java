package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.egress.PolicyDiff.Change;
import dev.secureruntime.core.egress.PolicyDiff.Turn;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

final class PolicyDiffTest {

    private static Policy policy(Consumer<ComponentPolicy.Builder> rules) {
        ComponentPolicy.Builder component = ComponentPolicy.builder();
        rules.accept(component);
        return Policy.builder().component("c", component.build()).build();
    }

    @Test
    void between_samePolicy_findsNothing() {
        Policy policy = policy(c -> c.allowHost("*.a.example").deny(EgressRule.category("tunnel")));
        assertThat(PolicyDiff.between(policy, policy)).isEqualTo(new PolicyDiff(List.of(), List.of()));
    }

    @Test
    void between_ruleAddedAndRemoved_showsBothEffects() {
        assertThat(PolicyDiff.between(
                                policy(c -> c.allowHost("a.example").allowHost("b.example")),
                                policy(c -> c.allowHost("a.example").allowHost("*.c.example")))
                        .changes())
                .containsExactly(
                        new Change("c", Turn.NEWLY_DENIED, "https://b.example:443", List.of()),
                        new Change("c", Turn.NEWLY_ALLOWED, "https://any-name.c.example:443", List.of()));
    }

    @Test
    void between_scopeWidened_namesMethodAndPath() {
        Scope get = new Scope(Set.of(), Set.of(), Set.of("GET"), Set.of("/v1/**"));
        Scope delete = new Scope(Set.of(), Set.of(), Set.of("GET", "DELETE"), Set.of("/v1/**"));
        assertThat(PolicyDiff.between(
                                policy(c -> c.allow(EgressRule.host("a.example", get))),
                                policy(c -> c.allow(EgressRule.host("a.example", delete))))
                        .changes())
                .containsExactly(
                        new Change("c", Turn.NEWLY_ALLOWED, "https://a.example:443", List.of("DELETE /v1/any/any")));
    }

    @Test
    void between_componentAndDenyRuleAdded_showsTheirEffects() {
        Policy before = policy(c -> c.allowHost("webhook.site").allow(EgressRule.cidr("10.1.0.0/16", Scope.HTTPS)));
        Policy after = Policy.builder()
                .component(
                        "c",
                        ComponentPolicy.builder()
                                .allowHost("webhook.site")
                                .deny(EgressRule.category("webhook-catcher"))
                                .build())
                .component("d", ComponentPolicy.builder().allowHost("a.example").build())
                .build();
        assertThat(PolicyDiff.between(before, after).changes())
                .containsExactly(
                        new Change("c", Turn.NEWLY_DENIED, "https://webhook.site:443", List.of()),
                        new Change("c", Turn.NEWLY_DENIED, "https://10.1.0.0:443", List.of()),
                        new Change("c", Turn.NEWLY_DENIED, "https://10.1.255.255:443", List.of()),
                        new Change("d", Turn.NEWLY_ALLOWED, "https://a.example:443", List.of()));
    }

    /** Whoever changes a policy knows the names that are tried. */
    @Test
    void between_ruleWhoseNameIsTriedAndClosed_showsThatItOpensOthers() {
        PolicyDiff diff = PolicyDiff.between(
                policy(c -> c.allowHost("any-name.evil.example")),
                policy(c -> c.allowHost("*.evil.example").deny(EgressRule.host("any-name.evil.example"))));
        assertThat(diff.changes())
                .contains(new Change("c", Turn.NEWLY_DENIED, "https://any-name.evil.example:443", List.of()));
        assertThat(diff.besides()).contains("+ c allow *.evil.example (as written)");
    }

    @Test
    void between_ruleWhosePathsAreTriedAndClosed_showsThatItOpensOthers() {
        Scope one = new Scope(Set.of(), Set.of(), Set.of(), Set.of("/x/any"));
        Scope all = new Scope(Set.of(), Set.of(), Set.of(), Set.of("/**"));
        Scope shallow = new Scope(Set.of(), Set.of(), Set.of(), Set.of("/*", "/*/*"));
        assertThat(PolicyDiff.between(policy(c -> c.allow(EgressRule.host("a.example", one))), policy(c -> c.allow(
                                        EgressRule.host("a.example", all))
                                .deny(EgressRule.host("a.example", shallow))))
                        .besides())
                .anyMatch(line -> line.startsWith("+ c allow a.example") && line.contains("/**"));
    }

    /** A rule's methods narrow what is asked of the address itself; a host that has it is opened to every method of its own rules. */
    @Test
    void between_addressOpenedToSomeMethods_showsThatHostsMayHaveIt() {
        Scope get = new Scope(Set.of(), Set.of(), Set.of("GET"), Set.of());
        Policy closed = policy(c -> c.allowHost("intra.example"));
        Policy open = policy(c -> c.allowHost("intra.example").allow(EgressRule.cidr("10.1.2.3/32", get)));

        for (Turn turn : Turn.values()) {
            boolean opening = turn == Turn.NEWLY_ALLOWED;
            assertThat(PolicyDiff.between(opening ? closed : open, opening ? open : closed)
                            .changes())
                    .contains(
                            new Change("c", turn, "https://10.1.2.3:443", List.of("GET /")),
                            new Change("c", turn, "https://10.1.2.3:443 as the address of a host", List.of()));
        }
    }

    /** Each refusal compared thousands of names, and each rule all the others. */
    @Test
    @Timeout(20)
    void between_largePoliciesWithoutACommonRule_takesTimeInProportion() {
        int rules = 4000;
        PolicyDiff diff = PolicyDiff.between(policy(c -> hosts("old", rules, c)), policy(c -> hosts("new", rules, c)));
        assertThat(diff.changes()).hasSize(2 * rules);
        assertThat(diff.besides()).hasSize(2 * rules);
    }

    private static void hosts(String name, int count, ComponentPolicy.Builder into) {
        for (int i = 0; i < count; i++) {
            into.allowHost(name + i + ".example");
        }
    }
}
