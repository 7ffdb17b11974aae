package dev.secureruntime.core.egress;

import static dev.secureruntime.core.egress.ExportedAccess.documents;
import static dev.secureruntime.core.egress.ExportedAccess.list;
import static dev.secureruntime.core.egress.ExportedAccess.map;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.egress.NetworkPolicyExport.Dns;
import dev.secureruntime.core.egress.PolicyExport.Effect;
import dev.secureruntime.core.egress.PolicyExport.Gap;
import dev.secureruntime.core.egress.PolicyExport.Precision;
import dev.secureruntime.core.egress.SmokescreenExport.Action;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.HostList;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class PolicyExportTest {

    private static final Scope POST_V1 = new Scope(Set.of(), Set.of(), Set.of("POST"), Set.of("/v1/**"));

    private static final Policy POLICY = Policy.builder()
            .source("policy.json")
            .component(
                    "chat",
                    ComponentPolicy.builder()
                            .allowHost("api.openai.com")
                            .allowHost("*.example.com")
                            .allowHost("*.amazonaws.com")
                            .allowHost("mine.s3.amazonaws.com")
                            .allowHost("webhook.site")
                            .allowHost("a_b.example.org")
                            .allow(EgressRule.host("*.anthropic.com", POST_V1))
                            .allow(EgressRule.host("inner.example", Scope.HTTPS.onPort(8443)))
                            .allow(EgressRule.cidr("10.1.0.0/16", Scope.HTTPS))
                            .allow(EgressRule.cidr("169.254.0.0/16", Scope.HTTPS.onPort(8443)))
                            .allow(EgressRule.cidr("fd00::/8", Scope.HTTPS))
                            .allow(EgressRule.cidr("fd00:1:2:3::/64", Scope.HTTPS))
                            .allow(EgressRule.cidr("10.2.0.0/16", POST_V1))
                            .deny(EgressRule.category("webhook-catcher"))
                            .deny(EgressRule.host("evil.example.com"))
                            .deny(EgressRule.cidr("10.1.7.0/24", Scope.DEFAULT))
                            .build())
            .component(
                    "batch",
                    ComponentPolicy.builder().allowHost("*.example.net").build())
            .build();

    private static String golden(String name) throws IOException {
        try (InputStream in = PolicyExportTest.class.getResourceAsStream("/vectors/egress/export/" + name)) {
            assertThat(in).as(name).isNotNull();
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static SmokescreenExport.Settings smokescreen(Precision precision, Action action) {
        return new SmokescreenExport.Settings(precision, action, "team");
    }

    private static NetworkPolicyExport.Settings network(Precision precision, Dns dns) {
        return new NetworkPolicyExport.Settings(precision, dns, "secureruntime.dev/component");
    }

    @Test
    void smokescreen_narrower_isTheGoldenFile() throws IOException {
        PolicyExport export =
                SmokescreenExport.of(POLICY, List.of("chat", "batch"), smokescreen(Precision.NARROWER, Action.ENFORCE));
        assertThat(export.text()).isEqualTo(golden("smokescreen.yaml"));
        assertThat(export.gaps()).hasSize(10);
    }

    @Test
    void smokescreen_wider_isTheGoldenFile() throws IOException {
        PolicyExport export =
                SmokescreenExport.of(POLICY, List.of("chat"), smokescreen(Precision.WIDER, Action.ENFORCE));
        assertThat(export.text()).isEqualTo(golden("smokescreen-wider.yaml"));
        assertThat(export.gaps()).anyMatch(gap -> gap.effect() == Effect.WIDER);
    }

    @Test
    void smokescreen_report_stillDeniesWhatIsDenied() {
        Map<String, Object> acl = documents(
                        SmokescreenExport.of(POLICY, List.of("chat"), smokescreen(Precision.NARROWER, Action.REPORT))
                                .text())
                .get(0);
        assertThat(ExportedAccess.smokescreenAllows(acl, "chat", "evil.example.com"))
                .isFalse();
        assertThat(ExportedAccess.smokescreenAllows(acl, "chat", "x.webhook.site"))
                .isFalse();
        assertThat(ExportedAccess.smokescreenAllows(acl, "chat", "anything.example"))
                .isTrue();
        assertThat(ExportedAccess.smokescreenAllows(acl, "stranger", "anything.example"))
                .isFalse();
    }

    @Test
    void networkPolicy_narrower_isTheGoldenFile() throws IOException {
        PolicyExport export =
                NetworkPolicyExport.of(POLICY, List.of("chat", "batch"), network(Precision.NARROWER, new Dns.None()));
        assertThat(export.text()).isEqualTo(golden("k8s-networkpolicy.yaml"));
        assertThat(export.gaps()).allMatch(gap -> gap.effect() == Effect.LEFT_OUT);
    }

    @Test
    void networkPolicy_widerWithDns_isTheGoldenFile() throws IOException {
        PolicyExport export =
                NetworkPolicyExport.of(POLICY, List.of("batch"), network(Precision.WIDER, new Dns.Cluster()));
        assertThat(export.text()).isEqualTo(golden("k8s-networkpolicy-wider.yaml"));
        assertThat(export.gaps()).allMatch(gap -> gap.effect() == Effect.WIDER);
    }

    /** A denial of plain http closes nothing to https: what closed it there would be narrower than the policy, and say nothing. */
    @Test
    void networkPolicy_denialOfAnotherScheme_closesNothing() {
        Scope http = new Scope(Set.of(), Set.of("http"), Set.of(), Set.of());
        ComponentPolicy.Builder rules = ComponentPolicy.builder()
                .allow(EgressRule.cidr("10.0.0.0/8", Scope.HTTPS))
                .deny(EgressRule.cidr("10.1.0.0/16", http))
                .deny(EgressRule.category("raw-ip", http));
        assertThat(opens(rules, 10, 1, 2, 3)).isTrue();
        assertThat(opens(rules.deny(EgressRule.cidr("10.1.2.0/24", Scope.HTTPS)), 10, 1, 2, 3))
                .isFalse();
        assertThat(opens(rules, 10, 1, 3, 3)).isTrue();
    }

    private static boolean opens(ComponentPolicy.Builder rules, int... address) {
        Policy policy = Policy.builder().component("batch", rules.build()).build();
        PolicyExport export =
                NetworkPolicyExport.of(policy, List.of("batch"), network(Precision.NARROWER, new Dns.None()));
        byte[] bytes = new byte[address.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) address[i];
        }
        return ExportedAccess.networkPolicyAllows(documents(export.text()).get(0), bytes, 443);
    }

    @Test
    void networkPolicy_dnsAddress_opensPort53ThereAlone() {
        Map<String, Object> policy = documents(NetworkPolicyExport.of(
                                POLICY, List.of("batch"), network(Precision.NARROWER, new Dns.At("10.96.0.10/32")))
                        .text())
                .get(0);
        assertThat(list(map(policy.get("spec")).get("egress"))).hasSize(1);
        assertThat(ExportedAccess.networkPolicyAllows(policy, new byte[] {10, 96, 0, 10}, 53))
                .isTrue();
        assertThat(ExportedAccess.networkPolicyAllows(policy, new byte[] {10, 96, 0, 11}, 53))
                .isFalse();
    }

    @Test
    void networkPolicy_namesThatAreNoLabels_areRefused() {
        Policy slash = Policy.builder()
                .component("a/b", ComponentPolicy.builder().build())
                .build();
        assertThatThrownBy(() -> NetworkPolicyExport.of(slash, List.of("a/b"), NetworkPolicyExport.Settings.DEFAULT))
                .hasMessageContaining("label");
        assertThatThrownBy(() -> new NetworkPolicyExport.Settings(Precision.WIDER, new Dns.None(), "a b"))
                .hasMessageContaining("label");
    }

    @Test
    void exports_sourceWithLineFeeds_staysAComment() {
        Policy policy = Policy.builder()
                .source("x\nhttp_access allow all\r\u2028services: []")
                .component("c", ComponentPolicy.builder().allowHost("a.example").build())
                .build();
        String squid = SquidExport.of(policy, "c").text();
        assertThat(squid.lines()).doesNotContain("http_access allow all");
        String acl = SmokescreenExport.of(policy, List.of("c"), SmokescreenExport.Settings.DEFAULT)
                .text();
        assertThat(list(documents(acl).get(0).get("services"))).hasSize(1);
    }

    /** What no tool outside the process can hold is named by each of them, in the file and as a gap. */
    @Test
    void exports_membersBesideTheRules_areNamed() {
        Instant start = Instant.parse("2026-11-24T08:00:00Z");
        Policy policy = Policy.builder()
                .component(
                        "c",
                        ComponentPolicy.builder()
                                .allowHost("a.example")
                                .mode(EnforcementMode.REPORT)
                                .onManyNames(OnManyNames.BLOCK)
                                .budget(ByteBudget.of("a.example", 1000, Duration.ofHours(1)))
                                .build())
                .component("other", ComponentPolicy.builder().build())
                .breakGlass(BreakGlass.grant("c")
                        .host("db.example", 443)
                        .person("jane.doe")
                        .reason("INC-1")
                        .from(start)
                        .until(start.plusSeconds(3600))
                        .build())
                .build();
        List<Gap> named = List.of(
                new Gap("c", "mode report", Effect.LEFT_OUT, "the tool refuses what the policy would only record"),
                new Gap("c", "budget of 1000 bytes in PT1H for a.example", Effect.WIDER, "the tool counts no bytes"),
                new Gap("c", "onManyNames block", Effect.WIDER, "the tool counts no names"),
                new Gap(
                        "c",
                        "break-glass to https://db.example:443 until 2026-11-24T09:00:00Z",
                        Effect.LEFT_OUT,
                        "it has an end, which the tool would not keep"));
        for (PolicyExport export : List.of(
                SquidExport.of(policy, "c"),
                SmokescreenExport.of(policy, List.of("c"), SmokescreenExport.Settings.DEFAULT),
                NetworkPolicyExport.of(policy, List.of("c"), NetworkPolicyExport.Settings.DEFAULT))) {
            assertThat(export.gaps()).containsAll(named);
            for (Gap gap : named) {
                assertThat(export.text().lines().map(String::strip))
                        .anyMatch(line -> line.startsWith("# ") && line.endsWith(gap.rule() + ": " + gap.why()));
            }
            assertThat(export.text())
                    .contains("# Secrets and the hosts that they are bound to, and canaries, are judged");
        }
        assertThat(SquidExport.of(policy, "other").gaps()).isEmpty();
    }

    @Test
    void smokescreen_report_isAGap_andNamesNoIpv6Address() {
        Policy policy = Policy.builder()
                .component(
                        "c",
                        ComponentPolicy.builder()
                                .deny(EgressRule.category("cloud-metadata"))
                                .build())
                .build();
        PolicyExport export =
                SmokescreenExport.of(policy, List.of("c"), smokescreen(Precision.NARROWER, Action.REPORT));
        assertThat(export.gaps())
                .anyMatch(gap -> gap.effect() == Effect.WIDER && gap.why().startsWith("action report"));
        assertThat(list(documents(export.text()).get(0).get("global_deny_list")).stream()
                        .map(String::valueOf))
                .contains("169.254.169.254")
                .noneMatch(name -> name.indexOf(':') >= 0);
    }

    @Test
    void networkPolicy_wider_namesTheDenialsThatItCantHold() {
        PolicyExport export = NetworkPolicyExport.of(POLICY, List.of("chat"), network(Precision.WIDER, new Dns.None()));
        assertThat(export.gaps())
                .filteredOn(gap -> gap.effect() == Effect.WIDER)
                .extracting(Gap::rule)
                .contains("deny evil.example.com", "deny category webhook-catcher");
    }

    @Test
    void squid_categoryWithoutHosts_isNoWordThatSquidDoesNotKnow() {
        Policy policy = Policy.builder()
                .category("none", CategoryPolicy.own(HostList.of(List.of())))
                .component(
                        "c",
                        ComponentPolicy.builder()
                                .allowHost("a.example")
                                .allow(EgressRule.category("none"))
                                .deny(EgressRule.category("none"))
                                .build())
                .build();
        String rules = SquidExport.of(policy, "c").text();
        Set<String> declared = new HashSet<>();
        for (String line : rules.lines().filter(each -> !each.startsWith("#")).toList()) {
            String[] words = line.split(" ");
            if (words[0].equals("acl")) {
                declared.add(words[1]);
            }
            if (words[0].equals("http_access")) {
                assertThat(Arrays.stream(words)
                                .skip(2)
                                .filter(word -> !word.isEmpty())
                                .map(word -> word.replace("!", "")))
                        .as(line)
                        .allMatch(word -> word.equals("all") || declared.contains(word));
            }
        }
        assertThat(rules).contains("http_access allow");
    }

    @Test
    void exports_unknownComponent_areRefused() {
        assertThatThrownBy(() -> SmokescreenExport.of(POLICY, List.of("no"), SmokescreenExport.Settings.DEFAULT))
                .hasMessageContaining("no component");
        assertThatThrownBy(() -> NetworkPolicyExport.of(POLICY, List.of("no"), NetworkPolicyExport.Settings.DEFAULT))
                .hasMessageContaining("no component");
    }
}
