package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Only what stands in front of a rule's name is read for its form: the same hosts must be refused as by reading all of it. */
class HostRulesPropertyTest {

    private static final List<String> NAMES = List.of(
            "api.example.com",
            "*.example.com",
            "*.co.uk",
            "a.b.c.d.e.f",
            "*.c.d.e.f",
            "x_y.dev",
            "*.0.dev",
            "localhost");
    private static final List<String> DENIED = List.of("bad.example.com", "*.worse.example.com");

    private static final EgressPolicy ALLOWING = policy(List.of());
    private static final EgressPolicy DENYING = policy(DENIED);

    private static EgressPolicy policy(List<String> denied) {
        ComponentPolicy.Builder component = ComponentPolicy.builder();
        NAMES.forEach(name -> component.allow(EgressRule.host(name)));
        denied.forEach(name -> component.deny(EgressRule.host(name)));
        return EgressPolicy.compile(
                Policy.builder().component("c", component.build()).build());
    }

    /** A name of a rule, or the end of one, behind pieces that are no part of a clean name. */
    @Provide
    Arbitrary<String> hosts() {
        Arbitrary<String> piece = Arbitraries.of(
                "",
                "a",
                "-",
                "a-",
                "-a",
                ".",
                "..",
                "A",
                "_",
                "%",
                " ",
                "\u0000",
                "\u0161",
                "\u212a",
                "\uff41",
                "\u00e9",
                "0",
                "0x",
                "127",
                "a".repeat(30),
                "a".repeat(64),
                "api",
                "bad",
                "worse",
                "@",
                "/",
                ":",
                "\u0161.example");
        Arbitrary<String> end = Arbitraries.of(
                "api.example.com",
                ".example.com",
                "example.com",
                ".co.uk",
                "a.b.c.d.e.f",
                ".b.c.d.e.f",
                "x_y.dev",
                ".0.dev",
                "localhost",
                ".worse.example.com",
                "bad.example.com",
                ".example.com.",
                ".example.0x1f",
                "");
        return Combinators.combine(
                        piece,
                        Arbitraries.of("", "."),
                        piece,
                        piece,
                        end,
                        Arbitraries.of("", "", "", ".", "-", "\u0101"))
                .as((first, dot, second, third, name, tail) -> first + dot + second + third + name + tail);
    }

    @Property(tries = 20_000)
    void host_isRefusedForItsForm_asWhenAllOfItIsRead(@ForAll("hosts") String host) {
        for (EgressPolicy policy : List.of(ALLOWING, DENYING)) {
            EgressDecision decision = policy.decide(new EgressRequest("c", "GET", "https", host, 443, "/", List.of()));

            boolean malformed = decision instanceof Denied denied && denied.code() == ErrorCode.EGRESS_MALFORMED_TARGET;
            assertThat(malformed).as(host).isEqualTo(HostForm.of(host) == HostForm.MALFORMED || isBadLiteral(host));
            assertThat(decision instanceof Allowed).as(host).isEqualTo(isAllowed(host, policy == DENYING));
        }
    }

    private static boolean isBadLiteral(String host) {
        return HostForm.of(host) == HostForm.LITERAL && AddressText.parseCanonical(host) == null;
    }

    /** By the words of the policy, name by name. */
    private static boolean isAllowed(String host, boolean denying) {
        return HostForm.of(host) == HostForm.NAME
                && NAMES.stream().anyMatch(name -> covers(name, host))
                && !(denying && DENIED.stream().anyMatch(name -> covers(name, host)));
    }

    private static boolean covers(String pattern, String host) {
        return pattern.startsWith("*.")
                ? host.length() >= pattern.length() && host.endsWith(pattern.substring(1))
                : host.equals(pattern);
    }
}
