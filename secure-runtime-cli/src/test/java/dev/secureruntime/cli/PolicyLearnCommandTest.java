package dev.secureruntime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.core.egress.EgressPolicy;
import dev.secureruntime.core.policy.PolicyReader;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PolicyLearnCommandTest {

    @TempDir
    Path home;

    private Path log() {
        return home.resolve("log");
    }

    @BeforeEach
    void writeLog() throws IOException {
        try (HashChainedAuditLog log = HashChainedAuditLog.open(
                AuditSettings.in(log()).signer(home.resolve("signer")).name("test"), Clock.systemUTC())) {
            Files.writeString(home.resolve("pin"), String.join("\n", log.verifierKeys()) + "\n");
            log.append(call("chat", "api.example", "allow"));
            log.append(call("chat", "denied.example", "deny"));
            log.append(call("chat", "127.0.0.1", "deny"));
            log.append(call("batch", "batch.example", "allow"));
            log.append(AuditEvent.of("tool.call").component("chat").build());
        }
    }

    private static AuditEvent call(String component, String host, String verdict) {
        AuditEvent.Builder event = AuditEvent.of("egress.call").component(component);
        attributes(event, host, verdict);
        return event.build();
    }

    private static void attributes(AuditEvent.Builder event, String host, String verdict) {
        event.attribute("secure_runtime.verdict", verdict);
        event.attribute("http.request.method", "POST");
        event.attribute("url.scheme", "https");
        event.attribute("server.address", host);
        event.attribute("server.port", 443);
    }

    private String pin() {
        return home.resolve("pin").toString();
    }

    @Test
    void learn_log_isAPolicyThatAllowsWhatWasSeen() throws IOException {
        CommandRun run = CommandRun.of("policy", "learn", "--from", log().toString(), "--key", pin());
        assertThat(run.code()).as(run.err()).isZero();
        Path proposal = Files.writeString(home.resolve("proposal.json"), run.out());
        assertThat(CommandRun.of("policy", "validate", proposal.toString()).code())
                .isZero();
        EgressPolicy learned = EgressPolicy.compile(PolicyReader.read(proposal));
        assertThat(learned.decide(new EgressRequest("chat", "POST", "https", "denied.example", 443, "/", List.of())))
                .isInstanceOf(Allowed.class);
        assertThat(learned.decide(new EgressRequest("chat", "GET", "https", "api.example", 443, "/", List.of())))
                .isNotInstanceOf(Allowed.class);
        assertThat(learned.decide(new EgressRequest("chat", "POST", "https", "batch.example", 443, "/", List.of())))
                .isNotInstanceOf(Allowed.class);
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.at("/components/chat/egress/allow/1/x-seen/refused").asLong())
                .isEqualTo(1);
        assertThat(json.at("/x-left-out/0/target").asText()).isEqualTo("POST https://127.0.0.1:443");
        assertThat(run.err()).contains("1 of the rules open what was only ever refused");
    }

    @Test
    void learn_oneComponentUnderAPolicy_keepsItsDenials() throws IOException {
        Path policy = Files.writeString(
                home.resolve("policy.json"),
                "{\"version\": 1, \"components\": {\"chat\": {\"egress\": {\"deny\": [\"denied.example\"]}}}}");
        CommandRun run = CommandRun.of(
                "policy", "learn", "--from", log().toString(), "--component", "chat", "--policy", policy.toString());
        assertThat(run.code()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.at("/components").size()).isEqualTo(1);
        assertThat(json.at("/components/chat/egress/allow").size()).isEqualTo(1);
        assertThat(run.err()).contains("warning: ");
    }

    @Test
    void learn_callsUnderAGrantOrWithASecret_areLeftOutWithTheirReason() throws IOException {
        try (HashChainedAuditLog log = HashChainedAuditLog.open(
                AuditSettings.in(log()).signer(home.resolve("signer")).name("test"), Clock.systemUTC())) {
            AuditEvent.Builder emergency = AuditEvent.of("egress.call").component("chat");
            attributes(emergency, "emergency.example", "allow");
            log.append(emergency.attribute("secure_runtime.break_glass", "bg-1").build());
            AuditEvent.Builder leak = AuditEvent.of("egress.call").component("chat");
            attributes(leak, "exfiltration.example", "deny");
            log.append(leak.attribute("error.type", "SR-EGRESS-006").build());
        }
        CommandRun run = CommandRun.of("policy", "learn", "--from", log(), "--key", pin());
        assertThat(run.code()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.at("/components").toString())
                .contains("denied.example")
                .doesNotContain("emergency.example", "exfiltration.example");
        assertThat(json.at("/x-left-out").findValuesAsText("target"))
                .contains("POST https://emergency.example:443", "POST https://exfiltration.example:443");
        assertThat(json.has("x-not-proposed")).isFalse();
    }

    @Test
    void learn_whatADenyRuleRefusedOrATunnelAskedFor_isLeftOut_alsoInReportMode() throws IOException {
        try (HashChainedAuditLog log = HashChainedAuditLog.open(
                AuditSettings.in(log()).signer(home.resolve("signer")).name("test"), Clock.systemUTC())) {
            for (String reason : List.of("deny_rule", "many_names")) {
                AuditEvent.Builder reported = AuditEvent.of("egress.call").component("chat");
                attributes(reported, reason.replace('_', '-') + ".example", "deny");
                reported.attribute("secure_runtime.action", "allow");
                reported.attribute("secure_runtime.would_be", "SR-EGRESS-001");
                log.append(reported.attribute("secure_runtime.reason", reason).build());
            }
            AuditEvent.Builder redirected = AuditEvent.of("egress.call").component("chat");
            attributes(redirected, "files.example", "allow");
            log.append(redirected
                    .attribute("secure_runtime.redirected_from", List.of("start.example"))
                    .build());
        }
        CommandRun run = CommandRun.of("policy", "learn", "--from", log(), "--key", pin());
        assertThat(run.code()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.at("/components").toString())
                .contains("files.example")
                .doesNotContain("deny-rule.example", "many-names.example", "start.example");
        assertThat(json.at("/x-left-out").findValuesAsText("target"))
                .contains("POST https://deny-rule.example:443", "POST https://many-names.example:443", "start.example");
    }

    /** A proposal that took the policy's place would lose all of this. */
    @Test
    void learn_underAPolicy_namesWhatTheProposalDoesNotHold() throws IOException {
        Path policy = Files.writeString(
                home.resolve("policy.json"),
                """
                {"version": 1, "secrets": {"key": {"sendTo": ["api.example"]}}, "components": {"chat": {"secrets": ["key"], "egress": {
                  "allow": [{"host": "api.example", "methods": ["POST"], "paths": ["/v1/**"]}], "deny": [{"cidr": "8.8.8.0/24"}],
                  "mode": "report", "onManyNames": "block", "budgets": [{"bytes": 7, "window": "PT1M"}]}}},
                 "breakGlass": [{"component": "chat", "host": "db.example", "person": "jane.doe", "reason": "INC-1",
                                 "from": "2026-11-24T08:00:00Z", "until": "2026-11-24T10:00:00Z"}]}
                """);
        CommandRun run = CommandRun.of("policy", "learn", "--from", log(), "--key", pin(), "--policy", policy);
        assertThat(run.code()).as(run.err()).isZero();
        List<String> lost = new ArrayList<>();
        new ObjectMapper().readTree(run.out()).at("/x-not-proposed").forEach(each -> lost.add(each.asText()));
        assertThat(lost)
                .containsExactly(
                        "components.chat.egress.deny: cidr 8.8.8.0/24",
                        "components.chat.egress.allow: the paths of api.example methods POST paths /v1/**",
                        "components.chat.egress.budgets: budget of 7 bytes in PT1M for everything",
                        "components.chat.egress.mode: report",
                        "components.chat.egress.onManyNames: block",
                        "components.chat.secrets: key",
                        "secrets.key",
                        "breakGlass: chat to https://db.example:443");
        assertThat(run.err()).contains("nothing else of the current policy");
        Path proposal = Files.writeString(home.resolve("proposal.json"), run.out());
        assertThat(CommandRun.of("policy", "validate", proposal).code()).isZero();
    }

    @Test
    void learn_tamperedLog_isRefusedUnlessToldOtherwise() throws IOException {
        Path segment;
        try (Stream<Path> files = Files.walk(log())) {
            segment = files.filter(Files::isRegularFile)
                    .filter(file -> contains(file, "denied.example"))
                    .findFirst()
                    .orElseThrow();
        }
        Files.writeString(segment, Files.readString(segment).replace("denied.example", "forged.example"));
        CommandRun refused = CommandRun.of("policy", "learn", "--from", log().toString(), "--key", pin());
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err()).contains("TAMPERED");
        CommandRun told =
                CommandRun.of("policy", "learn", "--from", log().toString(), "--key", pin(), "--even-if-tampered");
        assertThat(told.code()).isZero();
        assertThat(told.err()).contains("TAMPERED");
    }

    private static boolean contains(Path file, String text) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void learn_wrongUsage_exits3() {
        assertThat(CommandRun.of("policy", "learn").code()).isEqualTo(3);
        CommandRun noLog = CommandRun.of("policy", "learn", "--from", home.toString());
        assertThat(noLog.code()).isEqualTo(3);
        assertThat(noLog.out()).isEmpty();
        assertThat(CommandRun.of(
                                "policy",
                                "learn",
                                "--from",
                                home.resolve("none").toString())
                        .code())
                .isEqualTo(3);
        assertThat(CommandRun.of("policy", "learn", "--from", log().toString(), "--key", "x+y")
                        .code())
                .isEqualTo(3);
    }
}
