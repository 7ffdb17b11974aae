package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.SecureRuntime;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import dev.secureruntime.policy.SecretPolicy.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a policy may say of canaries, and what the runtime demands of them. */
class CanaryPolicyTest {

    @TempDir
    Path folder;

    private Policy policy(Path canary) {
        return Policy.builder()
                .component("agent", ComponentPolicy.builder().build())
                .secret("trap", SecretPolicy.from(new Source.File(canary)).asCanary())
                .build();
    }

    private SecureRuntime runtime(Policy policy) {
        return SecureRuntime.builder()
                .policy(policy)
                .auditLog(AuditSettings.in(folder.resolve("audit")))
                .build();
    }

    @Test
    void build_componentEntitledToACanary_isRefused() {
        Policy.Builder policy = Policy.builder()
                .component("agent", ComponentPolicy.builder().secret("trap").build())
                .secret("trap", SecretPolicy.suppliedByCode().asCanary());
        assertThatThrownBy(policy::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"trap\"");
    }

    @Test
    void asCanary_ofASecretThatBelongsToAHost_isRefused() {
        SecretPolicy attached = SecretPolicy.suppliedByCode().attachedAs(Attachment.bearer("a.example"));
        SecretPolicy sent = SecretPolicy.suppliedByCode().sentTo("a.example");
        assertThatThrownBy(attached::asCanary).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(sent::asCanary).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> sent.attachedAs(Attachment.bearer("a.example")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void start_canaryThatCannotBeLookedFor_isRefused() throws IOException {
        Path missing = folder.resolve("missing");
        Path tooShort = Files.writeString(folder.resolve("short"), "1234567\n");
        for (Path canary : new Path[] {missing, tooShort}) {
            assertThatThrownBy(() -> runtime(policy(canary)))
                    .isInstanceOfSatisfying(SecureRuntimeException.class, refused -> {
                        assertThat(refused.code()).isEqualTo(ErrorCode.SECRET_UNAVAILABLE);
                        assertThat(refused).hasMessageContaining("\"trap\"").hasMessageNotContaining("1234567");
                    });
        }
        assertThatThrownBy(() -> runtime(Policy.builder()
                        .component("agent", ComponentPolicy.builder().build())
                        .secret("trap", SecretPolicy.suppliedByCode().asCanary())
                        .build()))
                .isInstanceOfSatisfying(SecureRuntimeException.class, refused -> assertThat(refused.code())
                        .isEqualTo(ErrorCode.RUNTIME_MISCONFIGURED));
    }

    @Test
    void open_canary_isDeniedToEverybody_andReloadReadsItAgain() throws IOException {
        Path file = Files.writeString(folder.resolve("trap"), "trap-value-one\n");
        try (SecureRuntime runtime = runtime(policy(file))) {
            assertThatThrownBy(() -> runtime.component("agent").secrets().open("trap"))
                    .hasMessageContaining("SR-SECRET-001")
                    .hasMessageNotContaining("trap-value");
            Files.writeString(file, "trap-value-two\n");
            runtime.reload(Policy.builder()
                    .component(
                            "agent",
                            ComponentPolicy.builder().allowHost("a.example").build())
                    .secret("trap", SecretPolicy.from(new Source.File(file)).asCanary())
                    .build());
            SecretWatch watch = ((CoreRuntime) runtime).secretWatch();
            assertThat(watch.occursIn("x trap-value-one".getBytes())).isTrue();
            assertThat(watch.occursIn("x trap-value-two".getBytes())).isTrue();
        }
    }
}
