package dev.secureruntime.core.egress;

import static dev.secureruntime.core.egress.ExportedAccess.documents;
import static dev.secureruntime.core.egress.ExportedAccess.list;
import static dev.secureruntime.core.egress.ExportedAccess.map;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.egress.NetworkPolicyExport.Dns;
import dev.secureruntime.core.egress.PolicyExport.Effect;
import dev.secureruntime.core.egress.PolicyExport.Precision;
import dev.secureruntime.core.egress.SmokescreenExport.Action;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
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

    @Test
    void exports_unknownComponent_areRefused() {
        assertThatThrownBy(() -> SmokescreenExport.of(POLICY, List.of("no"), SmokescreenExport.Settings.DEFAULT))
                .hasMessageContaining("no component");
        assertThatThrownBy(() -> NetworkPolicyExport.of(POLICY, List.of("no"), NetworkPolicyExport.Settings.DEFAULT))
                .hasMessageContaining("no component");
    }
}
