package dev.secureruntime.core.egress;

import static dev.secureruntime.core.egress.EgressPolicyTest.HTTP_8080;
import static dev.secureruntime.core.egress.EgressPolicyTest.denied;
import static dev.secureruntime.core.egress.EgressPolicyTest.get;
import static dev.secureruntime.core.egress.EgressPolicyTest.policy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decisions on addresses: as hosts, and as what a name resolves to. */
final class EgressAddressTest {

    private static List<InetAddress> addresses(String... texts) throws UnknownHostException {
        List<InetAddress> addresses = new ArrayList<>();
        for (String text : texts) {
            addresses.add(InetAddress.getByAddress(
                    text.indexOf(':') >= 0 ? AddressText.parseIpv6(text) : AddressText.parseIpv4(text)));
        }
        return addresses;
    }

    @Test
    void decide_literal_isAllowedByCidrOnly() {
        EgressPolicy policy = policy(c -> c.allowHost("a.example")
                .allow(EgressRule.cidr("10.1.2.0/24", HTTP_8080))
                .allow(EgressRule.cidr("93.184.216.0/24", Scope.HTTPS))
                .allow(EgressRule.cidr("::1/128", HTTP_8080)));
        assertThat(policy.decide(get("http://10.1.2.7:8080/"))).isEqualTo(new Allowed("cidr 10.1.2.0/24"));
        assertThat(policy.decide(get("http://[::1]:8080/"))).isInstanceOf(Allowed.class);
        assertThat(policy.decide(get("https://93.184.216.34:443/"))).isInstanceOf(Allowed.class);
        assertThat(denied(policy.decide(get("http://10.1.2.7:8081/"))).reason()).isEqualTo(Reason.PORT_NOT_ALLOWED);
        assertThat(denied(policy.decide(get("http://10.1.3.7:8080/"))).reason()).isEqualTo(Reason.SPECIAL_ADDRESS);
        Denied open = denied(policy.decide(get("https://1.1.1.1:443/")));
        assertThat(open.reason()).isEqualTo(Reason.HOST_NOT_ALLOWED);
        assertThat(open.remedy()).contains("{\"cidr\": \"1.1.1.1/32\", \"ports\": [443]}");
    }

