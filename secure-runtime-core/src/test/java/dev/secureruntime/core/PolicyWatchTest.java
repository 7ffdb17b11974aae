package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.policy.PolicyFile;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The policy's file changes under a runtime. What the timer would do is called here. */
class PolicyWatchTest {

    private static final String FIRST = policy("a.example");
    private static final String SECOND = policy("b.example");

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void write() throws IOException {
        file = Files.writeString(folder.resolve("policy.json"), FIRST);
    }

    private SecureRuntime runtime() {
        return SecureRuntime.builder()
                .policy(file)
                .auditLog(folder.resolve("audit"))
                .build();
    }

    private static String policy(String host) {
        return "{\"version\":1,\"components\":{\"agent\":{\"egress\":{\"allow\":[\"" + host + "\"]}}}}";
    }

    @Test
    void file_thatIsHalfWritten_leavesTheOldPolicyInForce_isToldOnce_andCountsWhenItIsWhole() throws IOException {
        try (SecureRuntime runtime = runtime()) {
            CoreRuntime core = (CoreRuntime) runtime;
            Files.writeString(file, SECOND.substring(0, 40));
            core.lookAtPolicy();
            core.lookAtPolicy();
            assertThat(runtime.policyVersion().number()).isEqualTo(1);
            Files.delete(file);
            core.lookAtPolicy();
            core.lookAtPolicy();
            assertThat(runtime.policyVersion().number()).isEqualTo(1);

            Files.writeString(file, SECOND);
            core.lookAtPolicy();
            core.lookAtPolicy();

            assertThat(runtime.policyVersion().number()).isEqualTo(2);
            assertThat(runtime.policyVersion().sha256())
                    .isEqualTo(PolicyFile.read(file).sha256());
            EgressDecision decision = runtime.component("agent")
                    .explain(new EgressRequest("agent", "GET", "https", "b.example", 443, "/", List.of()));
            assertThat(decision)
                    .isEqualTo(new EgressDecision.Allowed(
                            "b.example", runtime.policyVersion().toString()));
        }
        assertThat(errors("policy.rejected"))
                .containsExactly(ErrorCode.POLICY_MALFORMED.code(), ErrorCode.POLICY_UNREADABLE.code());
        assertThat(errors("policy.reloaded")).hasSize(1);
    }

    @Test
    void candidateThatCannotBeRecorded_holdsUpNoReload() throws IOException {
        Path candidate = Files.writeString(folder.resolve("candidate.json"), FIRST);
        SecureRuntime runtime = SecureRuntime.builder()
                .policy(file)
                .shadowPolicy(candidate)
                .auditLog(folder.resolve("audit"))
                .build();
        runtime.audit().checkpoint();
        Files.move(folder.resolve("audit").resolve("segments"), folder.resolve("moved-away"));
        assertThatThrownBy(() -> {
                    runtime.audit().append(AuditEvent.of("app.event").build());
                    runtime.audit().checkpoint();
                })
                .isInstanceOf(SecureRuntimeException.class);
        Files.writeString(file, SECOND);
        Files.writeString(candidate, SECOND);

        assertThatThrownBy(runtime::reload)
                .isInstanceOfSatisfying(
                        SecureRuntimeException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.AUDIT_UNWRITABLE));

