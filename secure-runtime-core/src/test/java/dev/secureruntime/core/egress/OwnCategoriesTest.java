package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.CategoryPolicy;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.HostList;
import dev.secureruntime.policy.Policy;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class OwnCategoriesTest {

    private static final HostList HOSTS =
            HostList.of(List.of("evil.example", "*.bad.example", "*.both.example", "both.example"));

    private static Policy.Builder policy(ComponentPolicy.Builder component) {
        return Policy.builder().component("c", component.build()).category("corp", CategoryPolicy.own(HOSTS));
    }

    private static boolean allows(Policy policy, String host) {
        return EgressPolicy.compile(policy).decide(new EgressRequest("c", "GET", "https", host, 443, "/", List.of()))
                instanceof Allowed;
    }

    @Test
    void allow_ownCategory_opensWhatIsListed() {
        Policy policy = policy(ComponentPolicy.builder().allow(EgressRule.category("corp")))
                .build();
        assertThat(allows(policy, "evil.example")).isTrue();
        assertThat(allows(policy, "x.evil.example")).isFalse();
        assertThat(allows(policy, "bad.example")).isFalse();
        assertThat(allows(policy, "a.b.bad.example")).isTrue();
        assertThat(allows(policy, "both.example")).isTrue();
        assertThat(allows(policy, "x.both.example")).isTrue();
    }

    @Test
    void compileForConnections_knowsOwnCategories() {
        Policy policy = policy(ComponentPolicy.builder().allow(EgressRule.category("corp")))
                .build();
        EgressRequest connection = new EgressRequest("c", "CONNECT", "https", "evil.example", 443, "/", List.of());
        assertThat(EgressPolicy.compileForConnections(policy, "").decide(connection))
                .isInstanceOf(Allowed.class);
    }

    @Test
    void deny_ownCategory_beatsAnExactName() {
        ComponentPolicy.Builder component = ComponentPolicy.builder()
                .allowHost("evil.example")
                .allowHost("x.bad.example")
                .allowHost("bad.example");
        Policy policy = policy(component.deny(EgressRule.category("corp"))).build();
        assertThat(allows(policy, "evil.example")).isFalse();
        assertThat(allows(policy, "x.bad.example")).isFalse();
        assertThat(allows(policy, "bad.example")).isTrue();
    }

    @Test
    void wildcard_stopsAtOwnCategory_andAnExactNameDoesNot() {
        Policy policy = policy(ComponentPolicy.builder().allowHost("*.example")).build();
        assertThat(allows(policy, "good.example")).isTrue();
        assertThat(allows(policy, "evil.example")).isFalse();
        assertThat(allows(policy, "x.bad.example")).isFalse();
        assertThat(allows(
                        policy(ComponentPolicy.builder().allowHost("*.example").allowHost("evil.example"))
                                .build(),
                        "evil.example"))
                .isTrue();
    }

    @Test
    void addition_toABuiltInCategory_isPartOfIt() {
        ComponentPolicy component = ComponentPolicy.builder()
                .allowHost("ours.example")
                .deny(EgressRule.category("dynamic-dns"))
                .build();
        Policy.Builder policy = Policy.builder().component("c", component);
        assertThat(allows(policy.build(), "ours.example")).isTrue();
        policy.category("dynamic-dns", CategoryPolicy.addition(HostList.of(List.of("ours.example"))));
        assertThat(allows(policy.build(), "ours.example")).isFalse();
    }

    @Test
    void compile_redefinedOrUnknown_isRefused() {
        Policy.Builder redefined = Policy.builder().category("tunnel", CategoryPolicy.own(HOSTS));
        assertThatThrownBy(() -> EgressPolicy.compile(redefined.build()))
                .isInstanceOf(SecureRuntimeException.class)
                .hasMessageContaining("tunnel is built in");
        Policy.Builder addition = Policy.builder().category("tunel", CategoryPolicy.addition(HOSTS));
        assertThatThrownBy(() -> EgressPolicy.compile(addition.build())).hasMessageContaining("not built in");
        Policy.Builder form = Policy.builder().category("raw-ip", CategoryPolicy.addition(HOSTS));
        assertThatThrownBy(() -> EgressPolicy.compile(form.build())).hasMessageContaining("has no list");
        Policy.Builder unknown = policy(ComponentPolicy.builder().deny(EgressRule.category("crop")));
        assertThatThrownBy(() -> EgressPolicy.compile(unknown.build())).hasMessageContaining("did you mean \"corp\"?");
    }

    @Test
    void warnings_listThatNoRuleNeeds_isNamed() {
        Policy policy = policy(ComponentPolicy.builder().allowHost("a.example")).build();
        assertThat(EgressPolicy.compile(policy).warnings()).anyMatch(warning -> warning.contains("\"corp\""));
        Policy needed = policy(ComponentPolicy.builder().deny(EgressRule.category("corp")))
                .build();
        assertThat(EgressPolicy.compile(needed).warnings()).isEmpty();
    }

    @Test
    void diff_changedList_showsWhatItDoes() {
        ComponentPolicy component =
                ComponentPolicy.builder().allow(EgressRule.category("corp")).build();
        Policy before = Policy.builder()
                .component("c", component)
                .category("corp", CategoryPolicy.own(HostList.of(List.of("a.example"))))
                .build();
        Policy after = Policy.builder()
                .component("c", component)
                .category("corp", CategoryPolicy.own(HostList.of(List.of("a.example", "b.example"))))
                .build();
        assertThat(PolicyDiff.between(before, after).changes())
                .extracting(PolicyDiff.Change::target)
                .containsExactly("https://b.example:443");
    }

    @Test
    void exports_ownCategory_areThere() {
        Policy policy = policy(ComponentPolicy.builder()
                        .allow(EgressRule.category("corp"))
                        .allowHost("*.example"))
                .build();
        PolicyExport acl = SmokescreenExport.of(policy, List.of("c"), SmokescreenExport.Settings.DEFAULT);
        assertThat(acl.text()).contains("- \"evil.example\"").contains("- \"*.bad.example\"");
        assertThat(acl.gaps()).extracting(PolicyExport.Gap::rule).contains("allow *.example");
        assertThat(SquidExport.of(policy, "c").text())
                .contains("dstdomain -n evil.example .both.example")
                .contains("dstdom_regex -n [.]bad[.]example$");
    }

    @Test
    void decide_millionHosts_findsEach() {
        List<String> hosts = IntStream.range(0, HostList.MAX_HOSTS)
                .mapToObj(i -> (i % 2 == 0 ? "*." : "") + "host" + i + ".example")
                .toList();
        Policy policy = Policy.builder()
                .component(
                        "c",
                        ComponentPolicy.builder()
                                .allowHost("*.example")
                                .deny(EgressRule.category("corp"))
                                .build())
                .category("corp", CategoryPolicy.own(HostList.of(hosts)))
                .build();
        EgressPolicy compiled = EgressPolicy.compile(policy);
        for (int i = 0; i < HostList.MAX_HOSTS; i += 997) {
            String host = (i % 2 == 0 ? "x." : "") + "host" + i + ".example";
            assertThat(compiled.decide(new EgressRequest("c", "GET", "https", host, 443, "/", List.of())))
                    .as(host)
                    .isNotInstanceOf(Allowed.class);
        }
        assertThat(allows(policy, "host1000001.example")).isTrue();
    }
}