    /** Report mode lets go what is refused as a matter of rules, and keeps special addresses closed, also behind a proxy. */
    @Test
    void decide_specialLiteralThatNoRuleOpensOnThePort_isRefusedAsAnAddress() {
        Scope reading = new Scope(Set.of(8080), Set.of("http"), Set.of("GET"), Set.of());
        EgressPolicy policy = policy(c ->
                c.allow(EgressRule.cidr("10.1.2.0/24", reading)).allow(EgressRule.cidr("93.184.216.0/24", reading)));
        assertThat(denied(policy.decide(get("http://10.1.2.7:8081/"))).code())
                .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED);
        assertThat(denied(policy.decide(get("https://10.1.2.7:8080/"))).code())
                .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED);
        assertThat(denied(policy.decide(EgressPolicyTest.request("POST", "http://10.1.2.7:8080/")))
                        .code())
                .isEqualTo(ErrorCode.EGRESS_DENIED);
        assertThat(denied(policy.decide(get("http://93.184.216.34:8081/"))).code())
                .isEqualTo(ErrorCode.EGRESS_DENIED);
    }

    @Test
    void deniedBlock_thatNamesMethods_isClosedToWholeConnections() throws UnknownHostException {
        Policy.Builder written = Policy.builder()
                .component(
                        "support-agent",
                        ComponentPolicy.builder()
                                .allow(EgressRule.cidr("8.8.8.0/24", Scope.HTTPS))
                                .deny(EgressRule.cidr(
                                        "8.8.8.8/32", new Scope(Set.of(), Set.of(), Set.of("POST"), Set.of())))
                                .build());
        EgressPolicy policy = EgressPolicy.compile(written.build());
        EgressPolicy connections = EgressPolicy.compileForConnections(written.build(), "");
        EgressRequest literal = get("https://8.8.8.8:443/");
        assertThat(policy.deniedConnection(literal, addresses("8.8.8.8"))).isPresent();
        assertThat(denied(policy.decide(literal)).reason()).isEqualTo(Reason.DENY_RULE);
        assertThat(connections.deniedConnection(literal, addresses("8.8.8.8"))).isPresent();
        assertThat(connections.deniedConnection(literal, addresses("8.8.8.9"))).isEmpty();
    }

    @Test
    void deniedMetadata_thatNamesMethods_isClosedToWholeConnections() throws UnknownHostException {
        Scope posting = new Scope(Set.of(), Set.of(), Set.of("POST"), Set.of());
        Policy written = Policy.builder()
                .component(
                        "support-agent",
                        ComponentPolicy.builder()
                                .allowHost("metadata.goog")
                                .allow(EgressRule.cidr("169.254.169.254/32", Scope.HTTPS))
                                .deny(EgressRule.category("cloud-metadata", posting))
                                .build())
                .build();
        EgressRequest named = get("https://metadata.goog:443/");
        for (EgressPolicy policy :
                List.of(EgressPolicy.compile(written), EgressPolicy.compileForConnections(written, ""))) {
            assertThat(policy.deniedConnection(named, addresses("169.254.169.254")))
                    .isPresent();
            assertThat(policy.deniedConnection(named, addresses("8.8.8.8"))).isEmpty();
            assertThat(policy.decide(named)).isInstanceOf(Allowed.class);
        }
    }

    @Test
    void decide_literalUnderRawIpDenied_isRefused() {
        EgressPolicy policy = policy(
                c -> c.allow(EgressRule.cidr("93.184.216.0/24", Scope.HTTPS)).deny(EgressRule.category("raw-ip")));
        assertThat(denied(policy.decide(get("https://93.184.216.34:443/"))).reason())
                .isEqualTo(Reason.DENY_RULE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "169.254.169.254",
                "169.254.169.250",
                "169.254.169.252",
                "169.254.0.23",
                "100.80.80.80",
                "100.96.0.96",
                "fe80::a9fe:a9fe",
                "fd00:a9fe:a9fe::1",
                "fd00:c1::a9fe:a9fe",
                "fd00:100::100:200",
                "fd00:42::42"
            })
    void decideAddresses_metadataOfAnyCloud_isNotOpenedByAWiderBlock(String address) throws UnknownHostException {
        EgressPolicy policy = policy(c -> {
            c.allowHost("a.example");
            for (String block : List.of("169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")) {
                c.allow(EgressRule.cidr(block, Scope.DEFAULT));
            }
        });
        assertThat(denied(policy.decideAddresses(get("https://a.example:443/"), addresses(address)))
                        .detail())
                .contains("cloud metadata");
    }

    @Test
    void decide_metadataAddress_isOpenedByItsVeryAddressOnly() {
        Scope http = new Scope(Set.of(80), Set.of("http"), Set.of(), Set.of());
        EgressRequest metadata = get("http://169.254.169.254:80/latest/");
        assertThat(denied(policy(c -> c.allow(EgressRule.cidr("169.254.0.0/16", http)))
                                .decide(metadata))
                        .remedy())
                .startsWith("leave it closed");
        assertThat(policy(c -> c.allow(EgressRule.cidr("169.254.169.254/32", http)))
                        .decide(metadata))
                .isInstanceOf(Allowed.class);
        assertThat(policy(c -> c.allow(EgressRule.cidr("169.254.169.254/32", http))
                                .deny(EgressRule.category("cloud-metadata")))
                        .decide(metadata))
                .isInstanceOf(Denied.class);
    }

    @Test
    void decideAddresses_privateAddress_needsACidrRuleOnThePort() throws UnknownHostException {
        EgressRequest request = get("http://a.example:8080/");
        EgressPolicy closed = policy(c -> c.allow(EgressRule.host("a.example", HTTP_8080)));
        EgressPolicy open = policy(c -> c.allow(EgressRule.host("a.example", HTTP_8080))
                .allow(EgressRule.cidr("10.0.0.0/8", Scope.DEFAULT.onPort(8080))));
        EgressPolicy otherPort = policy(c -> c.allow(EgressRule.host("a.example", HTTP_8080))
                .allow(EgressRule.cidr("10.0.0.0/8", Scope.DEFAULT.onPort(8081))));

        assertThat(denied(closed.decideAddresses(request, addresses("10.0.0.1")))
                        .code())
                .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED);
        assertThat(open.decideAddresses(request, addresses("10.0.0.1", "10.9.9.9")))
                .isInstanceOf(Allowed.class);
        assertThat(otherPort.decideAddresses(request, addresses("10.0.0.1"))).isInstanceOf(Denied.class);
        assertThat(open.decideAddresses(request, addresses("8.8.8.8"))).isInstanceOf(Allowed.class);
        assertThat(denied(open.decideAddresses(request, List.of())).detail()).isEqualTo("the name has no address");
    }

    @Test
    void decideAddresses_mixedAnswer_isRefusedAsAWholeUnlessAllSpecialOnesAreOpened() throws UnknownHostException {
        EgressRequest request = get("https://a.example:443/");
        EgressPolicy closed = policy(c -> c.allowHost("a.example"));
        EgressPolicy open = policy(c -> c.allowHost("a.example").allow(EgressRule.cidr("10.0.0.0/8", Scope.HTTPS)));

        assertThat(denied(closed.decideAddresses(request, addresses("8.8.8.8", "10.0.0.1")))
                        .detail())
                .contains("10.0.0.1 is special (Private-Use)")
                .contains("refused as a whole");
        assertThat(open.decideAddresses(request, addresses("8.8.8.8", "10.0.0.1")))
                .isInstanceOf(Allowed.class);
        assertThat(open.decideAddresses(request, addresses("8.8.8.8", "10.0.0.1", "127.0.0.1")))
                .isInstanceOf(Denied.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "::10.0.0.1",
                "64:ff9b::10.0.0.1",
                "2002:a00:1::1",
                "64:ff9b:1:a00:0:100::",
                "2a00::5efe:10.0.0.1",
                "2a00::200:5efe:10.0.0.1",
                "2001:0:808:808::f5ff:fffe",
                "::ffff:0:10.0.0.1"
            })
    void decideAddresses_embeddedPrivateAddress_needsBothOpenedAndIsDeniedByItsBlock(String text)
            throws UnknownHostException {
        EgressRequest request = get("https://a.example:443/");
        EgressRule outer = EgressRule.cidr("::/0", Scope.HTTPS);
        EgressRule inner = EgressRule.cidr("10.0.0.0/8", Scope.HTTPS);
        List<InetAddress> address = addresses(text);

        assertThat(policy(c -> c.allowHost("a.example")).decideAddresses(request, address))
                .isInstanceOf(Denied.class);
        assertThat(denied(policy(c -> c.allowHost("a.example").allow(outer)).decideAddresses(request, address))
                        .detail())
                .contains("10.0.0.1");
        assertThat(policy(c -> c.allowHost("a.example").allow(outer).allow(inner))
                        .decideAddresses(request, address))
                .isInstanceOf(Allowed.class);
        assertThat(denied(policy(c -> c.allowHost("a.example")
                                        .allow(outer)
                                        .allow(inner)
                                        .deny(inner))
                                .decideAddresses(request, address))
                        .reason())
                .isEqualTo(Reason.DENY_RULE);
    }

    /** A mapped address is IPv4 by the time a connection is opened; a translated one is not. */
    @Test
    void decideAddresses_translatedAddress_isDeniedAsTheIpv6AddressThatItIs() throws UnknownHostException {
        EgressPolicy noIpv6 = policy(c -> c.allowHost("a.example")
                .allow(EgressRule.cidr("8.8.8.0/24", Scope.HTTPS))
                .deny(EgressRule.cidr("::/0", Scope.HTTPS)));
        EgressRequest request = get("https://a.example:443/");

        assertThat(denied(noIpv6.decideAddresses(request, addresses("::ffff:0:8.8.8.8")))
                        .reason())
                .isEqualTo(Reason.DENY_RULE);
        assertThat(noIpv6.decide(get("https://[::ffff:0:808:808]:443/"))).isInstanceOf(Denied.class);
        assertThat(noIpv6.decideAddresses(request, addresses("::ffff:8.8.8.8"))).isInstanceOf(Allowed.class);
        assertThat(noIpv6.decide(get("https://[::ffff:808:808]:443/"))).isInstanceOf(Allowed.class);
    }

    @Test
    void decideAddresses_hostNotAllowed_isDeniedWhateverTheAddresses() throws UnknownHostException {
        assertThat(denied(policy(c -> c.allowHost("a.example"))
                                .decideAddresses(get("https://b.example:443/"), addresses("8.8.8.8")))
                        .reason())
                .isEqualTo(Reason.HOST_NOT_ALLOWED);
    }

    /** From the registries of IANA and the documents of clouds, written down here rather than taken from our table. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "192.88.99.1",
                "192.31.196.1",
                "192.52.193.1",
                "192.175.48.1",
                "100.100.100.200",
                "168.63.129.16",
                "169.254.169.254",
                "169.254.170.2",
                "169.254.170.23",
                "169.254.0.1",
                "0.0.0.0",
                "0.1.2.3",
                "10.255.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "127.255.255.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.1",
                "192.0.0.192",
                "192.0.2.1",
                "192.168.0.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::7f00:1",
                "::ffff:10.0.0.1",
                "::ffff:0:127.0.0.1",
                "64:ff9b::127.0.0.1",
                "64:ff9b:1::1",
                "100::1",
                "100:0:0:1::1",
                "2001::1",
                "2001:2::1",
                "2001:10::1",
                "2001:20::1",
                "2001:30::1",
                "2001:db8::1",
                "2002:7f00:1::",
                "2002:a9fe:a9fe::1",
                "2620:4f:8000::1",
                "3fff::1",
                "3fff:fff:ffff::1",
                "5f00::1",
                "fc00::1",
                "fd00:ec2::254",
                "fd00:ec2::23",
                "fd20:ce::254",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "feff::1",
                "ff02::1",
                "2a00::5efe:127.0.0.1"
            })
    void decideAddresses_specialAddress_isRefused(String address) throws UnknownHostException {
        assertThat(denied(policy(c -> c.allowHost("a.example"))
                                .decideAddresses(get("https://a.example:443/"), addresses(address)))
                        .code())
                .isEqualTo(ErrorCode.EGRESS_ADDRESS_DENIED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.1.1.1",
                "8.8.8.8",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.1",
                "168.63.129.15",
                "168.63.129.17",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.1.1",
                "192.0.3.1",
                "192.88.98.255",
                "192.88.100.0",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "203.0.112.255",
                "203.0.114.0",
                "223.255.255.255",
                "2606:4700:4700::1111",
                "2001:4860:4860::8888",
                "2a00:1450:4001::1",
                "2400:cb00::1"
            })
    void decideAddresses_publicAddress_isAllowed(String address) throws UnknownHostException {
        assertThat(policy(c -> c.allowHost("a.example"))
                        .decideAddresses(get("https://a.example:443/"), addresses(address)))
                .isInstanceOf(Allowed.class);
    }
}
