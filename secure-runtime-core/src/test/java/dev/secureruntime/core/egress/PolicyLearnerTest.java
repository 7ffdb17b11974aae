package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.egress.PolicyLearner.LeftOut;
import dev.secureruntime.core.egress.PolicyLearner.Outcome;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PolicyLearnerTest {

    private static EgressRequest call(String host) {
        return new EgressRequest("chat", "GET", "https", host, 443, "/", List.of());
    }

    @Test
    void propose_calls_areOneRulePerHostSchemeAndPort() {
        PolicyLearner learner = PolicyLearner.fromNothing();
        learner.saw(call("api.example"), Outcome.ALLOWED);
        learner.saw(new EgressRequest("chat", "POST", "https", "api.example", 443, "/x", List.of()), Outcome.REFUSED);
        learner.saw(new EgressRequest("chat", "POST", "http", "api.example", 8080, "/x", List.of()), Outcome.ALLOWED);
        var rules = learner.propose().rules().get("chat");
        assertThat(rules).hasSize(2);
        assertThat(rules.get(1).rule().scope().methods()).containsExactlyInAnyOrder("GET", "POST");
        assertThat(rules.get(1).allowed()).isEqualTo(1);
        assertThat(rules.get(1).refused()).isEqualTo(1);
        EgressPolicy learned = EgressPolicy.compile(learner.propose().policy());
        assertThat(learned.decide(new EgressRequest("chat", "GET", "http", "api.example", 8080, "/", List.of())))
                .isNotInstanceOf(Allowed.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "8.8.8.8",
                "::1",
                "2130706433",
                "127.1",
                "0x7f.1",
                "API.example",
                "api.example.",
                "a..b",
                "a%2eb",
                "\u24d0.example",
                "x\ny.example",
                "",
                "localhost",
                "a.localhost",
                "metadata.google.internal",
                "x.webhook.site",
                "abc.ngrok.io"
            })
    void saw_hostThatIsNotToBeOpened_isLeftOutWithAReason(String host) {
        PolicyLearner learner = PolicyLearner.fromNothing();
        learner.saw(call(host), Outcome.REFUSED);
        assertThat(learner.propose().rules()).isEmpty();
        assertThat(learner.propose().leftOut().keySet())
                .singleElement()
                .satisfies(each -> assertThat(each.why()).isNotBlank())
                .satisfies(each -> assertThat(each.target()).doesNotContain("\n"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"CONNECT", "TRACE", "TRACK", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"})
    void saw_methodThatIsNeverSent_isLeftOut(String method) {
        PolicyLearner learner = PolicyLearner.fromNothing();
        learner.saw(new EgressRequest("chat", method, "https", "a.example", 443, "/", List.of()), Outcome.REFUSED);
        assertThat(learner.propose().rules()).isEmpty();
        assertThat(learner.propose().leftOut()).hasSize(1);
    }

    @Test
    void saw_moreMethodsThanThereAre_keepsABoundedNumber() {
        PolicyLearner learner = PolicyLearner.fromNothing();
        for (int i = 0; i < 26 * 26; i++) {
            String method = "X" + (char) ('A' + i / 26) + (char) ('A' + i % 26);
            learner.saw(new EgressRequest("chat", method, "https", "a.example", 443, "/", List.of()), Outcome.REFUSED);
        }
        PolicyLearner.Proposal proposal = learner.propose();
        assertThat(proposal.rules().get("chat").get(0).rule().scope().methods()).hasSize(PolicyLearner.MAX_METHODS);
        assertThat(proposal.leftOut()).hasSize(26 * 26 - PolicyLearner.MAX_METHODS);
    }

    @Test
    void saw_underAPolicy_keepsItsDenialsAndItsExactNames() {
        PolicyLearner learner = PolicyLearner.under(Policy.builder()
                .component(
                        "chat",
                        ComponentPolicy.builder()
                                .allowHost("mine.s3.amazonaws.com")
                                .deny(EgressRule.host("*.evil.example"))
                                .build())
                .build());
        learner.saw(call("mine.s3.amazonaws.com"), Outcome.ALLOWED);
        learner.saw(call("theirs.s3.amazonaws.com"), Outcome.REFUSED);
        learner.saw(call("x.evil.example"), Outcome.REFUSED);
        assertThat(learner.propose().rules().get("chat"))
                .extracting(learned -> learned.rule().pattern())
                .containsExactly("mine.s3.amazonaws.com");
        assertThat(learner.propose().leftOut().keySet())
                .extracting(LeftOut::why)
                .anyMatch(why -> why.contains("category"))
                .contains("the current policy denies it");
    }

    /** Refused, opened by a grant for an hour, refused again: no reason to open it for good. */
    @ParameterizedTest
    @EnumSource(
            value = Outcome.class,
            names = {"BREAK_GLASS", "SECRET_FOUND"})
    void saw_targetThatOnlyAGrantOpenedOrASecretWasOnItsWayTo_isNotProposedForItsRefusals(Outcome outcome) {
        PolicyLearner learner = PolicyLearner.fromNothing();
        learner.saw(call("api.example"), Outcome.REFUSED);
        learner.saw(call("emergency.example"), Outcome.REFUSED);
        learner.saw(call("emergency.example"), outcome);
        learner.saw(call("emergency.example"), Outcome.REFUSED);
        PolicyLearner.Proposal proposal = learner.propose();
        assertThat(proposal.rules().get("chat"))
                .extracting(learned -> learned.rule().pattern())
                .containsExactly("api.example");
        assertThat(proposal.leftOut()).hasSize(1).containsValue(3L);
    }

    @Test
    void saw_targetThatAGrantOpenedAndTheRulesDoToo_isProposedForWhatTheRulesAllowed() {
        PolicyLearner learner = PolicyLearner.fromNothing();
        learner.saw(call("api.example"), Outcome.ALLOWED);
        learner.saw(
                new EgressRequest("chat", "DELETE", "https", "api.example", 443, "/", List.of()), Outcome.BREAK_GLASS);
        assertThat(learner.propose().rules().get("chat")).singleElement().satisfies(learned -> assertThat(
                        learned.rule().scope().methods())
                .containsExactly("GET"));
    }

    /** What the rules allow to a target is no reason to keep open what they refused and a grant opened. */
    @ParameterizedTest
    @EnumSource(
            value = Outcome.class,
            names = {"BREAK_GLASS", "SECRET_FOUND"})
    void saw_methodThatTheRulesRefuseToATargetThatTheyAllow_isNotProposedWithTheOthers(Outcome outcome) {
        PolicyLearner learner = PolicyLearner.fromNothing();
        EgressRequest delete = new EgressRequest("chat", "DELETE", "https", "api.example", 443, "/", List.of());
        learner.saw(delete, Outcome.REFUSED);
        learner.saw(delete, outcome);
        learner.saw(call("api.example"), Outcome.ALLOWED);
        learner.saw(call("api.example"), Outcome.REFUSED);
        PolicyLearner.Proposal proposal = learner.propose();
        assertThat(proposal.rules().get("chat")).singleElement().satisfies(learned -> {
            assertThat(learned.rule().scope().methods()).containsExactly("GET");
            assertThat(learned.allowed()).isEqualTo(1);
            assertThat(learned.refused()).isEqualTo(1);
        });
        assertThat(proposal.leftOut()).hasSize(1).containsValue(2L);
    }

    @ParameterizedTest
    @EnumSource(
            value = Outcome.class,
            names = {"DENIED", "ONE_OF_MANY_NAMES"})
    void saw_callThatWasDeniedOrOneOfManyNames_isLeftOutByItself(Outcome outcome) {
        PolicyLearner learner = PolicyLearner.fromNothing();
        learner.saw(call("api.example"), outcome);
        assertThat(learner.propose().rules()).isEmpty();
        assertThat(learner.propose().leftOut()).hasSize(1);
    }

    @Test
    void redirected_hostThatNoRuleNames_isLeftOutWithItsName() {
        PolicyLearner learner = PolicyLearner.fromNothing();
        learner.saw(call("files.example"), Outcome.ALLOWED);
        learner.redirected("chat", "files.example", Outcome.ALLOWED);
        learner.redirected("chat", "start.example", Outcome.ALLOWED);
        learner.redirected("chat", "x\ny.example", Outcome.ALLOWED);
        assertThat(learner.propose().leftOut().keySet())
                .extracting(LeftOut::target)
                .containsExactly("start.example", "?");
    }

    @Property(tries = 200)
    void propose_anything_allowsExactlyWhatWasSeenAndNotLeftOut(
            @ForAll @Size(max = 12) List<@From("requests") EgressRequest> seen,
            @ForAll @Size(max = 12) List<@From("requests") EgressRequest> others) {
        PolicyLearner learner = PolicyLearner.fromNothing();
        Set<String> kept = new HashSet<>();
        for (EgressRequest request : seen) {
            int before = learner.propose().leftOut().values().stream()
                    .mapToInt(Long::intValue)
                    .sum();
            learner.saw(request, Outcome.REFUSED);
            int after = learner.propose().leftOut().values().stream()
                    .mapToInt(Long::intValue)
                    .sum();
            if (before == after) {
                kept.add(request.toString());
            }
        }
        EgressPolicy learned = EgressPolicy.compile(learner.propose().policy());
        for (EgressRequest request : seen) {
            assertThat(learned.decide(request) instanceof Allowed).isEqualTo(kept.contains(request.toString()));
        }
        for (EgressRequest request : others) {
            assertThat(learned.decide(request) instanceof Allowed).isEqualTo(kept.contains(request.toString()));
        }
    }

    @Provide
    Arbitrary<EgressRequest> requests() {
        return Combinators.combine(
                        Arbitraries.of("chat", "batch", "bad name"),
                        Arbitraries.of("GET", "POST", "get", "M-SEARCH"),
                        Arbitraries.of("https", "https", "http", "ftp"),
                        Arbitraries.of(
                                "a.example", "b.a.example", "10.0.0.1", "x.webhook.site", "A.example", "localhost"),
                        Arbitraries.of(443, 8080, 0))
                .as((component, method, scheme, host, port) ->
                        new EgressRequest(component, method, scheme, host, port, "/", List.of()));
    }
}
