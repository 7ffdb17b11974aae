package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.OnAuditFailure;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.credential.BearerToken;
import dev.secureruntime.credential.CredentialProvider;
import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.secret.SecretHandle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoreRuntimeTest {

    private static final Policy POLICY = Policy.builder()
            .component(
                    "agent",
                    ComponentPolicy.builder()
                            .allowHost("api.openai.com")
                            .secret("crm")
                            .build())
            .component("other", ComponentPolicy.builder().build())
            .build();

    @TempDir
    Path folder;

    private SecureRuntime runtime() {
        return SecureRuntime.builder()
                .policy(POLICY)
                .auditLog(audit())
                .secret("crm", () -> "crm-secret-value".getBytes(StandardCharsets.US_ASCII))
                .build();
    }

    private Path audit() {
        return folder.resolve("audit");
    }

    // ---- start

    @Test
    void build_withoutPolicy_isRefused() {
        assertCode(
                ErrorCode.RUNTIME_MISCONFIGURED,
                () -> SecureRuntime.builder().auditLog(audit()).build());
    }

    @Test
    void build_withoutAuditLog_isRefused() {
        assertCode(
                ErrorCode.RUNTIME_MISCONFIGURED,
                () -> SecureRuntime.builder().policy(POLICY).build());
    }

    @Test
    void build_withUnknownMemberInPolicy_namesFileLineAndExpectation_andWritesNothing() throws IOException {
        Path policy = Files.writeString(
                folder.resolve("policy.json"),
                "{\n  \"version\": 1,\n  \"components\": {\n    \"agent\": {\n      \"egres\": {}\n    }\n  }\n}\n");

        assertThatThrownBy(() ->
                        SecureRuntime.builder().policy(policy).auditLog(audit()).build())
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.POLICY_UNKNOWN_MEMBER))
                .hasMessageContaining("policy.json:5")
                .hasMessageContaining("egres")
                .hasMessageContaining("egress");
        assertThat(filesBeside(policy)).isEmpty();
    }

    @Test
    void build_withUnreadablePolicy_writesNothing() throws IOException {
        Path missing = folder.resolve("missing.json");

        assertCode(
                ErrorCode.POLICY_UNREADABLE,
                () -> SecureRuntime.builder().policy(missing).auditLog(audit()).build());
        assertThat(filesBeside(missing)).isEmpty();
    }

    @Test
    void build_withSecretFromNowhere_isRefused_andWritesNothing() throws IOException {
        assertCode(
                ErrorCode.RUNTIME_MISCONFIGURED,
                () -> SecureRuntime.builder().policy(POLICY).auditLog(audit()).build());
        assertThat(filesBeside(folder.resolve("none"))).isEmpty();
    }

    @Test
    void build_withIssuerForASecretBoundToNoHost_isRefused() {
        assertCode(ErrorCode.RUNTIME_MISCONFIGURED, () -> SecureRuntime.builder()
                .policy(POLICY)
                .auditLog(audit())
                .credential("crm", () -> BearerToken.of("t", "value", Instant.MAX))
                .build());
    }

    @Test
    void build_onDirectoryThatAnotherRuntimeHasOpen_isRefused() {
        try (SecureRuntime first = runtime()) {
            assertThat(first).isNotNull();
            assertCode(ErrorCode.AUDIT_LOG_IN_USE, this::runtime);
        }
        runtime().close();
    }

    @Test
    void build_withASourceForASecretThatThePolicyDoesntKnow_warnsOfIt() {
        PrintStream before = System.err;
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        System.setErr(new PrintStream(captured, true, StandardCharsets.UTF_8));
        try {
            SecureRuntime.builder()
                    .policy(POLICY)
                    .auditLog(audit())
                    .secret("crm", () -> new byte[] {'x'})
                    .secret("cmr", () -> new byte[] {'x'})
                    .build()
                    .close();
        } finally {
            System.setErr(before);
        }
        assertThat(captured.toString(StandardCharsets.UTF_8)).contains("[cmr]").doesNotContain("[crm");
    }

    @Test
    void build_whereTheLogCantBeWritten_isRefused_unlessChosenOtherwise() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        Path impossible = file.resolve("audit");

        assertCode(ErrorCode.AUDIT_UNWRITABLE, () -> SecureRuntime.builder()
                .policy(POLICY)
                .auditLog(impossible)
                .secret("crm", () -> new byte[] {'x'})
                .build());
        try (SecureRuntime unrecorded = SecureRuntime.builder()
                .policy(POLICY)
                .auditLog(impossible)
                .secret("crm", () -> new byte[] {'x'})
                .onAuditFailure(OnAuditFailure.PROCEED_UNRECORDED)
                .build()) {
            Component agent = unrecorded.component("agent");
            assertThat(decide(agent, "api.openai.com")).isInstanceOf(Allowed.class);
            assertCode(ErrorCode.AUDIT_UNWRITABLE, unrecorded::audit);
        }
    }

    @Test
    void start_recordsPolicyComponentsAndTheChoiceForAuditFailures() throws IOException {
        runtime().close();

        JsonNode start = records("runtime.start").get(0).path("attributes");
        assertThat(start.path("secure_runtime.policy.source").asText()).isEqualTo("code");
        assertThat(start.path("secure_runtime.components").toString()).isEqualTo("[\"agent\",\"other\"]");
        assertThat(start.path("secure_runtime.audit.on_failure").asText()).isEqualTo("refuse");
        assertThat(records("runtime.stop")).hasSize(1);
    }

    @Test
    void explain_ofAMethodThatNoAdapterSends_refusesAsTheyDo() {
        try (SecureRuntime runtime = runtime()) {
            Component agent = runtime.component("agent");
            for (String component : List.of("agent", "other")) {
                for (String method : List.of("CONNECT", "G ET", "")) {
                    EgressRequest asked =
                            new EgressRequest(component, method, "https", "api.openai.com", 443, "/", List.of());
                    assertThat(agent.explain(asked))
                            .isInstanceOfSatisfying(Denied.class, denied -> assertThat(denied.code())
                                    .isEqualTo(ErrorCode.EGRESS_MALFORMED_TARGET));
                }
            }
        }
    }

    // ---- the log fails while the runtime is up

    @Test
    void decide_afterTheLogBecameUnwritable_refuses() throws IOException {
        try (SecureRuntime runtime = breakable(OnAuditFailure.REFUSE)) {
            Component agent = runtime.component("agent");
            assertThat(decide(agent, "api.openai.com")).isInstanceOf(Allowed.class);

            breakTheLog(agent);

            assertThat(decide(agent, "api.openai.com"))
                    .isInstanceOfSatisfying(
                            Denied.class, denied -> assertThat(denied.code()).isEqualTo(ErrorCode.AUDIT_UNWRITABLE));
            assertCode(ErrorCode.AUDIT_UNWRITABLE, () -> agent.secrets().open("crm"));
        } catch (SecureRuntimeException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.AUDIT_UNWRITABLE); // closing can't seal a broken log, and says so
        }
    }

    @Test
    void decide_afterTheLogBecameUnwritable_goesOnWhereThatWasChosen_andTheChoiceIsRecorded() throws IOException {
        try (SecureRuntime runtime = breakable(OnAuditFailure.PROCEED_UNRECORDED)) {
            Component agent = runtime.component("agent");
            agent.audit().checkpoint();
            assertThat(records("runtime.start")
                            .get(0)
                            .at("/attributes/secure_runtime.audit.on_failure")
                            .asText())
                    .isEqualTo("proceed_unrecorded");

            breakTheLog(agent);

            assertThat(decide(agent, "api.openai.com")).isInstanceOf(Allowed.class);
            try (SecretHandle handle = agent.secrets().open("crm")) {
                assertThat(handle.name()).isEqualTo("crm");
            }
        } catch (SecureRuntimeException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.AUDIT_UNWRITABLE);
        }
    }

    private SecureRuntime breakable(OnAuditFailure choice) {
        return SecureRuntime.builder()
                .policy(POLICY)
                .auditLog(AuditSettings.in(audit()).checkpointEvery(Duration.ofMillis(20), 16))
                .onAuditFailure(choice)
                .secret("crm", () -> new byte[] {'x'})
                .build();
    }

    /** Takes the log's folder away under the writer: on Linux its files stay writable, and every record is lost. */
    private void breakTheLog(Component agent) throws IOException {
        agent.audit().checkpoint();
        Files.move(audit().resolve("segments"), folder.resolve("moved-away"));
        assertThatThrownBy(() -> {
                    agent.audit().append(AuditEvent.of("app.event").build());
                    agent.audit().checkpoint();
                })
                .isInstanceOf(SecureRuntimeException.class);
    }

    // ---- secrets and audit in a component's name

    @Test
    void secret_openedByItsOwner_isGivenAndRecorded() throws IOException {
        try (SecureRuntime runtime = runtime();
                SecretHandle handle = runtime.component("agent").secrets().open("crm")) {
            assertThat(handle.<String, RuntimeException>use(bytes -> new String(bytes, StandardCharsets.US_ASCII)))
                    .isEqualTo("crm-secret-value");
        }
        assertThat(records("secret.open")
                        .get(0)
                        .at("/attributes/secure_runtime.verdict")
                        .asText())
                .isEqualTo("allow");
        assertThat(new WrittenLog(audit()).everything()).doesNotContain("crm-secret-value");
    }

    @Test
    void secret_openedByAnother_isRefusedAndRecorded() throws IOException {
        try (SecureRuntime runtime = runtime()) {
            assertCode(
                    ErrorCode.SECRET_NOT_ENTITLED,
                    () -> runtime.component("other").secrets().open("crm"));
        }
        JsonNode record = records("secret.open").get(0);
        assertThat(record.path("component").asText()).isEqualTo("other");
        assertThat(record.at("/attributes/secure_runtime.verdict").asText()).isEqualTo("deny");
    }

    @Test
    void audit_ofAComponent_speaksForItselfOnly_andNotForTheRuntime() {
        try (SecureRuntime runtime = runtime()) {
            Component agent = runtime.component("agent");
            for (String type : List.of(
                    "egress.call",
                    "log.key",
                    "runtime.stop",
                    "secret.open",
                    "credential.issued",
                    "Egress.call",
                    "egress")) {
                assertCode(ErrorCode.AUDIT_RECORD_REJECTED, () -> agent.audit()
                        .append(AuditEvent.of(type).build()));
            }
            assertCode(ErrorCode.AUDIT_RECORD_REJECTED, () -> agent.audit()
                    .append(AuditEvent.of("tool.call").component("other").build()));
        }
    }

    @Test
    void closedRuntime_refusesEverything_andItsLogIsIntact() throws IOException {
        SecureRuntime runtime = runtime();
        List<String> keys = runtime.audit().verifierKeys();
        Component agent = runtime.component("agent");
        runtime.close();
        runtime.close();

        assertThat(decide(agent, "api.openai.com"))
                .isInstanceOfSatisfying(
                        Denied.class, denied -> assertThat(denied.code()).isEqualTo(ErrorCode.RUNTIME_CLOSED));
        assertCode(ErrorCode.RUNTIME_CLOSED, () -> agent.secrets().open("crm"));
        assertCode(ErrorCode.RUNTIME_CLOSED, () -> runtime.component("agent"));
        assertThat(AuditLogVerifier.withKeys(keys).verify(audit())).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void closedRuntime_givesNoSecretAndNoCredential_alsoWhereCallsMayGoOnUnrecorded() {
        SecureRuntime runtime = breakable(OnAuditFailure.PROCEED_UNRECORDED);
        Component agent = runtime.component("agent");
        runtime.close();

        assertCode(ErrorCode.RUNTIME_CLOSED, () -> agent.secrets().open("crm"));
        CredentialProvider<BearerToken> late = agent.credentials()
                .provider(
                        "late", () -> BearerToken.of("t", "token", Instant.now().plusSeconds(60)));
        assertCode(ErrorCode.CREDENTIAL_UNAVAILABLE, late::get);
    }

    // ---- helpers

    private static Object decide(Component component, String host) {
        EgressRequest request =
                new EgressRequest(component.id().name(), "POST", "https", host, 443, "/v1/chat/completions", List.of());
        return ((GuardedComponent) component).inForce().decide(request);
    }

    private List<JsonNode> records(String type) throws IOException {
        return new WrittenLog(audit()).records(type);
    }

    private List<Path> filesBeside(Path except) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> !file.equals(except)).toList();
        }
    }

    private static void assertCode(ErrorCode code, ThrowingCallable action) {
        assertThatThrownBy(action::call).isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                .isEqualTo(code));
    }

    private interface ThrowingCallable {
        Object call() throws Exception;
    }
}
