package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;

final class EgressPolicyPropertyTest {

    private static EgressPolicy policy(List<EgressRule> allow, List<EgressRule> deny) {
        return EgressPolicy.compile(Policy.builder()
                .component("c", new ComponentPolicy(allow, deny, Set.of()))
                .build());
    }

    @Property(tries = 3000)
    void decide_anything_answers(
            @ForAll String method,
            @ForAll String scheme,
            @ForAll String host,
            @ForAll int port,
            @ForAll String path,
            @ForAll @Size(max = 2) List<String> from) {
        EgressPolicy policy = policy(
                List.of(
                        EgressRule.host("*.example", new Scope(Set.of(), Set.of(), Set.of("GET"), Set.of("/a/*/**"))),
                        EgressRule.cidr("10.0.0.0/8", Scope.HTTPS)),
                List.of());
        assertThat(policy.decide(new EgressRequest("c", method, scheme, host, port, path, from)))
                .isInstanceOf(EgressDecision.Denied.class);
    }

    @Property(tries = 2000)
    void decide_oneMoreDenyRule_neverAllowsMore(
            @ForAll @Size(max = 6) List<@From("rules") EgressRule> allow,
            @ForAll @Size(max = 3) List<@From("rules") EgressRule> deny,
            @ForAll @From("rules") EgressRule more,
            @ForAll @From("requests") EgressRequest request,
            @ForAll @Size(min = 4, max = 4) byte[] ipv4)
            throws UnknownHostException {
        EgressPolicy before = policy(allow, deny);
        EgressPolicy after =
                policy(allow, Stream.concat(deny.stream(), Stream.of(more)).toList());
        List<InetAddress> addresses = List.of(InetAddress.getByAddress(ipv4));
        if (!(before.decide(request) instanceof Allowed)) {
            assertThat(after.decide(request)).isNotInstanceOf(Allowed.class);
        }
        if (!(before.decideAddresses(request, addresses) instanceof Allowed)) {
            assertThat(after.decideAddresses(request, addresses)).isNotInstanceOf(Allowed.class);
        }
    }

    @Property(tries = 2000)
    void decide_oneMoreAllowRule_neverAllowsLess(
            @ForAll @Size(max = 6) List<@From("rules") EgressRule> allow,
            @ForAll @Size(max = 3) List<@From("rules") EgressRule> deny,
            @ForAll @From("rules") EgressRule more,
            @ForAll @From("requests") EgressRequest request) {
        EgressPolicy after =
                policy(Stream.concat(allow.stream(), Stream.of(more)).toList(), deny);
        if (policy(allow, deny).decide(request) instanceof Allowed) {
            assertThat(after.decide(request)).isInstanceOf(Allowed.class);
        }
    }

    @Property(tries = 2000)
    void nameIndex_find_agreesWithASet(
            @ForAll @Size(max = 60) Set<@From("names") String> names, @ForAll @From("names") String host) {
        Map<String, Integer> values = new LinkedHashMap<>();
        names.forEach(name -> values.put(name, name.length()));
        NameIndex index = new NameIndex(values);
        Set<String> found = new HashSet<>();
        Set<String> expected = new HashSet<>();
        long hash = 0;
        for (int i = host.length() - 1; i >= 0; i--) {
            hash = NameIndex.step(hash, host.charAt(i));
            int slot = index.find(host, i, NameIndex.mix(hash));
            if (slot >= 0) {
                found.add(index.name(slot));
                assertThat(index.value(slot)).isEqualTo(index.name(slot).length());
            }
            if (names.contains(host.substring(i))) {
                expected.add(host.substring(i));
            }
        }
        assertThat(found).isEqualTo(expected);
    }

    @Property(tries = 5000)
    void match_form_isThatOfHostForm(@ForAll @From("hostTexts") String host) {
        HostRules rules = new HostRules(ComponentPolicy.builder().build(), CategoryLists.of(Set.of()), "");
        long match = rules.match(new EgressRequest("c", "GET", "https", host, 443, "/", List.of()));
        assertThat(match == HostRules.NO_NAME).isEqualTo(HostForm.of(host) != HostForm.NAME);
    }

