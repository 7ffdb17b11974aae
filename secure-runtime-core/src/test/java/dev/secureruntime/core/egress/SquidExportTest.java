package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Asks a real Squid and the policy the same questions. Squid is told never to forward: what it would let through ends in
 * 500 to 503 without a connection, what its rules refuse in 403. Where Squid is not installed, that test is skipped.
 */
final class SquidExportTest {

    private static final Map<String, String> HOSTS = Map.of(
            "api.openai.com", "8.8.8.8",
            "claude.anthropic.com", "8.8.4.4",
            "anthropic.com", "8.8.4.4",
            "bucket.s3.amazonaws.com", "8.8.4.4",
            "mine.s3.amazonaws.com", "8.8.4.4",
            "inner.example", "10.1.2.3",
            "other.example", "10.9.9.9",
            "translated.example", "::ffff:0:7f00:1",
            "webhook.site", "8.8.4.4");

    private static final Policy POLICY = Policy.builder()
            .component(
                    "c",
                    ComponentPolicy.builder()
                            .allowHost("api.openai.com")
                            .allowHost("*.anthropic.com")
                            .allowHost("*.amazonaws.com")
                            .allowHost("mine.s3.amazonaws.com")
                            .allowHost("webhook.site")
                            .allow(EgressRule.category("llm-provider"))
                            .allow(EgressRule.host("inner.example", Scope.HTTPS))
                            .allow(EgressRule.host(
                                    "inner.example",
                                    new Scope(
                                            Set.of(8080), Set.of("http"), Set.of("GET"), Set.of("/v1/**", "/*.json"))))
                            .allow(EgressRule.host("other.example", Scope.HTTPS))
                            .allow(EgressRule.cidr("10.1.2.0/24", Scope.HTTPS))
                            .allow(EgressRule.cidr(
                                    "10.1.2.0/24",
                                    new Scope(
                                            Set.of(8080), Set.of("http"), Set.of("GET"), Set.of("/v1/**", "/*.json"))))
                            .allow(EgressRule.cidr("169.254.0.0/16", Scope.HTTPS))
                            .deny(EgressRule.category("webhook-catcher"))
                            .deny(EgressRule.host("evil.anthropic.com"))
                            .build())
            .build();

    private static final List<String> PATHS = List.of(
            "/",
            "/v1/x/y",
            "/a.json",
            "/v2/a.json",
            "/v1",
            "/v1/../x",
            "/v1/..",
            "/v1/./x",
            "/v1//x",
            "/v1/x;y",
            "/v1/%2e%2e/x",
            "/v1/%5cx",
            "/v1/%252e",
            "/v1/x%0ay",
            "/v2/..;/a",
            "/.hidden",
            "/v1/...");

    @TempDir
    Path folder;

    @Test
    void of_unknownComponent_isRefused() {
        assertThatThrownBy(() -> SquidExport.of(POLICY, "none")).hasMessageContaining("no component \"none\"");
    }

    @Test
    void subtract_hole_leavesTheRest() {
        assertThat(AddressBlocks.subtract(
                                List.of(
                                        AddressBlocks.Block.parse("10.0.0.0/8"),
                                        AddressBlocks.Block.parse("10.1.0.0/16")),
                                List.of(
                                        AddressBlocks.Block.parse("10.128.0.0/10"),
                                        AddressBlocks.Block.parse("11.0.0.0/8")))
                        .stream()
                        .map(AddressBlocks.Block::toString))
                .containsExactly("10.0.0.0/9", "10.192.0.0/10");
    }

