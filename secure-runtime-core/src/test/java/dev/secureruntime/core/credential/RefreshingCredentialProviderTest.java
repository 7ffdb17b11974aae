package dev.secureruntime.core.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.secureruntime.core.credential.CredentialEvent.Failed;
import dev.secureruntime.core.credential.CredentialEvent.Issued;
import dev.secureruntime.core.credential.CredentialEvent.Reason;
import dev.secureruntime.core.credential.FakeIssuer.Key;
import dev.secureruntime.credential.CredentialUnavailableException;
import java.io.ByteArrayOutputStream;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RefreshingCredentialProviderTest {

    private static final Duration LIFETIME = Duration.ofSeconds(30);

    private final VirtualTime time = new VirtualTime();
    private final FakeIssuer issuer = new FakeIssuer(time);
    private final StepExecutor executor = new StepExecutor();
    private final List<CredentialEvent> events = new ArrayList<>();
    // Jitter in the middle: renewed at 75% of the lifetime, back-off nine tenths of its window.
    private final RefreshingCredentialProvider<Key> provider = provider(events::add);

    private RefreshingCredentialProvider<Key> provider(CredentialListener listener) {
        return new RefreshingCredentialProvider<>(
                "sts:reports", issuer, listener, executor, time.clock(), time, new RefreshSchedule(() -> 0.5));
    }

    private void passMillis(long millis) {
        time.pass(Duration.ofMillis(millis));
    }

    @Test
    void get_cold_issuesOnceAndTellsTheListener() {
        issuer.issueFor(LIFETIME);

        Key key = provider.get();

        assertThat(provider.get()).isSameAs(key);
        assertThat(issuer.calls()).hasSize(1);
        assertThat(events).containsExactly(new Issued("sts:reports", "key-1", key.expiresAt()));
    }

    @Test
    void get_renewedByAnotherCallerBetweenLookAndLock_isNotAskedForAgain() {
        issuer.issueFor(LIFETIME);
        AtomicReference<Runnable> meanwhile = new AtomicReference<>();
        RefreshingCredentialProvider<Key> raced =
                new RefreshingCredentialProvider<>("sts:reports", issuer, events::add, executor, time.clock(), () -> {
                    Runnable other = meanwhile.getAndSet(null);
                    if (other != null) {
                        other.run();
                    }
                    return time.read();
                });
        meanwhile.set(raced::get);

        assertThat(raced.get().id()).isEqualTo("key-1");
        assertThat(issuer.calls()).hasSize(1);
    }

    @Test
    void get_inTheRefreshWindow_givesTheOldOneWhileTheNewOneIsOnItsWay() {
        issuer.issueFor(LIFETIME);
        Key old = provider.get();
        executor.keep();

        passMillis(22_499);
        provider.get();
        assertThat(executor.kept()).isZero();

        passMillis(1);
        for (int i = 0; i < 100; i++) {
            assertThat(provider.get()).isSameAs(old);
        }
        assertThat(executor.kept()).isEqualTo(1);

        executor.runAtOnce();
        assertThat(provider.get().id()).isEqualTo("key-2");
        assertThat(issuer.calls()).hasSize(2);
    }

    @Test
    void get_issuerFailsWhileValid_servesUntilTheMarginAndNotPastIt() {
        issuer.issueFor(LIFETIME);
        Key key = provider.get();
        issuer.fail();

        passMillis(28_499);
        assertThat(provider.get()).isSameAs(key);

        passMillis(1);
        CredentialUnavailableException none = catchThrowableOfType(CredentialUnavailableException.class, provider::get);
        assertThat(none)
                .hasMessage("SR-CREDENTIAL-001 no credential for sts:reports: its issuer failed with IOException")
                .hasRootCauseMessage("403 from the issuer");
        assertThat(time.read() - key.endsAtTick).isNegative();
        assertThat(events).last().isEqualTo(new Failed("sts:reports", Reason.ISSUER_FAILED, "java.io.IOException"));
    }

    @Test
    void get_issuerFailsForTheWholeWindow_isAskedOncePerBackOff() {
        issuer.issueFor(LIFETIME);
        provider.get();
        issuer.fail();
        passMillis(22_500);

        // 0.9 s, 1.8 s, then the cap of a tenth of the lifetime, 2.7 s.
        for (int i = 0; i < 6_000; i++) {
            assertThat(provider.get().id()).isEqualTo("key-1");
            passMillis(1);
        }
        assertThat(millisBetweenCalls()).containsExactly(22_500L, 900L, 1_800L, 2_700L);

        for (int i = 0; i < 60_000; i++) {
            assertThatThrownBy(provider::get).isInstanceOf(CredentialUnavailableException.class);
            passMillis(1);
        }
        assertThat(millisBetweenCalls().subList(4, 20)).containsOnly(2_700L);

        issuer.issueFor(LIFETIME);
        passMillis(2_700);
        assertThat(provider.get()).isNotNull();
    }

    private List<Long> millisBetweenCalls() {
        List<Long> calls = issuer.calls();
        List<Long> gaps = new ArrayList<>();
        for (int i = 1; i < calls.size(); i++) {
            gaps.add((calls.get(i) - calls.get(i - 1)) / 1_000_000);
        }
        return gaps;
    }

    @Test
    void get_coldAndFailing_backsOffTwiceAsLongEachTimeUpToThirtySeconds() {
        issuer.fail();

        for (int i = 0; i < 200_000; i++) {
            assertThatThrownBy(provider::get).isInstanceOf(CredentialUnavailableException.class);
            passMillis(1);
        }

        assertThat(millisBetweenCalls())
                .startsWith(900L, 1_800L, 3_600L, 7_200L, 14_400L, 27_000L, 27_000L)
                .hasSizeLessThan(14);
    }

    @ParameterizedTest
    @ValueSource(longs = {-3_600_000, -1, 0, 999})
    void get_issuedCredentialThatEndsTooSoon_countsAsAFailure(long millis) {
        issuer.issueFor(Duration.ofMillis(millis));

        assertThatThrownBy(provider::get)
                .isInstanceOf(CredentialUnavailableException.class)
                .hasMessageContaining("too soon");
        assertThatThrownBy(provider::get).isInstanceOf(CredentialUnavailableException.class);

        assertThat(issuer.calls()).hasSize(1);
        assertThat(events).hasSize(1).first().isInstanceOfSatisfying(Failed.class, failed -> assertThat(failed.reason())
                .isEqualTo(Reason.ENDS_TOO_SOON));
    }

    @Test
    void get_credentialWithoutAnEnd_isKept() {
        issuer.behave(() -> new Key("for ever", Instant.MAX, 0, 0));
        provider.get();
        time.pass(Duration.ofDays(200));

        assertThat(provider.get().id()).isEqualTo("for ever");
        assertThat(issuer.calls()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1_200, 1_200})
    void get_wallClockSetAfterIssuance_changesNothing(long seconds) {
        issuer.issueFor(LIFETIME);
        Key key = provider.get();
        issuer.fail();
        time.setWallClock(Duration.ofSeconds(seconds));

        passMillis(28_499);
        assertThat(provider.get()).isSameAs(key);
        passMillis(1);
        assertThatThrownBy(provider::get).isInstanceOf(CredentialUnavailableException.class);
    }

    @Test
    void get_slowIssuer_countsTheLifetimeFromItsAnswer() {
        issuer.behave(() -> {
            Key key = issuer.key(LIFETIME);
            passMillis(20_000);
            return key;
        });
        Key key = provider.get();
        issuer.fail();

        passMillis(9_499);
        assertThat(provider.get()).isSameAs(key);
        passMillis(1);
        assertThatThrownBy(provider::get).isInstanceOf(CredentialUnavailableException.class);
    }

    @Test
    void get_listenerThatCannotRecord_dropsTheCredential() {
        issuer.issueFor(LIFETIME);
        List<CredentialEvent> seen = new ArrayList<>();
        RefreshingCredentialProvider<Key> unrecorded = provider(event -> {
            seen.add(event);
            throw new IllegalStateException("disk full");
        });

        CredentialUnavailableException none =
                catchThrowableOfType(CredentialUnavailableException.class, unrecorded::get);

        assertThat(none).hasMessageContaining("could not be recorded").hasRootCauseMessage("disk full");
        assertThat(seen).hasSize(2);
        assertThat(seen.get(1))
                .isEqualTo(new Failed("sts:reports", Reason.NOT_RECORDED, "java.lang.IllegalStateException"));
        assertThat(unrecorded.toString()).contains("nothing issued");
    }

    @Test
    void get_issuerThatThrowsAnError_failsTheCallerAndNotLaterOnes() {
        issuer.behave(() -> {
            throw new StackOverflowError();
        });
        assertThatThrownBy(provider::get)
                .isInstanceOf(CredentialUnavailableException.class)
                .hasMessageContaining("StackOverflowError");
        assertThat(executor.uncaught()).hasSize(1).first().isInstanceOf(StackOverflowError.class);

        issuer.issueFor(LIFETIME);
        passMillis(1_000);
        assertThat(provider.get().id()).isEqualTo("key-2");
    }

    @Test
    void get_issuerThatReturnsNothing_fails() {
        issuer.behave(() -> null);

        assertThatThrownBy(provider::get).isInstanceOf(CredentialUnavailableException.class);
    }

    @Test
    void get_issuerThatAsksForItsOwnCredential_failsInsteadOfWaitingForItself() {
        AtomicReference<RefreshingCredentialProvider<Key>> self = new AtomicReference<>(provider);
        issuer.behave(() -> self.get().get());

        assertThatThrownBy(provider::get)
                .isInstanceOf(CredentialUnavailableException.class)
                .rootCause()
                .hasMessageContaining("the very credential");
    }

    @Test
    void get_executorThatTakesNoWork_failsAndRecovers() {
        AtomicReference<RuntimeException> refusal = new AtomicReference<>(new RejectedExecutionException("shut down"));
        issuer.issueFor(LIFETIME);
        RefreshingCredentialProvider<Key> refused = new RefreshingCredentialProvider<>(
                "sts:reports",
                issuer,
                events::add,
                task -> {
                    if (refusal.get() != null) {
                        throw refusal.get();
                    }
                    task.run();
                },
                time.clock(),
                time);

        assertThatThrownBy(refused::get)
                .isInstanceOf(CredentialUnavailableException.class)
                .hasMessageContaining("takes no work");
        refusal.set(null);
        passMillis(1_000);

        assertThat(refused.get()).isNotNull();
    }

    @Test
    void close_then_getThrowsAndNothingIsKept() {
        issuer.issueFor(LIFETIME);
        provider.get();

        provider.close();
        provider.close();

        assertThatThrownBy(provider::get)
                .isInstanceOf(CredentialUnavailableException.class)
                .hasMessageContaining("closed");
        assertThat(provider.toString()).contains("nothing issued");
        assertThat(issuer.calls()).hasSize(1);
    }

    @Test
    void close_duringARefresh_dropsWhatItBrings() {
        issuer.issueFor(LIFETIME);
        provider.get();
        executor.keep();
        passMillis(23_000);
        provider.get();

        provider.close();
        executor.runAtOnce();

        assertThat(issuer.calls()).hasSize(2);
        assertThat(provider.toString()).contains("nothing issued");
        assertThatThrownBy(provider::get).hasMessageContaining("closed");
    }

    @Test
    void provider_printedSerializedOrFailing_showsNoSecret() throws Exception {
        issuer.issueFor(LIFETIME);
        assertThat(provider.get().secret).isEqualTo(FakeIssuer.SECRET);
        assertThat(provider.toString()).contains("key-1").doesNotContain(FakeIssuer.SECRET);
        for (Class<?> type : List.of(RefreshingCredentialProvider.class, HeldCredential.class)) {
            assertThat(type.isRecord()).isFalse();
        }
        try (ObjectOutputStream out = new ObjectOutputStream(new ByteArrayOutputStream())) {
            assertThatThrownBy(() -> out.writeObject(provider)).isInstanceOf(NotSerializableException.class);
        }

        issuer.fail();
        passMillis(30_000);
        StringWriter trace = new StringWriter();
        catchThrowableOfType(CredentialUnavailableException.class, provider::get)
                .printStackTrace(new PrintWriter(trace, true));

        assertThat(trace.toString()).contains("sts:reports").doesNotContain(FakeIssuer.SECRET);
        assertThat(events.toString()).contains("key-1").doesNotContain(FakeIssuer.SECRET);
    }
}
