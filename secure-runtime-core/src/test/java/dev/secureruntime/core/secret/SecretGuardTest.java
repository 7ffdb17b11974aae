package dev.secureruntime.core.secret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.identity.CodeIdentity;
import dev.secureruntime.identity.ComponentId;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import dev.secureruntime.policy.SecretPolicy.Source;
import dev.secureruntime.secret.SecretDecision;
import dev.secureruntime.secret.SecretDeniedException;
import dev.secureruntime.secret.SecretHandle;
import dev.secureruntime.secret.SecretSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretGuardTest {

    private static final String VALUE = "open-sesame";
    private static final ComponentId AGENT = component("agent");
    private static final ComponentId BILLING = component("billing");

    @TempDir
    Path dir;

    /** The agent may read "plain" and have "bound" attached; billing may do nothing. */
    private static Policy policy() {
        return policy(ComponentPolicy.builder().build());
    }

    private static Policy policy(ComponentPolicy billing) {
        return Policy.builder()
                .source("policy.json")
                .component(
                        "agent",
                        ComponentPolicy.builder()
                                .secret("plain")
                                .secret("bound")
                                .build())
                .component("billing", billing)
                .secret("bound", SecretPolicy.suppliedByCode().attachedAs(Attachment.bearer("api.openai.com")))
                .build();
    }

    private static ComponentId component(String name) {
        return new ComponentId(name, CodeIdentity.of(SecretGuardTest.class));
    }

    /** A source that remembers the arrays that it gave away. */
    private static final class RememberingSource implements SecretSource {
        final List<byte[]> given = new ArrayList<>();
        private final String value;

        RememberingSource(String value) {
            this.value = value;
        }

        @Override
        public byte[] read() {
            byte[] bytes = value.getBytes(StandardCharsets.ISO_8859_1);
            given.add(bytes);
            return bytes;
        }
    }

    private final RememberingSource plain = new RememberingSource(VALUE);
    private final RememberingSource bound = new RememberingSource(VALUE);
    private final SecretGuard guard = new SecretGuard(policy(), Map.of("plain", plain, "bound", bound));

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    private static String everything(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text, true));
        return text.toString();
    }

    @Test
    void open_entitledComponent_givesAHandle() {
        assertThat(guard.decide(AGENT, "plain")).isEqualTo(new SecretDecision.Granted());
        try (SecretHandle handle = guard.open(AGENT, "plain")) {
            assertThat(handle.name()).isEqualTo("plain");
            assertThat(handle.<String, RuntimeException>use(SecretGuardTest::text))
                    .isEqualTo(VALUE);
        }
        assertThat(plain.given).hasSize(1).allSatisfy(bytes -> assertThat(bytes).containsOnly(0));
    }

    @Test
    void open_componentNotEntitled_isDeniedWithRemedyAndReadsNothing() {
        SecretDeniedException denied =
                catchThrowableOfType(SecretDeniedException.class, () -> guard.open(BILLING, "plain"));

        assertThat(denied.code()).isEqualTo(ErrorCode.SECRET_NOT_ENTITLED);
        assertThat(denied)
                .hasMessage(
                        "SR-SECRET-001 component \"billing\" doesn't get secret \"plain\": the policy doesn't entitle"
                                + " it; add \"plain\" under components.billing.secrets");
        assertThat(plain.given).isEmpty();

        // The entitlement is all that stands between: with it the same component reads the secret.
        SecretGuard open = new SecretGuard(
                policy(ComponentPolicy.builder().secret("plain").build()), Map.of("plain", plain, "bound", bound));
        assertThat(open.open(BILLING, "plain").<String, RuntimeException>use(SecretGuardTest::text))
                .isEqualTo(VALUE);
    }

    @Test
    void open_componentNotEntitled_learnsNotWhichSecretsExist() {
        for (String name : List.of("plain", "bound", "no-such")) {
            assertThat(guard.decide(BILLING, name))
                    .isEqualTo(new SecretDecision.Denied(
                            ErrorCode.SECRET_NOT_ENTITLED,
                            "the policy doesn't entitle it",
                            "add \"" + name + "\" under components.billing.secrets"));
        }
        assertThat(guard.decide(component("stranger"), "plain")).isInstanceOf(SecretDecision.Denied.class);
    }

    @Test
    void open_nameWithLineBreaks_isShownOnOneLine() {
        assertThatThrownBy(() -> guard.open(AGENT, "x\nfake log line \u202e" + "y".repeat(500)))
                .message()
                .contains("x?fake log line ?")
                .doesNotContain("\n")
                .hasSizeLessThan(500);
    }

    @Test
    void open_boundSecret_isNeverHandedOut() {
        assertThatThrownBy(() -> guard.open(AGENT, "bound"))
                .isInstanceOfSatisfying(
                        SecretDeniedException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SECRET_ATTACH_ONLY))
                .hasMessageContainingAll("agent", "bound", "guarded client");
        assertThat(bound.given).isEmpty();
    }

    @Test
    void useForAttachment_boundSecret_lendsItAndWipesIt() {
        assertThat(guard.<String, RuntimeException>useForAttachment(AGENT, "bound", SecretGuardTest::text))
                .isEqualTo(VALUE);
        assertThatThrownBy(() -> guard.useForAttachment(AGENT, "bound", bytes -> {
                    throw new IOException("connection reset");
                }))
                .isInstanceOf(IOException.class);

        assertThat(bound.given).hasSize(2).allSatisfy(bytes -> assertThat(bytes).containsOnly(0));
    }

    @Test
    void useForAttachment_notEntitledOrNotBound_isDenied() {
        assertThatThrownBy(() -> guard.useForAttachment(BILLING, "bound", SecretGuardTest::text))
                .isInstanceOfSatisfying(SecretDeniedException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.SECRET_NOT_ENTITLED));
        assertThatThrownBy(() -> guard.useForAttachment(AGENT, "plain", SecretGuardTest::text))
                .isInstanceOf(SecretDeniedException.class)
                .hasMessageContaining("bound to no host");
        assertThat(bound.given).isEmpty();
        assertThat(plain.given).isEmpty();
    }

    @Test
    void useForAttachment_fileRotatedBetweenUses_lendsTheNewSecret() throws Exception {
        Path file = Files.writeString(dir.resolve("key"), "old\n");
        SecretGuard fromFile = new SecretGuard(
                policyWithSource(SecretPolicy.from(new Source.File(file)).attachedAs(Attachment.bearer("a.example"))),
                Map.of());
        ComponentId chat = component("chat");
        assertThat(fromFile.<String, RuntimeException>useForAttachment(chat, "key", SecretGuardTest::text))
                .isEqualTo("old");

        Files.move(Files.writeString(dir.resolve("next"), "new\n"), file, StandardCopyOption.REPLACE_EXISTING);

        assertThat(fromFile.<String, RuntimeException>useForAttachment(chat, "key", SecretGuardTest::text))
                .isEqualTo("new");
    }

    private static Policy policyWithSource(SecretPolicy secret) {
        return Policy.builder()
                .component("chat", ComponentPolicy.builder().secret("key").build())
                .secret("key", secret)
                .build();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sesame\r\nX-Injected: 1",
                "sesame\n",
                "ses\rame",
                "ses\0ame",
                "sesam\u00e9",
                "ses\tame",
                "sesame\u007f",
                " sesame",
                "sesame "
            })
    void useForAttachment_valueThatIsNoHeaderValue_isRefusedWithoutShowingIt(String value) {
        RememberingSource source = new RememberingSource(value);
        SecretGuard broken = new SecretGuard(policy(), Map.of("plain", plain, "bound", source));
        AtomicReference<byte[]> lent = new AtomicReference<>();

        SecretDeniedException denied = catchThrowableOfType(
                SecretDeniedException.class,
                () -> broken.useForAttachment(AGENT, "bound", bytes -> {
                    lent.set(bytes);
                    return null;
                }));

        assertThat(denied.code()).isEqualTo(ErrorCode.SECRET_UNAVAILABLE);
        assertThat(denied).hasMessageContaining("can't be sent in a header");
        assertThat(everything(denied)).doesNotContain("sesam", "X-Injected");
        assertThat(lent.get()).isNull();
        assertThat(source.given.get(0)).containsOnly(0);
    }

    @Test
    void open_sourceThatFails_isDeniedWithTheCause() {
        SecretGuard failing = guardWithPlain(() -> {
            throw new IOException("/run/secrets/plain: no such file");
        });

        assertThatThrownBy(() -> failing.open(AGENT, "plain"))
                .isInstanceOfSatisfying(
                        SecretDeniedException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SECRET_UNAVAILABLE))
                .hasRootCauseMessage("/run/secrets/plain: no such file");
    }

    @Test
    void open_sourceThatBlurtsItsSecretOut_isDeniedWithoutIt() {
        SecretSource careless = () -> {
            throw new IllegalStateException("can't parse " + VALUE);
        };
        // The attack works on whoever passes the exception on.
        assertThatThrownBy(careless::read).hasMessageContaining(VALUE);

        SecretDeniedException denied = catchThrowableOfType(
                SecretDeniedException.class, () -> guardWithPlain(careless).open(AGENT, "plain"));

        assertThat(everything(denied)).contains("IllegalStateException").doesNotContain(VALUE);
    }

    @Test
    void open_sourceThatGivesNothing_isDenied() {
        assertThatThrownBy(() -> guardWithPlain(() -> new byte[0]).open(AGENT, "plain"))
                .hasMessageStartingWith("SR-SECRET-002");
        assertThatThrownBy(() -> guardWithPlain(() -> null).open(AGENT, "plain"))
                .hasMessageStartingWith("SR-SECRET-002");
    }

    private SecretGuard guardWithPlain(SecretSource source) {
        return new SecretGuard(policy(), Map.of("plain", source, "bound", bound));
    }

    @Test
    void new_sourceInCodeAndInPolicy_takesTheOneInCode() throws Exception {
        Policy policy = policyWithSource(SecretPolicy.from(new Source.Environment("SECURE_RUNTIME_NO_SUCH")));

        SecretHandle handle = new SecretGuard(policy, Map.of("key", plain)).open(component("chat"), "key");

        assertThat(handle.<String, RuntimeException>use(SecretGuardTest::text)).isEqualTo(VALUE);
        assertThatThrownBy(() -> new SecretGuard(policy, Map.of()).open(component("chat"), "key"))
                .hasRootCauseMessage("environment variable SECURE_RUNTIME_NO_SUCH is not set");
    }

    @Test
    void new_secretFromNowhere_failsAtStart() {
        assertThatThrownBy(() -> new SecretGuard(policy(), Map.of("bound", bound)))
                .isInstanceOfSatisfying(SecureRuntimeException.class, e -> assertThat(e.code())
                        .isEqualTo(ErrorCode.RUNTIME_MISCONFIGURED))
                .hasMessageContainingAll(
                        "\"plain\"",
                        "\"agent\"",
                        "comes from nowhere",
                        "secrets.plain",
                        "policy.json",
                        "secret(\"plain\"");
    }

    @Test
    void new_issuedSecret_needsNoSourceAndIsNeverRead() {
        SecretGuard issued = new SecretGuard(policy(), Map.of("plain", plain), Set.of("bound"));

        assertThat(issued.decide(AGENT, "bound"))
                .isInstanceOfSatisfying(SecretDecision.Denied.class, denied -> assertThat(denied.code())
                        .isEqualTo(ErrorCode.SECRET_ATTACH_ONLY));
        assertThatThrownBy(() -> issued.useForAttachment(AGENT, "bound", SecretGuardTest::text))
                .hasMessageStartingWith("SR-SECRET-002")
                .hasMessageContaining("issuer");
    }

    @Test
    void new_issuerThatContradictsTheRest_failsAtStart() {
        assertThatThrownBy(() -> new SecretGuard(policy(), Map.of("plain", plain, "bound", bound), Set.of("bound")))
                .hasMessageStartingWith("SR-RUNTIME-001")
                .hasMessageContaining("both a source and an issuer");
        assertThatThrownBy(() -> new SecretGuard(policy(), Map.of("bound", bound), Set.of("plain")))
                .hasMessageStartingWith("SR-RUNTIME-001")
                .hasMessageContaining("bound to no host");
    }
}
