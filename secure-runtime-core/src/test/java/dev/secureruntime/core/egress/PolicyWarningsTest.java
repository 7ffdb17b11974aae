package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.net.IDN;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PolicyWarningsTest {

    static Stream<String> registrable() {
        // Leading dots are no names: the form of hosts is checked before, and refuses them.
        return EgressVectorsTest.lines("psl_registrable_domain.csv").skip(1).filter(line -> !line.startsWith("."));
    }

    @ParameterizedTest
    @MethodSource("registrable")
    void registrableDomain_vector_isFound(String line) {
        String[] columns = line.split(",", -1);
        String name = IDN.toASCII(columns[0].toLowerCase(Locale.ROOT), IDN.ALLOW_UNASSIGNED);
        String expected = IDN.toASCII(columns[1], IDN.ALLOW_UNASSIGNED);
        assertThat(PublicSuffixes.list().registrableDomain(name).orElse("")).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "*.co.uk, public suffix",
        "*.com, public suffix",
        "*.xn--p1ai, public suffix",
        "*.kobe.jp, public suffix",
        "*.github.io, opens nothing: all of it is in category living-off-trusted-sites",
        "*.anthropic.com,",
        "*.internal,",
        "*.amazonaws.com.cn, opens nothing: all of it is in category living-off-trusted-sites",
        "*.core.windows.net, opens nothing: all of it is in category living-off-trusted-sites",
        "*.windows.net, servicebus.windows.net",
        "*.city.kobe.jp,",
        "co.uk,",
    })
    void warnings_wildcard_saysWhatIsProbablyNotMeant(String pattern, String warning) {
        EgressPolicy policy = EgressPolicy.compile(Policy.builder()
                .component("c", ComponentPolicy.builder().allowHost(pattern).build())
                .build());
        if (warning == null) {
            assertThat(policy.warnings()).isEmpty();
        } else {
            assertThat(policy.warnings())
                    .singleElement()
                    .asString()
                    .contains("\"" + pattern + "\"")
                    .contains(warning);
            if (warning.startsWith("opens nothing")) {
                EgressRequest request =
                        new EgressRequest("c", "GET", "https", "x" + pattern.substring(1), 443, "/", List.of());
                assertThat(policy.decide(request)).isInstanceOf(Denied.class);
            }
        }
    }

    private static EgressPolicy withRules(EgressRule allowed, EgressRule denied) {
        return EgressPolicy.compile(Policy.builder()
                .component(
                        "c",
                        ComponentPolicy.builder().allow(allowed).deny(denied).build())
                .build());
    }

    private static EgressRule rule(Set<String> methods, Set<String> paths) {
        return EgressRule.host("a.example", new Scope(Set.of(), Set.of(), methods, paths));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/a;b",
                "/a\\b",
                "/a//b",
                "//**",
                "/./a",
                "/a/..",
                "/**/../a",
                "/a%2Fb",
                "/%zz*",
                "/*%4",
                "/%25*",
                "/a%"
            })
    void warnings_pathPatternThatMatchesNothing_namesIt(String pattern) {
        EgressRule rule = rule(Set.of(), Set.of(pattern));
        assertThat(withRules(rule, rule).warnings()).hasSize(2).allSatisfy(warning -> assertThat(warning)
                .contains("\"" + pattern + "\" of a.example under components.c.egress.")
                .contains("matches no path"));
        String literal = pattern.replace("*", "x");
        EgressRequest request = new EgressRequest("c", "GET", "https", "a.example", 443, literal, List.of());
        assertThat(EgressPolicy.compile(Policy.builder()
                                .component(
                                        "c",
                                        ComponentPolicy.builder().allow(rule).build())
                                .build())
                        .decide(request))
                .isInstanceOf(Denied.class);
    }

    @Test
    void warnings_pathPatternWithAnEscapedLetter_isOfUseInDenyAlone() {
        EgressRule rule = rule(Set.of(), Set.of("/%41"));
        assertThat(withRules(rule, rule).warnings()).singleElement().satisfies(warning -> assertThat(warning)
                .contains("components.c.egress.allow"));
        EgressPolicy policy = withRules(EgressRule.host("a.example"), rule);
        assertThat(policy.decide(new EgressRequest("c", "GET", "https", "a.example", 443, "/A", List.of())))
                .isInstanceOf(Denied.class);
    }

    @ParameterizedTest
    @CsvSource({
        "/, /",
        "/v1/, /v1/",
        "/v1/**, /v1/a/b",
        "/**/, /a/",
        "/*/a, /x/a",
        "/.*, /.a",
        "/..*, /..a",
        "/*., /a.",
        "/%*, /%20",
        "/%**/a, /%20/a",
        "/%2*, /%20",
        "/a%4*b, /a%40b",
        "/%C3%a4, /%C3%a4",
        "'/$&(''),:=@', '/$&(''),:=@'",
    })
    void warnings_pathPatternThatMatchesSomething_saysNothing(String pattern, String path) {
        EgressPolicy policy = withRules(rule(Set.of(), Set.of(pattern)), EgressRule.host("b.example"));
        assertThat(policy.warnings()).isEmpty();
        assertThat(policy.decide(new EgressRequest("c", "GET", "https", "a.example", 443, path, List.of())))
                .isInstanceOf(Allowed.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"CONNECT", "TRACE", "AMETHODTHATHASMORETHANTHIRTYTWOLETTERS"})
    void warnings_methodThatIsNeverSent_namesIt(String method) {
        EgressRule rule = rule(Set.of("GET", method), Set.of());
        assertThat(withRules(rule, rule).warnings()).hasSize(2).allSatisfy(warning -> assertThat(warning)
                .contains("\"" + method + "\" of a.example under components.c.egress.")
                .contains("never sent"));
        assertThat(withRules(rule(Set.of("OPTIONS"), Set.of()), rule(Set.of("PROPFIND"), Set.of()))
                        .warnings())
                .isEmpty();
    }
}
