package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.secureruntime.core.egress.NetworkPolicyExport.Dns;
import dev.secureruntime.core.egress.PolicyExport.Precision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.Size;

/** Asks random policies, and what they are exported to, the same questions: no export lets through what a policy refuses. */
final class PolicyExportPropertyTest {

    private static final List<String> HOSTS = List.of(
            "a.example",
            "b.a.example",
            "c.b.a.example",
            "example",
            "webhook.site",
            "x.webhook.site",
            "mine.s3.amazonaws.com",
            "amazonaws.com",
            "api.openai.com",
            "foo.ngrok.io",
            "pastebin.com");

    private static final List<String> ADDRESSES = List.of(
            "10.1.2.3",
            "10.9.9.9",
            "127.0.0.1",
            "169.254.169.254",
            "169.254.1.1",
            "8.8.8.8",
            "100.100.100.200",
            "::1",
            "fd00:1:2:3::5",
            "fd00:ec2::254",
            "fd00:1:2:3:0:5efe:7f00:1",
            "fd00:1:2:3:200:5efe:a01:203",
            "2001:db8::1",
            "2606:4700::1111",
            "2002:7f00:1::",
            "64:ff9b::a01:203",
            "2001:0:1:2:3:4:5:6",
            "::7f00:1");

    private static final List<String[]> REQUESTS = List.of(
            new String[] {"GET", "/"},
            new String[] {"POST", "/"},
            new String[] {"GET", "/v1/x"},
            new String[] {"POST", "/v1/x"},
            new String[] {"DELETE", "/v1/../x"});

    private static Policy policy(List<EgressRule> allow, List<EgressRule> deny) {
        return Policy.builder()
                .component("c", new ComponentPolicy(allow, deny, Set.of()))
                .build();
    }

    private static boolean allowsAll(EgressPolicy policy, String scheme, String host, int port) {
        return REQUESTS.stream()
                .allMatch(request ->
                        policy.decide(new EgressRequest("c", request[0], scheme, host, port, request[1], List.of()))
                                instanceof Allowed);
    }

    @Property(tries = 150)
    void smokescreen_narrower_neverAllowsWhatThePolicyRefuses(
            @ForAll @Size(max = 6) List<@From("rules") EgressRule> allow,
            @ForAll @Size(max = 4) List<@From("denials") EgressRule> deny) {
        Policy policy = policy(allow, deny);
        EgressPolicy compiled = EgressPolicy.compile(policy);
        PolicyExport export = SmokescreenExport.of(policy, List.of("c"), SmokescreenExport.Settings.DEFAULT);
        Map<String, Object> acl = ExportedAccess.documents(export.text()).get(0);
        for (String host : HOSTS) {
            boolean allowed = ExportedAccess.smokescreenAllows(acl, "c", host);
            boolean expected = allowsAll(compiled, "https", host, 443);
            if (allowed) {
                assertThat(expected).as(host + "\n" + export.text()).isTrue();
            } else if (export.gaps().isEmpty()) {
                assertThat(expected)
                        .as("nothing is left out, yet closed: " + host)
                        .isFalse();
            }
            for (String address : ADDRESSES) {
                assertThat(ExportedAccess.smokescreenAllows(acl, "c", address)).isFalse();
            }
        }
    }

    @Property(tries = 150)
    void networkPolicy_narrower_neverAllowsWhatThePolicyRefuses(
            @ForAll @Size(max = 6) List<@From("rules") EgressRule> allow,
            @ForAll @Size(max = 4) List<@From("denials") EgressRule> deny)
            throws UnknownHostException {
        Policy policy = policy(allow, deny);
        EgressPolicy compiled = EgressPolicy.compile(policy);
        PolicyExport export = NetworkPolicyExport.of(policy, List.of("c"), NetworkPolicyExport.Settings.DEFAULT);
        Map<String, Object> network = ExportedAccess.documents(export.text()).get(0);
        assertThat(network).containsEntry("kind", "NetworkPolicy");
        for (String text : ADDRESSES) {
            byte[] address = InetAddress.getByName(text).getAddress();
            for (int port : new int[] {80, 443, 8080, 53}) {
                boolean allowed = ExportedAccess.networkPolicyAllows(network, address, port);
                boolean expected = allowsAll(compiled, "https", text(address), port)
                        || allowsAll(compiled, "http", text(address), port);
                if (allowed) {
                    assertThat(expected)
                            .as(text + " " + port + "\n" + export.text())
                            .isTrue();
                } else if (export.gaps().isEmpty() && address.length == 4 && deny.isEmpty()) {
                    assertThat(expected)
                            .as("nothing is left out, yet closed: " + text)
                            .isFalse();
                }
            }
        }
    }

