package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditLog;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import dev.secureruntime.credential.BearerToken;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Registered secrets and the audit log: what the log refuses, and what the runtime redacts in records of its own. */
class RegisteredSecretsTest {

    private static final String SECRET = "crm/secret+value \"42\"";
    private static final byte[] BYTES = SECRET.getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path folder;

    private SecureRuntime runtime(String secret) {
        return SecureRuntime.builder()
                .policy(Policy.builder()
                        .component(
                                "agent", ComponentPolicy.builder().secret("crm").build())
                        .build())
                .auditLog(AuditSettings.in(audit()))
                .secret("crm", () -> secret.getBytes(StandardCharsets.UTF_8))
                .build();
    }

    private Path audit() {
        return folder.resolve("audit");
    }

    private String logged() throws IOException {
        return new WrittenLog(audit()).everything();
    }

    static Stream<AuditEvent> leaks() {
        return Stream.of(
                AuditEvent.of("tool.call")
                        .attribute("text", "x " + SECRET + " x")
                        .build(),
                AuditEvent.of("tool.call").attribute(SECRET, 1).build(),
                AuditEvent.of("tool.call").component(SECRET).build(),
                AuditEvent.of("tool." + HexFormat.of().formatHex(BYTES)).build(),
                AuditEvent.of("tool.call")
                        .attribute("list", List.of("a", SECRET))
                        .build(),
                AuditEvent.of("tool.call")
                        .attribute(
                                "b64",
                                Base64.getEncoder().encodeToString(("user:" + SECRET).getBytes(StandardCharsets.UTF_8)))
                        .build(),
                AuditEvent.of("tool.call")
                        .attribute(
                                "url", "https://x/?key=" + java.net.URLEncoder.encode(SECRET, StandardCharsets.UTF_8))
                        .build(),
                AuditEvent.of("tool.call")
                        .attribute("body", "{\"key\":\"" + SECRET.replace("\"", "\\\"") + "\"}")
                        .build());
    }

    @ParameterizedTest
    @MethodSource("leaks")
    void append_eventWithRegisteredSecret_isRefusedAndNothingIsWritten(AuditEvent event) throws IOException {
        List<String> keys;
        try (SecureRuntime runtime = runtime(SECRET)) {
            keys = runtime.audit().verifierKeys();
            assertThatThrownBy(() -> runtime.audit().append(event))
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.AUDIT_RECORD_REJECTED))
                    .hasMessageContaining("registered secret")
                    .hasMessageNotContaining(SECRET);
            runtime.audit().append(AuditEvent.of("after").build());
        }
        assertThat(logged()).contains("\"type\":\"after\"").doesNotContain("tool.");
        assertThat(AuditLogVerifier.withKeys(keys).verify(audit())).isInstanceOf(VerificationResult.Intact.class);
    }

    /** The attack with the protection out: a log that knows no secrets writes it, and grep finds it. */
    @Test
    void append_withoutTheCheck_writesTheSecret() throws IOException {
        try (HashChainedAuditLog bare = HashChainedAuditLog.open(AuditSettings.in(audit()), Clock.systemUTC())) {
            bare.append(AuditEvent.of("tool.call")
                    .attribute("text", "sk-live-0123456789")
                    .build());
        }
        assertThat(logged()).contains("sk-live-0123456789");
    }

    @Test
    void append_numberThatIsTheSecret_isRefused() {
        try (SecureRuntime runtime = runtime("4929123456789012")) {
            assertThatThrownBy(() -> runtime.audit()
                            .append(AuditEvent.of("tool.call")
                                    .attribute("card", 4929123456789012L)
                                    .build()))
                    .hasMessageContaining("registered secret");
        }
    }

    @Test
    void append_throughTheComponent_isRefusedToo() {
        try (SecureRuntime runtime = runtime(SECRET)) {
            AuditLog own = runtime.component("agent").audit();
            assertThatThrownBy(() -> own.append(
                            AuditEvent.of("tool.call").attribute("text", SECRET).build()))
                    .hasMessageContaining("registered secret");
        }
    }

    @Test
    void publish_eventOfTheRuntimesOwn_isRecordedWithAMarker() throws IOException {
        SecretWatch watch = new SecretWatch();
        watch.remember("crm", BYTES);
        try (HashChainedAuditLog log = HashChainedAuditLog.open(AuditSettings.in(audit()), Clock.systemUTC(), watch)) {
            EventLine events = new EventLine(log, OnAuditFailure.REFUSE, watch);
            events.publish(AuditEvent.of("egress.call")
                    .component(SECRET)
                    .attribute("gen_ai.request.model", "model-" + SECRET)
                    .attribute("secure_runtime.redirected_from", List.of("good.example", SECRET))
                    .attribute("server.port", 443)
                    .build());
        }
        assertThat(logged())
                .doesNotContain("crm/secret")
                .contains("\"component\":\"[redacted: registered secret]\"")
                .contains("\"gen_ai.request.model\":\"[redacted: registered secret]\"")
                .contains("[\"good.example\",\"[redacted: registered secret]\"]")
                .contains("\"server.port\":443")
                .contains("\"secure_runtime.redacted\":[\"component\",\"gen_ai.request.model\","
                        + "\"secure_runtime.redirected_from\"]");
    }

    @Test
    void open_secretThatNobodyMayHave_isRecordedWithoutTheNameThatWasTried() throws IOException {
        try (SecureRuntime runtime = runtime(SECRET)) {
            assertThatThrownBy(() -> runtime.component("agent").secrets().open(SECRET))
                    .isInstanceOf(SecureRuntimeException.class);
        }
        assertThat(logged())
                .contains("\"type\":\"secret.open\"")
                .contains("[redacted: registered secret]")
                .doesNotContain("crm/secret");
    }

    @Test
    void issuedToken_isRegisteredBeforeAnybodyHasIt() throws IOException {
        SecretWatch watch = new SecretWatch();
        watch.remember(
                "x",
                watch.lease(new SecretWatch.Known("x", "agent")),
                BearerToken.of("id-1", "leased-token-0123456789", Instant.now()));
        assertThat(watch.occursIn(AuditEvent.of("a")
                        .attribute("t", "Bearer leased-token-0123456789")
                        .build()))
                .isTrue();
        assertThat(watch.occursIn(AuditEvent.of("a").attribute("t", "id-1").build()))
                .isFalse();
    }

    @Test
    void redacted_eventWithoutSecret_isTheSame() {
        AuditEvent event =
                AuditEvent.of("a").attribute("t", new Attribute.Flag(true)).build();
        assertThat(new SecretWatch().redacted(event)).isSameAs(event);
    }
}
