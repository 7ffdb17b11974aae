package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.secureruntime.core.egress.TargetUrl.Parsed;
import dev.secureruntime.core.egress.TargetUrl.Refused;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs the vector files about the text of URLs: a host is the one that a strict WHATWG parser finds, or it is refused. */
final class TargetUrlVectorsTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final EgressPolicy GUARD = EgressPolicy.compile(Policy.builder()
            .component(
                    "c",
                    ComponentPolicy.builder()
                            .allowHost("api.openai.com")
                            .allowHost("*.anthropic.com")
                            .build())
            .build());

    static Stream<String> bypasses() {
        return EgressVectorsTest.lines("ssrf_bypass_urls.jsonl");
    }

    static Stream<String> webPlatformHosts() {
        return EgressVectorsTest.lines("wpt_http_absolute_hosts.jsonl");
    }

    static Stream<String> addressForms() {
        return EgressVectorsTest.lines("whatwg_ip_host_forms.csv").skip(1);
    }

    static Stream<String> lengths() {
        return EgressVectorsTest.lines("ada_verifydnslength.jsonl");
    }

    static Stream<String> international() {
        return Stream.concat(
                EgressVectorsTest.lines("wpt_toascii.jsonl"), EgressVectorsTest.lines("wpt_idna_test_v2.jsonl"));
    }

    @ParameterizedTest
    @MethodSource("bypasses")
    void parse_bypass_isRefusedOrDenied(String line) throws IOException {
        TargetUrl target = TargetUrl.parse(JSON.readTree(line).get("url").asText());
        if (target instanceof Parsed parsed) {
            assertThat(GUARD.decide(parsed.request("c", "GET"))).isInstanceOf(Denied.class);
        } else {
            assertThat(target).isInstanceOf(Refused.class);
        }
    }

    @ParameterizedTest
    @MethodSource("webPlatformHosts")
    void parse_webPlatformVector_findsTheSameHostOrRefuses(String line) throws IOException {
        JsonNode vector = JSON.readTree(line);
        if (TargetUrl.parse(vector.get("input").asText()) instanceof Parsed parsed) {
            assertThat(vector.get("failure").asBoolean()).isFalse();
            assertThat(bracketed(parsed.host()))
                    .isEqualTo(vector.get("hostname").asText());
            String defaultPort = parsed.scheme().equals("https") ? "443" : "80";
            String port = vector.get("port").asText();
            assertThat(String.valueOf(parsed.port())).isEqualTo(port.isEmpty() ? defaultPort : port);
        }
    }

    /** Refusing everything would pass the tests above. */
    @Test
    void parse_webPlatformVectors_mostPlainOnesAreAccepted() throws IOException {
        long plain = 0;
        long accepted = 0;
        for (String line : webPlatformHosts().toList()) {
            JsonNode vector = JSON.readTree(line);
            String input = vector.get("input").asText();
            if (!vector.get("failure").asBoolean() && input.matches("https?://[a-z0-9.:-]+([/?#][!-\\[\\]-~]*)?")) {
                plain++;
                accepted += TargetUrl.parse(input) instanceof Parsed ? 1 : 0;
            }
        }
        assertThat(plain).isGreaterThan(70);
        assertThat(accepted).isGreaterThan(plain * 3 / 4);
    }

    @ParameterizedTest
    @MethodSource("addressForms")
    void parse_addressForm_findsTheSameAddressOrRefuses(String line) {
        int comma = line.lastIndexOf(',');
        String input = unescape(line.substring(0, comma));
        if (TargetUrl.parse(input) instanceof Parsed parsed) {
            assertThat(bracketed(parsed.host())).isEqualTo(line.substring(comma + 1));
        }
    }

    @ParameterizedTest
    @MethodSource("lengths")
    void parse_nameBeyondTheLimitsOfDns_isRefused(String line) throws IOException {
        JsonNode vector = JSON.readTree(line);
        if (vector.get("failure").asBoolean()) {
            assertThat(TargetUrl.parse(vector.get("input").asText())).isInstanceOf(Refused.class);
        }
    }

    @ParameterizedTest
    @MethodSource("international")
    void parse_internationalName_isTheSameInAsciiOrRefused(String line) throws IOException {
        JsonNode vector = JSON.readTree(line);
        String input = vector.get("input").asText();
        if (TargetUrl.parse("https://" + input + "/") instanceof Parsed parsed && input.indexOf('/') < 0) {
            assertThat(parsed.host()).isEqualTo(vector.get("output").asText());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "https://api.openai.com, api.openai.com, 443, /",
        "HTTPS://API.OpenAI.com/v1/chat?q=a b@c, , ,",
        "HTTPS://API.OpenAI.com/v1/chat?q=a\\b@c#f, api.openai.com, 443, /v1/chat",
        "https://api.openai.com?x=//evil.example, api.openai.com, 443, /",
        "https://api.openai.com#@evil.example, api.openai.com, 443, /",
        "http://localhost:8080/x, localhost, 8080, /x",
        "http://10.0.0.1/, 10.0.0.1, 80, /",
        "https://[2001:DB8:0:0::1]:8443/, 2001:db8::1, 8443, /",
        "https://[::ffff:127.0.0.1]/, ::ffff:7f00:1, 443, /",
        "https://api.openai.com@evil.example/, , ,",
        "https://api.openai.com\\@evil.example/, , ,",
        "https://api.openai.com\\.evil.example/, , ,",
        "https://evil.example/\\x, , ,",
        "https:/api.openai.com/, , ,",
        "https:///api.openai.com/, , ,",
        "//api.openai.com/, , ,",
        "https://api.openai.com:/, , ,",
        "https://api.openai.com:0443/, , ,",
        "https://api.openai.com:70000/, , ,",
        "https://api.openai.com./, , ,",
        "https://api%2eopenai.com/, , ,",
        "https://apı.openai.com/, , ,",
        "https://[fe80::1%25eth0]/, , ,",
        "https://[::1]x/, , ,",
    })
    void parse_text_findsThePartsOrRefuses(String url, String host, Integer port, String path) {
        TargetUrl target = TargetUrl.parse(url);
        if (host == null) {
            assertThat(target).isInstanceOf(Refused.class);
        } else {
            assertThat(target)
                    .isEqualTo(new Parsed(url.toLowerCase().startsWith("https") ? "https" : "http", host, port, path));
        }
    }

    @Property(tries = 5000)
    void parse_anyText_answersAndAcceptsOnlyWhatIsDecidedAlike(@ForAll String text) {
        for (String url : List.of(text, "https://" + text, "http://a.example" + text)) {
            if (TargetUrl.parse(url) instanceof Parsed parsed) {
                assertThat(HostForm.of(parsed.host())).isNotEqualTo(HostForm.MALFORMED);
                assertThat(TargetUrl.parse(parsed.scheme() + "://" + bracketed(parsed.host()) + ":" + parsed.port()))
                        .isEqualTo(new Parsed(parsed.scheme(), parsed.host(), parsed.port(), "/"));
                assertThat(GUARD.decide(parsed.request("c", "GET"))).isNotInstanceOf(Allowed.class);
            }
        }
    }

    private static String bracketed(String host) {
        return host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    }

    private static String unescape(String text) {
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            if (text.startsWith("\\u", i)) {
                plain.append((char) Integer.parseInt(text.substring(i + 2, i + 6), 16));
                i += 5;
            } else {
                plain.append(text.charAt(i));
            }
        }
        return plain.toString();
    }
}