        assertThat(runtime.policyVersion().number()).isEqualTo(2);
        assertThat(runtime.shadowReport().version().orElseThrow().number()).isEqualTo(2);
        assertThatThrownBy(runtime::close).isInstanceOf(SecureRuntimeException.class);
    }

    @Test
    void reload_ofTheSameFileWithAnotherListOfACategory_putsItInForce() throws IOException {
        Path list = Files.writeString(folder.resolve("list.txt"), "a.example\n");
        Files.writeString(
                file,
                "{\"version\":1,\"categories\":{\"own\":{\"file\":\"list.txt\"}},"
                        + "\"components\":{\"agent\":{\"egress\":{\"allow\":[{\"category\":\"own\"}]}}}}");
        try (SecureRuntime runtime = runtime()) {
            assertThat(runtime.reload().changed()).isFalse();
            Files.writeString(list, "b.example\n");

            assertThat(runtime.reload().changed()).isTrue();

            assertThat(runtime.component("agent")
                            .explain(new EgressRequest("agent", "GET", "https", "b.example", 443, "/", List.of())))
                    .isInstanceOf(EgressDecision.Allowed.class);
        }
    }

    @Test
    void breakGlassGrant_isEndedByTheTimer() throws Exception {
        try (SecureRuntime runtime = runtime()) {
            runtime.breakGlass(BreakGlass.grant("agent")
                    .host("b.example", 443)
                    .person("jane.doe")
                    .reason("INC-1")
                    .until(Instant.now().plusMillis(200))
                    .build());
            PolicySnapshot during = ((CoreRuntime) runtime).policyAsItIs();

            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (((CoreRuntime) runtime).policyAsItIs() == during && System.nanoTime() < end) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }

            assertThat(((CoreRuntime) runtime).policyAsItIs().grants()).isEmpty();
        }
    }

    @Test
    void breakGlassGrantInThePolicy_longerThanTheRuntimeAllows_isRefused() throws IOException {
        Files.writeString(
                file,
                "{\"version\":1,\"components\":{\"agent\":{}},\"breakGlass\":[{\"component\":\"agent\",\"host\":\"b.example\","
                        + "\"person\":\"p\",\"reason\":\"r\",\"from\":\"2026-11-24T08:00:00Z\",\"until\":\"2026-11-24T09:00:01Z\"}]}");
        assertThatThrownBy(() -> SecureRuntime.builder()
                        .policy(file)
                        .breakGlassAtMost(Duration.ofHours(1))
                        .auditLog(folder.resolve("audit"))
                        .build())
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.POLICY_INVALID_VALUE))
                .hasMessageContaining("lasts longer than PT1H");
    }

    @Test
    void reload_ofAnInvalidFile_isRefusedWithItsPlace() throws IOException {
        try (SecureRuntime runtime = runtime()) {
            Files.writeString(file, "{\n\"version\":1,\n\"componets\":{}}");

            assertThatThrownBy(runtime::reload)
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.POLICY_UNKNOWN_MEMBER))
                    .hasMessageContaining("policy.json:3");
            assertThat(runtime.policyVersion().number()).isEqualTo(1);
        }
        assertThat(errors("policy.rejected")).hasSize(1);
    }

    @Test
    void reload_ofAPolicyBuiltInCode_needsAPolicy() {
        try (SecureRuntime runtime = SecureRuntime.builder()
                .policy(Policy.builder().build())
                .auditLog(folder.resolve("audit"))
                .build()) {
            assertThatThrownBy(runtime::reload)
                    .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                            .isEqualTo(ErrorCode.RUNTIME_MISCONFIGURED));
        }
    }

    @Test
    void digest_ofPoliciesBuiltInCode_tellsApartWhatDiffers_andNotTheOrderOfSets() {
        List<Policy> different = new ArrayList<>();
        for (Set<Integer> ports : List.of(Set.of(443), Set.of(8443), Set.of(443, 8443))) {
            EgressRule rule =
                    EgressRule.host("a.example", new EgressRule.Scope(ports, Set.of("https"), Set.of(), Set.of()));
            different.add(Policy.builder()
                    .component("agent", ComponentPolicy.builder().allow(rule).build())
                    .build());
            different.add(Policy.builder()
                    .component("agent", ComponentPolicy.builder().deny(rule).build())
                    .build());
        }

        assertThat(different.stream().map(PolicyDigest::of)).doesNotHaveDuplicates();
        assertThat(PolicyDigest.of(withSecrets("x", "y"))).isEqualTo(PolicyDigest.of(withSecrets("y", "x")));
    }

    private static Policy withSecrets(String one, String other) {
        return Policy.builder()
                .component(
                        "agent",
                        ComponentPolicy.builder().secret(one).secret(other).build())
                .build();
    }

    private List<String> errors(String type) throws IOException {
        return new WrittenLog(folder.resolve("audit"))
                .records(type).stream()
                        .map(record ->
                                record.path("attributes").path("error.type").asText())
                        .toList();
    }
}
