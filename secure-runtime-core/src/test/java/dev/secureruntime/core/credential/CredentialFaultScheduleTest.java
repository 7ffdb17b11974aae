package dev.secureruntime.core.credential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.credential.FakeIssuer.Key;
import dev.secureruntime.credential.CredentialUnavailableException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.jspecify.annotations.Nullable;

/** Hours of an issuer that is slow, down, or confused, with a wall clock that jumps and a background that lags. */
class CredentialFaultScheduleTest {

    enum Fault {
        NONE,
        FAILS,
        ALREADY_EXPIRED,
        NOTHING,
        THROWS_ERROR,
        CLOCK_FORWARD,
        CLOCK_BACK
    }

    record Step(Fault fault, Duration lifetime, Duration latency, Duration passes, boolean backgroundLags) {}

    @Provide
    Arbitrary<List<Step>> schedules() {
        Arbitrary<Step> step = Combinators.combine(
                        Arbitraries.of(Fault.class),
                        Arbitraries.longs().between(1_000, 3_600_000).map(Duration::ofMillis),
                        Arbitraries.longs().between(0, 40_000).map(Duration::ofMillis),
                        Arbitraries.longs().between(0, 600_000).map(Duration::ofMillis),
                        Arbitraries.of(true, false))
                .as(Step::new);
        return step.list().ofMinSize(1).ofMaxSize(60);
    }

    @Property(tries = 400)
    void get_anyFaultSchedule_neverGivesAnExpiredCredential(@ForAll("schedules") List<Step> steps, @ForAll long seed) {
        VirtualTime time = new VirtualTime();
        FakeIssuer issuer = new FakeIssuer(time);
        StepExecutor executor = new StepExecutor();
        // What the provider holds: a renewal in the background may have put another in the place of the last one given.
        AtomicReference<@Nullable Key> held = new AtomicReference<>();
        RefreshingCredentialProvider<Key> provider = new RefreshingCredentialProvider<>(
                "sts:reports",
                issuer,
                event -> {
                    if (event instanceof CredentialEvent.Issued) {
                        held.set(issuer.newest());
                    }
                },
                executor,
                time.clock(),
                time,
                new RefreshSchedule(new Random(seed)::nextDouble));
        for (Step step : steps) {
            apply(step, time, issuer);
            // Eight looks within a step, so that refresh windows and back-offs are met in their middle.
            for (int look = 0; look < 8; look++) {
                time.pass(step.passes().dividedBy(8));
                // A background that lags is played by keeping its work; only a caller who needn't wait may meet that.
                if (step.backgroundLags() && surelyValid(held.get(), time)) {
                    executor.keep();
                } else {
                    executor.runAtOnce();
                }
                try {
                    Key given = provider.get();
                    assertThat(remaining(given, time))
                            .as("time left to %s", given)
                            .isPositive();
                } catch (CredentialUnavailableException e) {
                    assertThat(surelyValid(held.get(), time))
                            .as("refused though %s is valid", held)
                            .isFalse();
                }
            }
        }
        List<Long> calls = issuer.calls();
        for (int i = 1; i < calls.size(); i++) {
            assertThat(calls.get(i) - calls.get(i - 1))
                    .as("nanoseconds between two calls")
                    .isGreaterThanOrEqualTo(Duration.ofMillis(80).toNanos());
        }
    }

    private static long remaining(Key key, VirtualTime time) {
        return key.endsAtTick - time.read();
    }

    private static boolean surelyValid(@Nullable Key key, VirtualTime time) {
        return key != null && remaining(key, time) > key.lifetimeNanos / 10;
    }

    private static void apply(Step step, VirtualTime time, FakeIssuer issuer) {
        switch (step.fault()) {
            case NONE ->
                issuer.behave(() -> {
                    time.pass(step.latency());
                    return issuer.key(step.lifetime());
                });
            case FAILS ->
                issuer.behave(() -> {
                    time.pass(step.latency());
                    throw new java.io.IOException("503");
                });
            case ALREADY_EXPIRED ->
                issuer.behave(() -> {
                    Key key = issuer.key(step.latency().dividedBy(2));
                    time.pass(step.latency());
                    return key;
                });
            case NOTHING -> issuer.behave(() -> null);
            case THROWS_ERROR ->
                issuer.behave(() -> {
                    throw new StackOverflowError();
                });
            case CLOCK_FORWARD -> time.setWallClock(step.passes());
            case CLOCK_BACK -> time.setWallClock(step.passes().negated());
        }
    }
}
