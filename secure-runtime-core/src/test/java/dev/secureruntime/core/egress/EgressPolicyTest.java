package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EgressRule.Scope;
import dev.secureruntime.policy.Policy;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class EgressPolicyTest {

    static final Scope HTTP_8080 = new Scope(Set.of(8080), Set.of("http"), Set.of(), Set.of());

    static EgressPolicy policy(Consumer<ComponentPolicy.Builder> rules) {
        ComponentPolicy.Builder component = ComponentPolicy.builder();
        rules.accept(component);
        return EgressPolicy.compile(
                Policy.builder().component("support-agent", component.build()).build());
    }

    static EgressRequest request(String method, String url, String... redirectedFrom) {
        int scheme = url.indexOf("://");
        int slash = url.indexOf('/', scheme + 3);
        String authority = url.substring(scheme + 3, slash);
        int colon = authority.lastIndexOf(':');
        String host = authority.substring(0, colon);
        return new EgressRequest(
                "support-agent",
                method,
                url.substring(0, scheme),
                host.startsWith("[") ? host.substring(1, host.length() - 1) : host,
                Integer.parseInt(authority.substring(colon + 1)),
                url.substring(slash),
                List.of(redirectedFrom));
    }

    static EgressRequest get(String url) {
        return request("GET", url);
    }

    static Denied denied(EgressDecision decision) {
        assertThat(decision).isInstanceOf(Denied.class);
        return (Denied) decision;
    }

    @Test
    void decide_nothingAllowed_isDenied() {
        Denied denied = denied(policy(c -> {}).decide(request("POST", "https://evil.example:443/")));
        assertThat(denied.code()).isEqualTo(ErrorCode.EGRESS_DENIED);
        assertThat(denied.reason()).isEqualTo(Reason.HOST_NOT_ALLOWED);
        assertThat(denied.detail()).isEqualTo("host not allowed");
        assertThat(denied.nearest()).isEmpty();
        assertThat(denied.remedy()).isEqualTo("allow \"evil.example\" under components.support-agent.egress.allow");
    }

    @Test
    void decide_unknownComponent_isDenied() {
        EgressRequest other = new EgressRequest("other", "GET", "https", "api.openai.com", 443, "/", List.of());
        assertThat(denied(policy(c -> c.allowHost("api.openai.com")).decide(other))
                        .remedy())
                .isEqualTo("add the component under components");
    }

    @Test
    void decide_redirectToAnotherHost_namesWhereItCameFrom() {
        Denied denied = denied(policy(c -> c.allowHost("api.openai.com"))
                .decide(request("POST", "https://evil.example:443/", "api.openai.com")));
        assertThat(denied.detail()).isEqualTo("host not allowed; reached by redirect from api.openai.com");
        assertThat(denied.nearest()).contains("api.openai.com");
    }

    @Test
    void decide_oneHostUnderTwoRules_namesTheRuleThatComesCloser() {
        EgressPolicy policy = policy(
                c -> c.allow(EgressRule.host("a.example", new Scope(Set.of(8443), Set.of("https"), Set.of(), Set.of())))
                        .allow(EgressRule.host("a.example", HTTP_8080)));

        assertThat(denied(policy.decide(get("https://a.example:9443/"))).remedy())
                .startsWith("add 9443 to the \"ports\" of \"a.example\"");
        assertThat(denied(policy.decide(get("http://a.example:8081/"))).remedy())
                .startsWith("add 8081 to the \"ports\" of \"a.example\"");
    }

    @ParameterizedTest
    @CsvSource({
        "https://api.openai.com:443/v1/chat, ''",
        "https://api.openai.com:8443/, PORT_NOT_ALLOWED",
        "http://api.openai.com:443/, SCHEME_NOT_ALLOWED",
        "http://api.openai.com:80/, SCHEME_NOT_ALLOWED",
        "ftp://api.openai.com:443/, SCHEME_NOT_ALLOWED",
        "https://www.api.openai.com:443/, HOST_NOT_ALLOWED",
        "https://openai.com:443/, HOST_NOT_ALLOWED",
        "https://claude.anthropic.com:443/v1/messages, ''",
        "https://a.b.anthropic.com:443/v1/messages, ''",
        "https://anthropic.com:443/v1/messages, HOST_NOT_ALLOWED",
        "https://notanthropic.com:443/v1/messages, HOST_NOT_ALLOWED",
        "https://a.anthropic.com:443/v2/messages, PATH_NOT_ALLOWED",
        "https://a.anthropic.com:443/v1/../admin, MALFORMED_TARGET",
        "https://a.anthropic.com:443/v1/%2e%2e/admin, MALFORMED_TARGET",
        "https://a.anthropic.com:443/v1/..%2fadmin, MALFORMED_TARGET",
        "https://a.anthropic.com:443/v1/..;/admin, MALFORMED_TARGET",
        "https://a.anthropic.com:443/v1//admin, MALFORMED_TARGET",
        "https://a.anthropic.com:443/v1/%61dmin, MALFORMED_TARGET",
        "https://a.anthropic.com:443/v1/caf%C3%A9, ''",
    })
    void decide_scope_isPrecise(String url, String reason) {
        EgressPolicy policy = policy(c -> c.allowHost("api.openai.com")
                .allow(EgressRule.host(
                        "*.anthropic.com", new Scope(Set.of(443), Set.of(), Set.of("POST"), Set.of("/v1/**")))));
        EgressDecision decision = policy.decide(request("POST", url));
        assertThat(decision instanceof Denied denied ? denied.reason().name() : "")
                .isEqualTo(reason);
    }

    @Test
    void decide_onlyTheMethodIsWrong_saysSo() {
        Denied denied = denied(policy(c -> c.allow(
                        EgressRule.host("a.example", new Scope(Set.of(443), Set.of("https"), Set.of("GET"), Set.of()))))
                .decide(request("DELETE", "https://a.example:443/")));
        assertThat(denied.reason()).isEqualTo(Reason.METHOD_NOT_ALLOWED);
        assertThat(denied.nearest()).contains("a.example");
        assertThat(denied.remedy())
                .isEqualTo(
                        "add \"DELETE\" to the \"methods\" of \"a.example\" under components.support-agent.egress.allow");
    }

    @ParameterizedTest
    @CsvSource({
        "api.opneai.com, api.openai.com",
        "eu.api.openai.com, api.openai.com",
        "uploads.openai.com, api.openai.com",
        "evil.example,",
    })
    void decide_hostNotAllowed_namesTheNearestThatResembles(String host, String nearest) {
        EgressPolicy policy = policy(c -> c.allowHost("api.openai.com").allowHost("*.internal.corp.example.net"));
        assertThat(denied(policy.decide(get("https://" + host + ":443/"))).nearestName())
                .isEqualTo(nearest);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                "a.example.",
                "A.example",
                "a..example",
                ".a.example",
                "a.example:80",
                "a example",
                "a%2eexample",
                "ａ.example",
                "①.example",
                "a。example",
                "a/example",
                "a\\example",
                "a@a.example",
                "a.example\n",
                "-a.example",
                "a-.example",
                "127.1",
                "0x7f000001",
                "2130706433",
                "0177.0.0.1",
                "127.0.0.1.",
                "1.2.3",
                "256.1.1.1",
                "a.example.0x7f",
                "a.example.1",
                "0x",
                "1.1.1.01",
                "[::1]",
                "::ffff:127.0.0.1",
                "0:0:0:0:0:0:0:1",
                "fe80::1%eth0",
                "::1%25lo",
                "FD00::1",
                "1::2::3",
                "*.example",
                "*"
            })
    void decide_disputedForm_isRefusedWhateverTheRules(String host) {
        EgressPolicy policy = policy(c -> c.allowHost("a.example")
                .allowHost("*.example")
                .allow(EgressRule.cidr("0.0.0.0/0", Scope.HTTPS))
                .allow(EgressRule.cidr("::/0", Scope.HTTPS)));
        Denied denied =
                denied(policy.decide(new EgressRequest("support-agent", "GET", "https", host, 443, "/", List.of())));
        assertThat(denied.code()).isEqualTo(ErrorCode.EGRESS_MALFORMED_TARGET);
        assertThat(denied.reason()).isEqualTo(Reason.MALFORMED_TARGET);
    }

    @Test
    void decide_longNames_areRefused() {
        EgressPolicy policy = policy(c -> c.allowHost("*.example"));
        assertThat(policy.decide(get("https://" + "a".repeat(63) + ".example:443/")))
                .isInstanceOf(Allowed.class);
        assertThat(denied(policy.decide(get("https://" + "a".repeat(64) + ".example:443/")))
                        .reason())
                .isEqualTo(Reason.MALFORMED_TARGET);
        assertThat(denied(policy.decide(get("https://" + "a.".repeat(124) + "example:443/")))
                        .reason())
                .isEqualTo(Reason.MALFORMED_TARGET);
    }

    @Test
    void decide_denyRule_beatsExactAllowOnEveryPort() {
        EgressPolicy policy = policy(c -> c.allow(EgressRule.host("a.example", HTTP_8080))
                .allowHost("b.example")
                .deny(EgressRule.host("a.example"))
                .deny(EgressRule.host("*.evil.example")));
        Denied denied = denied(policy.decide(get("http://a.example:8080/")));
        assertThat(denied.reason()).isEqualTo(Reason.DENY_RULE);
        assertThat(denied.detail()).isEqualTo("denied by \"a.example\" in components.support-agent.egress.deny");
        assertThat(policy.decide(get("https://b.example:443/"))).isEqualTo(new Allowed("b.example"));
    }

    @Test
    void decide_denyRuleWithPaths_holdsOnPathsThatServersReadDifferently() {
        EgressPolicy policy = policy(c -> c.allowHost("a.example")
                .deny(EgressRule.host("a.example", new Scope(Set.of(), Set.of(), Set.of(), Set.of("/admin/**")))));
        assertThat(policy.decide(get("https://a.example:443/open"))).isInstanceOf(Allowed.class);
        assertThat(denied(policy.decide(get("https://a.example:443/admin/x"))).reason())
                .isEqualTo(Reason.DENY_RULE);
        assertThat(denied(policy.decide(get("https://a.example:443/%61dmin/x"))).reason())
                .isEqualTo(Reason.DENY_RULE);
        assertThat(denied(policy.decide(get("https://a.example:443//admin/x"))).reason())
                .isEqualTo(Reason.DENY_RULE);
    }

    @Test
    void decide_category_beatsAWildcardAndNotAnExactHost() {
        EgressPolicy policy = policy(c -> c.allowHost("*.amazonaws.com").allowHost("my-bucket.s3.amazonaws.com"));
        Denied denied = denied(policy.decide(get("https://their-bucket.s3.amazonaws.com:443/")));
        assertThat(denied.reason()).isEqualTo(Reason.HOST_NOT_ALLOWED);
        assertThat(denied.detail())
                .isEqualTo("the host is in category living-off-trusted-sites,"
                        + " which the wildcard \"*.amazonaws.com\" does not open");
        assertThat(policy.decide(get("https://my-bucket.s3.amazonaws.com:443/")))
                .isInstanceOf(Allowed.class);
    }

    @Test
    void decide_categoryInDeny_beatsAnExactHost() {
        EgressPolicy policy = policy(c -> c.allowHost("webhook.site").deny(EgressRule.category("webhook-catcher")));
        assertThat(denied(policy.decide(get("https://webhook.site:443/"))).detail())
                .isEqualTo("denied by category webhook-catcher in components.support-agent.egress.deny");
        assertThat(policy(c -> c.allowHost("webhook.site")).decide(get("https://webhook.site:443/")))
                .isInstanceOf(Allowed.class);
    }

    @Test
    void decide_categoryInAllow_opensWhatIsListed() {
        EgressPolicy policy = policy(c -> c.allow(EgressRule.category("llm-provider")));
        assertThat(policy.decide(get("https://api.openai.com:443/"))).isEqualTo(new Allowed("category llm-provider"));
        assertThat(policy.decide(get("https://bedrock-runtime.eu-west-1.amazonaws.com:443/")))
                .isInstanceOf(Allowed.class);
        assertThat(policy.decide(get("https://evil.api.openai.com:443/"))).isInstanceOf(Denied.class);
        assertThat(denied(policy.decide(get("https://api.openai.com:8443/"))).reason())
                .isEqualTo(Reason.PORT_NOT_ALLOWED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "anonymous-web-proxy", "doh-resolver", "dynamic-dns", "free-web-hosting", "ipfs-gateway", "link-in-bio",
                "living-off-trusted-sites", "tunnel", "tunnel-dns", "url-shortener", "whats-my-ip", "webhook-catcher",
                "paste-site", "file-drop", "chat-webhook", "llm-provider", "wildcard-dns", "cloud-metadata"
            })
    void categoryLists_eachCategory_hasNames(String label) {
        Category category = Category.named(label).orElseThrow();
        CategoryLists lists = CategoryLists.of(Set.of(category));
        String sample =
                switch (label) {
                    case "anonymous-web-proxy" -> "zproxy.de";
                    case "doh-resolver" -> "family.cloudflare-dns.com";
                    case "dynamic-dns" -> "victim.zzx1101.cf";
                    case "free-web-hosting" -> "x.000webhostapp.com";
                    case "ipfs-gateway" -> "cloudflare-ipfs.com";
                    case "link-in-bio" -> "beacons.ai";
                    case "living-off-trusted-sites" -> "raw.githubusercontent.com";
                    case "tunnel" -> "abc.trycloudflare.com";
                    case "tunnel-dns" -> "x.packetriot.net";
                    case "url-shortener" -> "bit.ly";
                    case "whats-my-ip" -> "api.ipify.org";
                    case "webhook-catcher" -> "x.oast.fun";
                    case "paste-site" -> "pastebin.com";
                    case "file-drop" -> "transfer.sh";
                    case "chat-webhook" -> "discord.com";
                    case "wildcard-dns" -> "10.0.0.1.nip.io";
                    case "cloud-metadata" -> "metadata.google.internal";
                    default -> "api.anthropic.com";
                };
        assertThat(lists.of(sample)).isEqualTo(category.bit());
        assertThat(lists.of("nothing.of.the.sort.example")).isZero();
    }

    @Test
    void compile_unknownCategory_isRefusedWithTheNearest() {
        assertThatThrownBy(() -> policy(c -> c.deny(EgressRule.category("dynamic-dsn"))))
                .isInstanceOf(SecureRuntimeException.class)
                .hasMessageStartingWith(
                        "SR-POLICY-004 code: components.support-agent.egress: unknown category \"dynamic-dsn\"")
                .hasMessageEndingWith("did you mean \"dynamic-dns\"?");
        assertThatThrownBy(() -> policy(c -> c.allow(EgressRule.category("raw-ip"))))
                .hasMessageContaining("can only be denied");
    }

    @Test
    void decide_allowedTwice_returnsTheSameAnswerObject() {
        EgressPolicy policy = policy(c -> c.allowHost("a.example"));
        EgressRequest request = get("https://a.example:443/");
        assertThat(policy.decide(request)).isSameAs(policy.decide(request));
    }

    @Test
    void decide_refusal_keepsPathAndForgedTextOutOfItsWords() {
        EgressPolicy policy = policy(c -> c.allowHost("a.example"));
        for (String host : List.of("b.example", "b\nforged", "127.1")) {
            Denied denied = denied(policy.decide(new EgressRequest(
                    "support-agent", "PO\nST", "ht\ntps", host, 443, "/secret-path", List.of("a\nb"))));
            assertThat(denied.detail() + denied.remedy() + denied.nearestName())
                    .doesNotContain("secret-path")
                    .doesNotContain("\n");
        }
    }

    /** Servers resolve escapes before they choose what to do; a rule that denies must not be passed by writing one. */
    @ParameterizedTest
    @CsvSource({
        "/v1/*:predict, /v1/m:predict",
        "/v1/*:predict, /v1/m%3Apredict",
        "/v1/*:predict, /v1/m%3apredict",
        "/v1/*%3Apredict, /v1/m:predict",
        "/v1/*%3apredict, /v1/m%3Apredict",
        "/users/@me, /users/%40me",
        "/caf%C3%A9, /caf%c3%a9",
        "/a|b, /a%7Cb",
        "/a%2Ab, /a*b",
        "/a%2ab, /a%2Ab",
        "/secret, /%C0%AE%C0%AE/x",
        "/secret, /%e0%80%afx",
    })
    void decide_deniedPathWithEscapes_isDenied(String pattern, String path) {
        Scope scope = new Scope(Set.of(), Set.of(), Set.of(), Set.of(pattern));
        EgressPolicy policy = policy(rules -> rules.allowHost("a.example").deny(EgressRule.host("a.example", scope)));

        assertThat(policy.decide(get("https://a.example:443/other%3Apredict"))).isInstanceOf(Allowed.class);
        assertThat(policy.decide(get("https://a.example:443" + path))).isInstanceOf(Denied.class);
    }

    /** An escaped star is a star and no pattern; what is allowed is compared as it is sent. */
    @Test
    void decide_escapedStar_isNoWildcard() {
        Scope scope = new Scope(Set.of(), Set.of(), Set.of(), Set.of("/a%2Ab"));
        EgressPolicy denies = policy(rules -> rules.allowHost("a.example").deny(EgressRule.host("a.example", scope)));
        EgressPolicy allows = policy(rules -> rules.allow(EgressRule.host("a.example", scope)));

        assertThat(denies.decide(get("https://a.example:443/axb"))).isInstanceOf(Allowed.class);
        assertThat(allows.decide(get("https://a.example:443/a%2Ab"))).isInstanceOf(Allowed.class);
        assertThat(allows.decide(get("https://a.example:443/a*b"))).isInstanceOf(Denied.class);
    }
}
