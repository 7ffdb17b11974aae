package dev.secureruntime.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.Component;
import dev.secureruntime.SecureRuntime;
import dev.secureruntime.core.okhttp.GuardedOkHttp;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComponentClaimTest {

    private static final Policy POLICY = Policy.builder()
            .component("agent", ComponentPolicy.builder().build())
            .component("other", ComponentPolicy.builder().build())
            .build();

    @TempDir
    Path folder;

    private SecureRuntime runtime() {
        return SecureRuntime.builder()
                .policy(POLICY)
                .auditLog(folder.resolve("audit"))
                .build();
    }

    @Test
    void component_thatThePolicyDoesntHave_isRefused() {
        try (SecureRuntime runtime = runtime()) {
            assertCode(ErrorCode.COMPONENT_UNKNOWN, () -> runtime.component("nobody"));
        }
    }

    @Test
    void component_claimedAgainByTheSameCode_isTheSame() throws IOException {
        try (SecureRuntime runtime = runtime()) {
            assertThat(runtime.component("agent")).isSameAs(runtime.component("agent"));
        }
        assertThat(new WrittenLog(folder.resolve("audit")).records("component.claimed"))
                .hasSize(1);
    }

    @Test
    void component_claimedByOtherCode_isRefused() throws Exception {
        try (SecureRuntime runtime = runtime()) {
            Component mine = runtime.component("agent");

            assertCode(
                    ErrorCode.COMPONENT_CLAIMED, () -> foreignClaimant("agent").apply(runtime));
            Component theirs = foreignClaimant("other").apply(runtime);
            assertThat(theirs.id().code()).isNotEqualTo(mine.id().code());
            assertCode(ErrorCode.COMPONENT_CLAIMED, () -> runtime.component("other"));
        }
    }

    @Test
    void component_claimedByTheJdkOnSomeonesBehalf_isRefused() {
        try (SecureRuntime runtime = runtime()) {
            assertCode(
                    ErrorCode.COMPONENT_CLAIMED,
                    () -> Optional.of("agent").map(runtime::component).orElseThrow());
            assertThat(runtime.component("agent")).isNotNull();
        }
    }

    @Test
    void gate_isOpenedToAdaptersOnly() {
        try (SecureRuntime runtime = runtime()) {
            Component agent = runtime.component("agent");
            assertCode(ErrorCode.RUNTIME_MISCONFIGURED, () -> Gate.open(agent, MethodHandles.lookup()));
            assertCode(ErrorCode.RUNTIME_MISCONFIGURED, () -> Gate.open(agent, MethodHandles.publicLookup()));
            assertCode(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    () -> Gate.open(agent, MethodHandles.lookup().in(GuardedOkHttp.class)));
        }
    }

    @Test
    void component_claimedThroughAMethodReference_isTheReferrersClaim() {
        try (SecureRuntime runtime = runtime()) {
            Function<String, Component> reference = runtime::component;
            assertThat(reference.apply("agent")).isSameAs(runtime.component("agent"));
        }
    }

    /** The same class in another class loader: other code by identity, though not by name. */
    private static Function<SecureRuntime, Component> foreignClaimant(String name) throws Exception {
        ClassLoader other = new ClassLoader(ComponentClaimTest.class.getClassLoader()) {
            @Override
            protected Class<?> loadClass(String className, boolean resolve) throws ClassNotFoundException {
                if (!className.equals(Claimant.class.getName())) {
                    return super.loadClass(className, resolve);
                }
                try (InputStream bytes =
                        Claimant.class.getResourceAsStream("/" + className.replace('.', '/') + ".class")) {
                    byte[] code = bytes.readAllBytes();
                    return defineClass(className, code, 0, code.length);
                } catch (IOException e) {
                    throw new ClassNotFoundException(className, e);
                }
            }
        };
        @SuppressWarnings("unchecked")
        Function<SecureRuntime, Component> claimant =
                (Function<SecureRuntime, Component>) other.loadClass(Claimant.class.getName())
                        .getConstructor(String.class)
                        .newInstance(name);
        return claimant;
    }

    /** Claims a component. */
    public static final class Claimant implements Function<SecureRuntime, Component> {

        private final String name;

        public Claimant(String name) {
            this.name = name;
        }

        @Override
        public Component apply(SecureRuntime runtime) {
            return runtime.component(name);
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
