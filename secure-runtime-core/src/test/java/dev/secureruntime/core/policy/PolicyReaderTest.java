package dev.secureruntime.core.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.HostPort;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PolicyReaderTest {

    @TempDir
    Path folder;

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private SecureRuntimeException refusal(String name, String text) throws IOException {
        Path file = write(name, text);
        try {
            PolicyReader.read(file);
        } catch (SecureRuntimeException e) {
            return e;
        }
        throw new AssertionError("was read: " + text);
    }

    @Test
    void read_leastForm_givesTheModel() throws IOException {
        Policy policy = PolicyReader.read(
                write(
                        "policy.json",
                        """
                {
                  "version": 1,
                  "components": {
                    "chat": {
                      "egress": {
                        "allow": ["api.openai.com",
                                  {"host": "*.Anthropic.com", "ports": [443], "methods": ["POST"], "paths": ["/v1/**"]},
                                  {"category": "llm-provider"},
                                  {"cidr": "10.1.2.0/24", "ports": [8080]}],
                        "deny": [{"category": "dynamic-dns"}]
                      },
                      "secrets": ["openai-api-key"]
                    }
                  },
                  "secrets": {
                    "openai-api-key": {"source": {"file": "keys/openai"},
                                       "attach": {"hosts": ["api.openai.com", "localhost:8443"], "as": "bearer"}}
                  }
                }
                """));

        assertThat(policy.source()).isEqualTo("policy.json");
        assertThat(policy.components()).containsOnlyKeys("chat");
        assertThat(policy.components().get("chat").allow())
                .containsExactly(
                        EgressRule.host("api.openai.com"),
                        EgressRule.host(
                                "*.anthropic.com",
                                new EgressRule.Scope(Set.of(443), Set.of(), Set.of("POST"), Set.of("/v1/**"))),
                        EgressRule.category("llm-provider"),
                        EgressRule.cidr("10.1.2.0/24", EgressRule.Scope.DEFAULT.onPort(8080)));
        assertThat(policy.components().get("chat").deny()).containsExactly(EgressRule.category("dynamic-dns"));
        assertThat(policy.components().get("chat").secrets()).containsExactly("openai-api-key");
        SecretPolicy secret = policy.secrets().get("openai-api-key");
        assertThat(secret.source()).contains(new SecretPolicy.Source.File(folder.resolve("keys/openai")));
        assertThat(secret.attachment())
                .contains(new SecretPolicy.Attachment(
                        Set.of(new HostPort("api.openai.com", 443), new HostPort("localhost", 8443)),
                        "Authorization",
                        "Bearer "));
    }

    @Test
    void read_unknownMember_namesPlacePathAndWhatWasExpected() throws IOException {
        SecureRuntimeException refusal = refusal(
                "policy.json",
                """
                {
                  "version": 1,
                  "components": {"chat": {"egress": {
                      "alow": []
                  }}}
                }
                """);

        assertThat(refusal.code()).isEqualTo(ErrorCode.POLICY_UNKNOWN_MEMBER);
        assertThat(refusal)
                .hasMessage("SR-POLICY-003 " + folder.resolve("policy.json") + ":4:7: unknown member \"alow\""
                        + " in components.chat.egress; expected one of allow, deny, onManyNames, mode, budgets;"
                        + " did you mean \"allow\"?");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
        {"version": 1, "components": {"a": {"egress": {"allow": ["a.example", 7]}}}} | SR-POLICY-004 | 1:71 | expected a host or an object with one of host, category, cidr at components.a.egress.allow, found a number
        {"version": 1, "components": {"a": {"egress": {"allow": [{"host": "a.example", "ports": [99999]}]}}}} | SR-POLICY-004 | 1:90 | expected a port from 1 to 65535 at components.a.egress.allow.ports
        {"version": 1, "components": {"a": {"egress": {"allow": ["10.0.0.1"]}}}} | SR-POLICY-004 | 1:58 | it is an address or looks like one; write {"cidr": ...} instead
        {"version": 1, "components": {"a": {"egress": {"allow": ["exämple.com"]}}}} | SR-POLICY-004 | 1:58 | xn-- form
        {"version": 1, "components": {"a": {"egress": {"allow": ["\u212Aube.example"]}}}} | SR-POLICY-004 | 1:58 | xn-- form
        {"version": 1, "version": 1, "components": {}} | SR-POLICY-002 | 1:16 | member "version" appears twice
        {"version": 1, "components": {} | SR-POLICY-002 | 1: | the file ends in the middle of a value
        {"version": 1, "components": {}, } | SR-POLICY-002 | 1: | not well-formed JSON
        {"version": 1, 'components': {}} | SR-POLICY-002 | 1: | not well-formed JSON
        {"version": 1, "components": {}, "secrets": {"s": {"value": "sk-canary"}}} | SR-POLICY-003 | 1:52 | a policy never holds a secret
        {"version": 1, "components": {}, "secrets": {"s": sk-canary}} | SR-POLICY-002 | 1: | not well-formed JSON, in or after member "s"
        """)
    void read_broken_saysWhereAndWhat(String text, String code, String place, String message) throws IOException {
        assertThat(refusal("policy.json", text))
                .hasMessageStartingWith(code + " " + folder.resolve("policy.json") + ":" + place)
                .hasMessageContaining(message)
                .hasMessageNotContainingAny("sk-canary", "sk canary")
                .hasNoCause();
    }

    @Test
    void read_unreadable_saysWhy() throws IOException {
        assertThatThrownBy(() -> PolicyReader.read(folder.resolve("none.json")))
                .hasMessage("SR-POLICY-001 " + folder.resolve("none.json") + ": no such file; expected a policy");
        assertThatThrownBy(() -> PolicyReader.read(folder)).hasMessageContaining("is a folder");
        Path large = folder.resolve("large.json");
        Files.write(large, new byte[PolicyReader.MAX_BYTES + 1]);
        assertThatThrownBy(() -> PolicyReader.read(large)).hasMessageContaining("is larger than 16777216 bytes");
    }

    @Test
    void read_latin1_isRefused() throws IOException {
        Path file = folder.resolve("latin1.json");
        Files.write(file, "{\"x-é\": 1}".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> PolicyReader.read(file)).hasMessageContaining("the file is not UTF-8");
    }

    @Test
    void read_deep_isRefused() throws IOException {
        String text =
                "{\"version\": 1, \"components\": {}, \"x-deep\": " + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        assertThat(refusal("deep.json", text)).hasMessageContaining("nested deeper than 64 levels");
    }

    @Test
    void read_controlCharactersInAName_areNotPrinted() throws IOException {
        assertThat(refusal("policy.json", "{\"version\": 1, \"components\": {}, \"a\\n\\u001b[31mforged\": 1}"))
                .hasMessageContaining("unknown member \"a??[31mforged\"");
    }

    @Test
    void read_yaml_givesTheSameModelAsJson() throws IOException {
        Policy yaml = PolicyReader.read(
                write(
                        "policy.yaml",
                        """
                version: 1
                components:
                  chat:
                    egress:
                      allow:
                        - api.openai.com
                        - host: "*.anthropic.com"
                          ports: [443]
                          methods: [POST]
                    secrets: [key]
                """));
        Policy json = PolicyReader.read(
                write(
                        "policy.json",
                        """
                {"version": 1, "components": {"chat": {"egress": {"allow":
                  ["api.openai.com", {"host": "*.anthropic.com", "ports": [443], "methods": ["POST"]}]}, "secrets": ["key"]}}}
                """));
        assertThat(yaml.components()).isEqualTo(json.components());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
        version: 1\\ncomponents:\\n  chat:\\n    egres: {} | SR-POLICY-003 | 4:5 | did you mean "egress"?
        version: 1\\ncomponents: &a {}\\nx-b: *a | SR-POLICY-002 | 2: | anchors and aliases are not allowed
        version: 1\\n&a components: {} | SR-POLICY-002 | 2:1: | anchors and aliases are not allowed
        &a version: 1\\ncomponents: {} | SR-POLICY-002 | 1:1: | anchors and aliases are not allowed
        version: 1\\ncomponents: {&a chat: {}} | SR-POLICY-002 | 2:14: | not allowed in a policy in "components"
        version: 1\\ncomponents: {}\\n*a : b | SR-POLICY-002 | | not
        version: 1\\ncomponents: {}\\nx-b: *a | SR-POLICY-002 | | not
        version: 1\\ncomponents: {}\\ncomponents: {} | SR-POLICY-002 | 3: | twice
        version: 1\\ncomponents: {}\\n---\\nversion: 1 | SR-POLICY-002 | | expected the end of the file
        version: 1\\ncomponents: [ | SR-POLICY-002 | | YAML
        version: 1\\ncomponents: {c: {egress: {allow: [{host: a.example, ports: [0443]}]}}} | SR-POLICY-004 | 2: | not in plain decimals
        version: 1\\ncomponents: {c: {egress: {allow: [{host: a.example, ports: [0x1bb]}]}}} | SR-POLICY-004 | 2: | not in plain decimals
        version: 1\\ncomponents: {c: {egress: {allow: [{host: a.example, ports: [44_3]}]}}} | SR-POLICY-004 | 2: | not in plain decimals
        version: 1\\ncomponents: !!binary aGk= | SR-POLICY-004 | | expected an object
        """)
    void read_brokenYaml_saysWhereAndWhat(String text, String code, String place, String message) throws IOException {
        assertThat(refusal("policy.yml", text.replace("\\n", "\n")))
                .hasMessageStartingWith(code + " " + folder.resolve("policy.yml") + ":" + (place == null ? "" : place))
                .hasMessageContaining(message)
                .hasNoCause();
    }

    /** Where YAML 1.1 sees the end of a line, and of a comment, people who read the policy see none. */
    @ParameterizedTest
    @ValueSource(strings = {"\r", "\u0085", "\u2028", "\u2029"})
    void read_yamlWithALineBreakThatEditorsDontShow_isRefused(String lineBreak) throws IOException {
        String rule =
                "version: 1\ncomponents: {chat: {egress: {allow: [a.example # their API%s, evil.example # too\n]}}}\n";
        Path hidden = write("hidden.yaml", rule.formatted(lineBreak));
        assertThatThrownBy(() -> PolicyReader.read(hidden))
                .isInstanceOfSatisfying(SecureRuntimeException.class, error -> assertThat(error.code())
                        .isEqualTo(ErrorCode.POLICY_MALFORMED))
                .hasMessageContaining("hidden.yaml:2:")
                .hasMessageContaining("line");
        Path windows = write("windows.yaml", rule.formatted("").replace("\n", "\r\n"));
        assertThat(PolicyReader.read(windows).components()).containsKey("chat");
    }

    @Test
    void read_yamlWithABareWildcard_saysThatItStandsInQuotes() throws IOException {
        String text = "version: 1\ncomponents:\n  chat:\n    egress:\n      allow:\n        - %s\n";

        assertThat(refusal("policy.yaml", text.formatted("*.example.com")))
                .hasMessageStartingWith("SR-POLICY-002 ")
                .hasMessageContaining("policy.yaml:6:")
                .hasMessageContaining("stands in quotes");
        assertThat(refusal("policy.yaml", text.formatted("[")).getMessage()).doesNotContain("quotes");
        assertThat(PolicyReader.read(write("policy.yaml", text.formatted("\"*.example.com\"")))
                        .components())
                .containsKey("chat");
    }

    @Test
    void read_yamlWithoutItsLibrary_namesTheDependency() throws Exception {
        Path file = write("policy.yaml", "version: 1\ncomponents: {}\n");
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!entry.contains("yaml")) {
                urls.add(Path.of(entry).toUri().toURL());
            }
        }
        try (URLClassLoader loader =
                new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
            var read = loader.loadClass(PolicyReader.class.getName()).getMethod("read", Path.class);
            assertThatThrownBy(() -> read.invoke(null, file))
                    .isInstanceOf(InvocationTargetException.class)
                    .cause()
                    .hasMessageStartingWith("SR-POLICY-001")
                    .hasMessageContaining("com.fasterxml.jackson.dataformat:jackson-dataformat-yaml");
            read.invoke(null, write("policy.json", "{\"version\": 1, \"components\": {}}"));
        }
    }
}
