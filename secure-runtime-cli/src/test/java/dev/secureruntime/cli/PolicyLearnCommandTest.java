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
        event.attribute("secure_runtime.verdict", verdict);
        event.attribute("http.request.method", "POST");
        event.attribute("url.scheme", "https");
        event.attribute("server.address", host);
        event.attribute("server.port", 443);
        return event.build();
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
