package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs the vector files that concern addresses, host patterns and metadata; each says in its SOURCES where it is from. */
final class EgressVectorsTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    static Stream<String> lines(String file) {
        try (InputStream in = EgressVectorsTest.class.getResourceAsStream("/vectors/egress/" + file)) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .toList();
            assertThat(lines).hasSizeGreaterThan(10);
            return lines.stream();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static Stream<String> addressVerdicts() {
        return lines("ip_address_verdicts.csv").skip(1);
    }

    static Stream<String> specialRanges() {
        return lines("ip_ranges_special.csv").skip(1);
    }

    static Stream<String> embedded() {
        return lines("ipv6_embedded_ipv4.csv").skip(1);
    }

    static Stream<String> domainMatches() {
        return lines("domain_match_cases.jsonl");
    }

    static Stream<String> patterns() {
        return lines("policy_pattern_validity.jsonl");
    }

    static Stream<String> metadata() {
        return lines("cloud_metadata_endpoints.csv").skip(1);
    }

    private static EgressPolicy allowing(EgressRule... rules) {
        ComponentPolicy.Builder component = ComponentPolicy.builder();
        for (EgressRule rule : rules) {
            component.allow(rule);
        }
        return EgressPolicy.compile(
                Policy.builder().component("c", component.build()).build());
    }

    private static EgressRequest get(String scheme, String host, int port) {
        return new EgressRequest("c", "GET", scheme, host, port, "/", List.of());
    }

    private static byte[] bytes(String address) {
        byte[] bytes = address.indexOf(':') >= 0 ? AddressText.parseIpv6(address) : AddressText.parseIpv4(address);
        assertThat(bytes).as(address).isNotNull();
        return bytes;
    }

    @ParameterizedTest
    @MethodSource("addressVerdicts")
    void decideAddresses_vector_givesItsVerdict(String line) throws UnknownHostException {
        String[] columns = line.split(",", 3);
        EgressDecision decision = allowing(EgressRule.host("a.example"))
                .decideAddresses(get("https", "a.example", 443), List.of(InetAddress.getByAddress(bytes(columns[0]))));
        // Where the sources disagree, the stricter side is ours.
        if (columns[1].equals("ALLOW")) {
            assertThat(decision).isEqualTo(new Allowed("a.example"));
        } else {
            assertThat(decision).isInstanceOfSatisfying(Denied.class, denied -> assertThat(denied.reason())
                    .isEqualTo(Reason.SPECIAL_ADDRESS));
        }
    }

    @ParameterizedTest
    @MethodSource("specialRanges")
    void special_range_isDeniedFromItsFirstToItsLastAddressUnlessItOnlyCarriesAnother(String line) {
        String[] columns = line.split(",", 2);
        int slash = columns[0].indexOf('/');
        byte[] first = bytes(columns[0].substring(0, slash));
        byte[] last = first.clone();
        for (int bit = Integer.parseInt(columns[0].substring(slash + 1)); bit < last.length * 8; bit++) {
            last[bit / 8] |= (byte) (0x80 >> bit % 8);
        }
        if (line.contains(",DECODE,")) {
            byte[] open = last.clone();
            System.arraycopy(new byte[] {8, 8, 8, 8}, 0, open, 12, 4);
            assertThat(AddressRules.isSpecial(open)).isFalse();
        } else {
            assertThat(SpecialAddresses.purpose(first)).isNotNull();
            assertThat(SpecialAddresses.purpose(last)).isNotNull();
        }
        assertThat(AddressRules.isSpecial(first)).isTrue();
        assertThat(AddressRules.isSpecial(last)).isTrue();
    }

    @ParameterizedTest
    @MethodSource("embedded")
    void embedded_vector_isFound(String line) {
        String[] columns = line.split(",");
        byte[] ipv6 = bytes(columns[0]);
        String expected = columns[1].replaceAll(" .*", "");
        if (columns[1].contains("RFC6052 /")) {
            int prefix = Integer.parseInt(columns[1].replaceAll(".*/([0-9]+).*", "$1"));
            assertThat(AddressText.print(EmbeddedIpv4.nat64(ipv6, prefix))).isEqualTo(expected);
        }
        // 1:2:3:4::/64 is a network's own NAT64 prefix: it can be decoded, but not recognised.
        if (!columns[0].startsWith("1:2:3:4:")) {
            assertThat(EmbeddedIpv4.in(ipv6).stream().map(AddressText::print)).contains(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("domainMatches")
    void decide_domainMatch_agreesOrRefusesTheForm(String line) throws IOException {
        JsonNode vector = JSON.readTree(line);
        String pattern = vector.get("pattern").asText();
        String host = vector.get("host").asText();
        EgressRule rule;
        try {
            rule = EgressRule.host(pattern);
        } catch (IllegalArgumentException e) {
            // Patterns are ASCII host names: addresses, stars inside and international text are refused at the start.
            assertThat(pattern).matches("(?s).*([^\\x00-\\x7f]|\\*\\..*[0-9]|^[0-9.:]+$|.\\*).*");
            return;
        }
        EgressDecision decision = allowing(rule).decide(get("https", host, 443));
        boolean decidable = host.matches("[a-z0-9.-]*[a-z0-9]");
        if (decidable) {
            assertThat(decision instanceof Allowed)
                    .isEqualTo(vector.get("match").asBoolean());
        } else {
            assertThat(decision).isInstanceOfSatisfying(Denied.class, denied -> assertThat(denied.reason())
                    .isEqualTo(Reason.MALFORMED_TARGET));
        }
    }

    @ParameterizedTest
    @MethodSource("patterns")
    void hostRule_pattern_isAcceptedOrRefused(String line) throws IOException {
        JsonNode vector = JSON.readTree(line);
        String pattern = vector.get("pattern").asText();
        if (vector.get("valid").asBoolean()) {
            assertThat(EgressRule.host(pattern).describe()).isEqualTo(pattern);
        } else {
            assertThatThrownBy(() -> EgressRule.host(pattern))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is no host pattern");
        }
    }

    @ParameterizedTest
    @MethodSource("metadata")
    void decide_metadataEndpoint_isDeniedEvenUnderWideRules(String line) {
        String url = line.substring(line.indexOf(',') + 1);
        String authority = URI.create(url).getRawAuthority();
        String host = authority.startsWith("[")
                ? authority.substring(1, authority.indexOf(']'))
                : authority.replaceAll(":[0-9]+$", "");
        int port = authority.matches(".*[^\\]:]:[0-9]+$") ? Integer.parseInt(authority.replaceAll(".*:", "")) : 80;
        EgressRule.Scope http = new EgressRule.Scope(Set.of(80), Set.of("http"), Set.of(), Set.of());
        EgressPolicy wide = allowing(
                EgressRule.host("*.internal", http),
                EgressRule.host("*.google.internal", http),
                EgressRule.host("*.io", http),
                EgressRule.cidr("0.0.0.0/0", http),
                EgressRule.cidr("169.254.0.0/16", http),
                EgressRule.cidr("::/0", http),
                EgressRule.cidr("fd00::/8", http));
        EgressDecision decision = wide.decide(get("http", host, port));
        assertThat(decision).as(host).isInstanceOf(Denied.class);
    }
}