    /** Squid reads whatever is exported; {@code SquidExportTest} asks it for its answers. */
    @Property(tries = 20)
    void squid_anyPolicy_isReadByIt(
            @ForAll @Size(max = 6) List<@From("rules") EgressRule> allow,
            @ForAll @Size(max = 4) List<@From("denials") EgressRule> deny)
            throws IOException, InterruptedException {
        Path squid = Path.of("/usr/sbin/squid");
        assumeTrue(Files.isExecutable(squid), "Squid is not installed");
        Path folder = Files.createTempDirectory("squid");
        String rules = SquidExport.of(policy(allow, deny), "c").text();
        Path configuration = Files.writeString(
                folder.resolve("squid.conf"),
                "http_port 127.0.0.1:3128\npid_filename none\naccess_log none\ncache_log " + folder + "/log\n" + rules);
        Path said = folder.resolve("said");
        Process parse = new ProcessBuilder(squid.toString(), "-k", "parse", "-f", configuration.toString())
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        assertThat(parse.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(parse.exitValue()).as(rules + Files.readString(said)).isZero();
        assertThat(Files.readString(said)).as(rules).doesNotContain("ERROR", "FATAL", "unrecognized");
    }

    /** With all gaps let in, private addresses and metadata still need a rule of their own. */
    @Property(tries = 100)
    void networkPolicy_widerWithoutCidrRules_opensNoSpecialAddress(
            @ForAll @Size(max = 6) List<@From("nameRules") EgressRule> allow) throws UnknownHostException {
        Policy policy = policy(allow, List.of());
        NetworkPolicyExport.Settings wider =
                new NetworkPolicyExport.Settings(Precision.WIDER, new Dns.None(), "component");
        String yaml = NetworkPolicyExport.of(policy, List.of("c"), wider).text();
        Map<String, Object> network = ExportedAccess.documents(yaml).get(0);
        for (String text : ADDRESSES) {
            byte[] address = InetAddress.getByName(text).getAddress();
            if (AddressRules.isSpecial(address) && !text.contains("5efe")) {
                assertThat(ExportedAccess.networkPolicyAllows(network, address, 443))
                        .as(text)
                        .isFalse();
            }
        }
    }

    private static String text(byte[] address) {
        return AddressText.print(address);
    }

    private static Arbitrary<Scope> scopes() {
        return Arbitraries.of(
                Scope.DEFAULT,
                Scope.DEFAULT,
                Scope.HTTPS,
                Scope.DEFAULT.onPort(8080),
                new Scope(Set.of(443, 8080), Set.of("http", "https"), Set.of(), Set.of()),
                new Scope(Set.of(), Set.of("http"), Set.of(), Set.of()),
                new Scope(Set.of(), Set.of(), Set.of("GET"), Set.of()),
                new Scope(Set.of(), Set.of(), Set.of(), Set.of("/v1/**")),
                new Scope(Set.of(), Set.of(), Set.of("PATCH"), Set.of("/a.b(c)/*", "/$x+[y]/**", "/\"q'/%20")));
    }

    @Provide
    Arbitrary<EgressRule> nameRules() {
        Arbitrary<String> names = Arbitraries.of(HOSTS);
        Arbitrary<String> targets =
                Arbitraries.oneOf(names, names.map(name -> "*." + name), Arbitraries.of("*.ngrok.io"));
        return Combinators.combine(targets, scopes()).as(EgressRule::host);
    }

    @Provide
    Arbitrary<EgressRule> denials() {
        return Arbitraries.frequencyOf(
                Tuple.of(9, rules()),
                Tuple.of(
                        1,
                        Combinators.combine(Arbitraries.of("raw-ip", "cloud-metadata"), scopes())
                                .as(EgressRule::category)));
    }

    @Provide
    Arbitrary<EgressRule> rules() {
        Arbitrary<EgressRule> categories = Combinators.combine(
                        Arbitraries.of("webhook-catcher", "paste-site", "tunnel", "llm-provider"), scopes())
                .as(EgressRule::category);
        Arbitrary<EgressRule> blocks = Combinators.combine(
                        Arbitraries.of(
                                "10.0.0.0/8",
                                "10.1.2.0/24",
                                "0.0.0.0/0",
                                "169.254.0.0/16",
                                "169.254.169.254/32",
                                "127.0.0.1/32",
                                "fd00::/8",
                                "fd00:1:2:3::/64",
                                "fd00:1:2:3:200::/80",
                                "fd00:ec2::254/128",
                                "::/0",
                                "::1/128",
                                "2002::/16",
                                "64:ff9b::/96"),
                        scopes())
                .as(EgressRule::cidr);
        return Arbitraries.oneOf(nameRules(), nameRules(), categories, blocks);
    }
}