    @Test
    void export_inSquid_givesTheAnswersOfThePolicy() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        EgressPolicy policy = EgressPolicy.compile(POLICY);
        List<EgressRequest> requests = new ArrayList<>();
        List<String> hosts = new ArrayList<>(HOSTS.keySet());
        hosts.addAll(List.of(
                "nothing.example",
                "evil.anthropic.com",
                "x.evil.anthropic.com",
                "api.openai.com.evil.example",
                "10.1.2.3",
                "10.9.9.9",
                "8.8.8.8",
                "127.0.0.1",
                "169.254.169.254",
                "169.254.1.1",
                "generativelanguage.googleapis.com",
                "::1",
                "fd00:ec2::254"));
        for (String host : hosts) {
            requests.add(new EgressRequest("c", "CONNECT", "https", host, 443, "/", List.of()));
            requests.add(new EgressRequest("c", "CONNECT", "https", host, 8443, "/", List.of()));
            for (String path : PATHS) {
                requests.add(new EgressRequest("c", "GET", "http", host, 8080, path, List.of()));
                requests.add(new EgressRequest("c", "POST", "http", host, 8080, path, List.of()));
            }
        }
        int allowed = 0;
        try (Squid squid = squid(POLICY)) {
            for (EgressRequest request : requests) {
                int status = squid.ask(request);
                boolean expected = decide(policy, request);
                // 500 to 503: it would have forwarded, and was told not to.
                assertThat(status).as(request.target()).isIn(403, 500, 502, 503);
                assertThat(status != 403).as(request.target() + request.path()).isEqualTo(expected);
                allowed += expected ? 1 : 0;
            }
        }
        assertThat(allowed).isBetween(10, requests.size() / 2);
    }

    @Test
    void export_ofAllIpv4Addresses_opensNoIpv6AddressInSquid() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Policy ipv4 = Policy.builder()
                .component(
                        "c",
                        ComponentPolicy.builder()
                                .allow(EgressRule.cidr("0.0.0.0/0", Scope.HTTPS))
                                .build())
                .build();
        try (Squid squid = squid(ipv4)) {
            for (String host : List.of("8.8.8.8", "200.1.2.3", "2606:4700::1111", "8000::1")) {
                EgressRequest request = new EgressRequest("c", "CONNECT", "https", host, 443, "/", List.of());
                assertThat(squid.ask(request) != 403).as(host).isEqualTo(decide(EgressPolicy.compile(ipv4), request));
            }
        }
    }

    @Test
    void export_ofAddressesForOneScheme_opensThemToNoOtherInSquid() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Scope both = new Scope(Set.of(8080), Set.of("http", "https"), Set.of(), Set.of());
        Policy policy = policy(ComponentPolicy.builder()
                .allow(EgressRule.host("inner.example", both))
                .allow(EgressRule.cidr("10.1.2.0/24", new Scope(Set.of(8080), Set.of("http"), Set.of(), Set.of()))));
        try (Squid squid = squid(policy)) {
            assertSameAnswer(squid, policy, "GET", "http", "inner.example", 8080, true);
            assertSameAnswer(squid, policy, "CONNECT", "https", "inner.example", 8080, false);
        }
    }

    @Test
    void export_ofAllIpv6Addresses_closesThoseThatEmbedIpv4InSquid() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Policy policy = policy(ComponentPolicy.builder()
                .allow(EgressRule.cidr("::/0", Scope.HTTPS))
                .allowHost("translated.example"));
        try (Squid squid = squid(policy)) {
            assertSameAnswer(squid, policy, "CONNECT", "https", "2606:4700::1111", 443, true);
            for (String host : List.of(
                    "::7f00:1",
                    "64:ff9b::7f00:1",
                    "64:ff9b:1:7f00:0:100::",
                    "2002:7f00:1::",
                    "2001:0:7f00:1::",
                    "translated.example")) {
                assertSameAnswer(squid, policy, "CONNECT", "https", host, 443, false);
            }
        }
    }

    /** Squid refuses rules that name what was not declared. */
    @Test
    void export_whereRulesOpenEveryAddress_declaresAllThatItNames() {
        ComponentPolicy.Builder everything = ComponentPolicy.builder()
                .allow(EgressRule.cidr("0.0.0.0/0", Scope.HTTPS))
                .allow(EgressRule.cidr("::/0", Scope.HTTPS));
        AddressRules.metadataAddresses()
                .forEach(address -> everything.allow(EgressRule.cidr(AddressText.print(address), Scope.HTTPS)));
        String text = SquidExport.of(policy(everything), "c").text();
        Set<String> declared = text.lines()
                .filter(line -> line.startsWith("acl "))
                .map(line -> line.split(" ")[1])
                .collect(Collectors.toSet());
        assertThat(text.lines()
                        .filter(line -> line.startsWith("http_access "))
                        .flatMap(line -> Stream.of(line.split("[ !]+")))
                        .filter(word -> word.startsWith("sr_")))
                .isNotEmpty()
                .isSubsetOf(declared);
    }

    /** {@code ::} and {@code ::1} lie among the addresses that embed IPv4 ones, and embed none. */
    @Test
    void export_ofLoopbackThatARuleOpens_opensItInSquid() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Policy policy = policy(ComponentPolicy.builder()
                .allow(EgressRule.cidr("::1/128", Scope.HTTPS))
                .allow(EgressRule.cidr("::/8", Scope.HTTPS.onPort(8443))));
        try (Squid squid = squid(policy)) {
            assertSameAnswer(squid, policy, "CONNECT", "https", "::1", 443, true);
            assertSameAnswer(squid, policy, "CONNECT", "https", "::", 443, false);
            assertSameAnswer(squid, policy, "CONNECT", "https", "::7f00:1", 8443, false);
        }
    }

    /** Squid takes an IPv4 address for the IPv6 one that maps it. */
    @Test
    void export_ofAllIpv6Addresses_saysNothingOfIpv4InSquid() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Policy allowed = policy(ComponentPolicy.builder()
                .allow(EgressRule.cidr("::/0", Scope.HTTPS))
                .allow(EgressRule.cidr("9.9.9.9/32", Scope.HTTPS)));
        try (Squid squid = squid(allowed)) {
            assertSameAnswer(squid, allowed, "CONNECT", "https", "2606:4700::1111", 443, true);
            assertSameAnswer(squid, allowed, "CONNECT", "https", "9.9.9.9", 443, true);
            assertSameAnswer(squid, allowed, "CONNECT", "https", "8.8.8.8", 443, false);
        }
        Policy denied = policy(ComponentPolicy.builder()
                .allow(EgressRule.cidr("0.0.0.0/0", Scope.HTTPS))
                .allow(EgressRule.cidr("2606:4700::/32", Scope.HTTPS))
                .deny(EgressRule.cidr("::/0", Scope.DEFAULT)));
        try (Squid squid = squid(denied)) {
            assertSameAnswer(squid, denied, "CONNECT", "https", "2606:4700::1111", 443, false);
            assertSameAnswer(squid, denied, "CONNECT", "https", "8.8.8.8", 443, true);
        }
    }

    @Test
    void export_ofAddressesDeniedToSomeRequests_closesThemToAllInSquid() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Scope http = new Scope(Set.of(8080), Set.of("http"), Set.of(), Set.of());
        Policy policy = policy(ComponentPolicy.builder()
                .allow(EgressRule.host("api.openai.com", http))
                .allowHost("api.openai.com")
                .deny(EgressRule.cidr("8.8.8.0/24", new Scope(Set.of(), Set.of(), Set.of("POST"), Set.of()))));
        try (Squid squid = squid(policy)) {
            assertSameAnswer(squid, policy, "GET", "http", "api.openai.com", 8080, false);
            assertSameAnswer(squid, policy, "CONNECT", "https", "api.openai.com", 443, false);
        }
    }

    private static void assertSameAnswer(
            Squid squid, Policy policy, String method, String scheme, String host, int port, boolean allowed)
            throws IOException {
        EgressRequest request = new EgressRequest("c", method, scheme, host, port, "/", List.of());
        assertThat(decide(EgressPolicy.compile(policy), request))
                .as(request.target())
                .isEqualTo(allowed);
        assertThat(squid.ask(request) != 403).as(request.target() + " in Squid").isEqualTo(allowed);
    }

    @Test
    void export_ofDeniedMetadata_closesItsAddressesInSquidToo() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        ComponentPolicy.Builder opened = ComponentPolicy.builder()
                .allow(EgressRule.cidr("169.254.169.254/32", Scope.HTTPS))
                .allow(EgressRule.cidr("169.254.1.1/32", Scope.HTTPS));
        EgressRequest metadata = new EgressRequest("c", "CONNECT", "https", "169.254.169.254", 443, "/", List.of());
        EgressRequest beside = new EgressRequest("c", "CONNECT", "https", "169.254.1.1", 443, "/", List.of());
        try (Squid squid = squid(policy(opened))) {
            assertThat(squid.ask(metadata)).isNotEqualTo(403);
        }
        Policy denied = policy(opened.deny(EgressRule.category("cloud-metadata")));
        assertThat(EgressPolicy.compile(denied).decide(metadata)).isNotInstanceOf(Allowed.class);
        try (Squid squid = squid(denied)) {
            assertThat(squid.ask(metadata)).isEqualTo(403);
            assertThat(squid.ask(beside)).isNotEqualTo(403);
        }
    }

    @Test
    void export_ofDeniedPaths_closesThoseThatServersReadDifferently() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Scope http = new Scope(Set.of(8080), Set.of("http"), Set.of(), Set.of());
        Scope admin =
                new Scope(Set.of(8080), Set.of("http"), Set.of("GET"), Set.of("/admin/**", "/a%2Bb", "/caf%C3%A9"));
        Policy policy = policy(ComponentPolicy.builder()
                .allow(EgressRule.host("api.openai.com", http))
                .deny(EgressRule.host("api.openai.com", admin)));
        EgressPolicy compiled = EgressPolicy.compile(policy);
        try (Squid squid = squid(policy)) {
            for (String path : List.of(
                    "/",
                    "/admin/x",
                    "/x/../admin/x",
                    "/x%3f/../../admin/x",
                    "/x//admin/x",
                    "/%61dmin/x",
                    "/a;b",
                    "/a%2Bb",
                    "/caf%C3%A9",
                    "/x")) {
                for (String method : List.of("GET", "POST")) {
                    EgressRequest request =
                            new EgressRequest("c", method, "http", "api.openai.com", 8080, path, List.of());
                    assertThat(squid.ask(request) != 403)
                            .as(method + " " + path)
                            .isEqualTo(decide(compiled, request));
                }
            }
        }
    }

    @Test
    void export_namesThatNoRuleSpeaksOf_areNeverLookedUp() throws Exception {
        assumeTrue(Squid.isInstalled(), "Squid is not installed");
        Policy policy = policy(ComponentPolicy.builder()
                .allowHost("*.anthropic.com")
                .allow(EgressRule.cidr("10.1.2.0/24", Scope.HTTPS))
                .deny(EgressRule.cidr("8.8.8.0/24", Scope.DEFAULT)));
        try (NameServer names = NameServer.start();
                Squid squid = squid(policy, names.address())) {
            ask(squid, "secret-data.evil.example");
            ask(squid, "10.1.2.3");
            assertThat(names.asked()).noneMatch(name -> name.contains("evil"));
            ask(squid, "unknown.anthropic.com");
            assertThat(names.asked())
                    .as("names that may be allowed are looked up")
                    .anyMatch(name -> name.contains("unknown"));
        }
    }

    private static void ask(Squid squid, String host) throws IOException {
        squid.ask(new EgressRequest("c", "CONNECT", "https", host, 443, "/", List.of()));
    }

    private static Policy policy(ComponentPolicy.Builder component) {
        return Policy.builder().component("c", component.build()).build();
    }

    /** As an adapter would: the name first, then what it resolves to; a name without an address is not connected to. */
    private static boolean decide(EgressPolicy policy, EgressRequest request) throws IOException {
        EgressDecision decision = policy.decide(request);
        String address = HOSTS.get(request.host());
        if (decision instanceof Allowed && address != null) {
            decision = policy.decideAddresses(request, List.of(InetAddress.getByName(address)));
        }
        return decision instanceof Allowed;
    }

    private Squid squid(Policy policy) throws IOException, InterruptedException {
        return squid(policy, "127.0.0.1");
    }

    private Squid squid(Policy policy, String nameServer) throws IOException, InterruptedException {
        Map<String, String> names = new HashMap<>(HOSTS);
        for (String name : List.of("generativelanguage.googleapis.com", "x.evil.anthropic.com", "evil.anthropic.com")) {
            names.put(name, "8.8.4.4");
        }
        return new Squid(
                folder,
                names,
                nameServer,
                "never_direct allow all\n" + SquidExport.of(policy, "c").text());
    }
}