    @Property(tries = 3000)
    void pathPattern_matches_agreesWithARegularExpression(
            @ForAll @From("pathPatterns") String pattern, @ForAll @From("paths") String path) {
        StringBuilder regex = new StringBuilder();
        for (String part : pattern.split("(?<=\\*\\*)|(?=\\*\\*)", -1)) {
            regex.append(part.equals("**") ? ".*" : part.replace(".", "\\.").replace("*", "[^/]*"));
        }
        assertThat(new PathPattern(pattern).matches(path))
                .isEqualTo(Pattern.compile(regex.toString(), Pattern.DOTALL)
                        .matcher(path)
                        .matches());
    }

    @Property
    void addressText_print_isParsedAgain(@ForAll @Size(16) byte[] ipv6, @ForAll @Size(4) byte[] ipv4)
            throws UnknownHostException {
        assertThat(AddressText.parseCanonical(AddressText.print(ipv6))).isEqualTo(ipv6);
        assertThat(AddressText.parseCanonical(AddressText.print(ipv4))).isEqualTo(ipv4);
        assertThat(AddressText.parseIpv6(
                        InetAddress.getByAddress(ipv6).getHostAddress().replaceAll("%.*", "")))
                .isEqualTo(ipv6);
    }

    @Provide
    Arbitrary<String> names() {
        return Arbitraries.of("a", "b", "example", "com", "api", "x-y")
                .list()
                .ofMinSize(1)
                .ofMaxSize(4)
                .map(labels -> String.join(".", labels));
    }

    @Provide
    Arbitrary<EgressRule> rules() {
        Arbitrary<Scope> scopes = Arbitraries.of(
                Scope.DEFAULT,
                Scope.HTTPS,
                Scope.DEFAULT.onPort(8080),
                new Scope(Set.of(443, 8080), Set.of("http", "https"), Set.of("GET"), Set.of()),
                new Scope(Set.of(), Set.of(), Set.of(), Set.of("/v1/**")));
        Arbitrary<String> targets = Arbitraries.oneOf(
                names(),
                names().map(name -> "*." + name),
                Arbitraries.of("webhook.site", "*.webhook.site", "#tunnel", "#paste-site", "#webhook-catcher"),
                Arbitraries.of("10.0.0.0/8", "0.0.0.0/0", "128.0.0.0/1", "127.0.0.1/32"));
        return Combinators.combine(targets, scopes).as((target, scope) -> {
            if (target.startsWith("#")) {
                return EgressRule.category(target.substring(1), scope);
            }
            return target.indexOf('/') > 0 ? EgressRule.cidr(target, scope) : EgressRule.host(target, scope);
        });
    }

    @Provide
    Arbitrary<EgressRequest> requests() {
        Arbitrary<String> hosts =
                Arbitraries.oneOf(names(), Arbitraries.of("webhook.site", "x.webhook.site", "10.1.2.3", "8.8.8.8"));
        return Combinators.combine(
                        Arbitraries.of("GET", "POST"),
                        Arbitraries.of("https", "https", "http"),
                        hosts,
                        Arbitraries.of(443, 443, 8080, 80),
                        Arbitraries.of("/", "/v1/x", "/v1/../x"))
                .as((method, scheme, host, port, path) ->
                        new EgressRequest("c", method, scheme, host, port, path, List.of()));
    }

    @Provide
    Arbitrary<String> hostTexts() {
        return Arbitraries.of(
                        "a",
                        "z9",
                        "-",
                        ".",
                        "0",
                        "0x",
                        "f",
                        "_",
                        "x",
                        "A",
                        "é",
                        ":",
                        "1",
                        "a".repeat(62),
                        "b".repeat(63))
                .list()
                .ofMaxSize(8)
                .map(parts -> String.join("", parts));
    }

    @Provide
    Arbitrary<String> pathPatterns() {
        return Arbitraries.of("/", "a", "b", "*", "**", "ab", ".")
                .list()
                .ofMaxSize(8)
                .map(parts -> String.join("", parts).replaceAll("\\*{3,}", "**"));
    }

    @Provide
    Arbitrary<String> paths() {
        return Arbitraries.strings().withChars("/ab.").ofMaxLength(12);
    }
}
