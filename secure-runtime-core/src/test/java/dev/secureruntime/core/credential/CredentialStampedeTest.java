package dev.secureruntime.core.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.credential.FakeIssuer.Key;
import dev.secureruntime.credential.CredentialProvider;
import dev.secureruntime.credential.CredentialUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A thousand real threads, platform and (where the JDK has them) virtual, against a slow or failing issuer. */
@Timeout(60)
class CredentialStampedeTest {

    private static final int CROWD = 1_000;
    private static final Duration LIFETIME = Duration.ofMinutes(15);

    private final VirtualTime time = new VirtualTime();
    private final FakeIssuer issuer = new FakeIssuer(time);
    private final ExecutorService background = Executors.newCachedThreadPool();
    private final RefreshingCredentialProvider<Key> provider =
            new RefreshingCredentialProvider<>("sts:reports", issuer, event -> {}, background, time.clock(), time);
    private final CountDownLatch release = new CountDownLatch(1);

    @AfterEach
    void stop() {
        release.countDown();
        provider.close();
        background.shutdownNow();
    }

    static Stream<Arguments> threads() throws ReflectiveOperationException {
        Stream<Arguments> platform = Stream.of(Arguments.of("platform", (ThreadFactory) Thread::new));
        if (Runtime.version().feature() < 21) {
            return platform;
        }
        Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
        ThreadFactory virtual = (ThreadFactory)
                Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
        return Stream.concat(platform, Stream.of(Arguments.of("virtual", virtual)));
    }

    /** Callers that all ask at once, and what came of it. */
    private static final class Crowd {
        final Queue<Key> keys = new ConcurrentLinkedQueue<>();
        final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        private final List<Thread> threads = new ArrayList<>();
        private final AtomicInteger arrived = new AtomicInteger();

        Crowd(ThreadFactory factory, CredentialProvider<Key> provider) {
            CountDownLatch start = new CountDownLatch(1);
            for (int i = 0; i < CROWD; i++) {
                Thread thread = factory.newThread(() -> {
                    try {
                        start.await();
                        arrived.incrementAndGet();
                        keys.add(provider.get());
                    } catch (InterruptedException | RuntimeException e) {
                        failures.add(e);
                    }
                });
                threads.add(thread);
                thread.start();
            }
            start.countDown();
        }

        /** Until each of them is parked after it has arrived, which can only be in the provider. */
        void awaitAllWaiting() {
            while (arrived.get() < CROWD
                    || !threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING)) {
                Thread.onSpinWait();
            }
        }

        void join() throws InterruptedException {
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    private void issueSlowly() {
        issuer.behave(() -> {
            release.await();
            return issuer.key(LIFETIME);
        });
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("threads")
    void get_coldCrowdAndSlowIssuer_isOneCall(String kind, ThreadFactory factory) throws Exception {
        issueSlowly();

        Crowd crowd = new Crowd(factory, provider);
        crowd.awaitAllWaiting();
        release.countDown();
        crowd.join();

        assertThat(crowd.failures).isEmpty();
        assertThat(crowd.keys).hasSize(CROWD).containsOnly(crowd.keys.peek());
        assertThat(issuer.calls()).hasSize(1);
    }

    @Test
    void cacheWithoutSingleFlight_coldCrowdAndSlowIssuer_isACallEach() throws Exception {
        issueSlowly();
        AtomicReference<Key> cache = new AtomicReference<>();
        Crowd crowd = new Crowd(Thread::new, () -> {
            if (cache.get() == null) {
                try {
                    cache.set(issuer.issue());
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
            return cache.get();
        });
        crowd.awaitAllWaiting();
        release.countDown();
        crowd.join();

        assertThat(issuer.calls()).hasSizeGreaterThan(CROWD / 2);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("threads")
    void get_crowdInTheRefreshWindowAndSlowIssuer_nobodyWaits(String kind, ThreadFactory factory) throws Exception {
        issuer.issueFor(LIFETIME);
        Key old = provider.get();
        issueSlowly();
        time.pass(Duration.ofMinutes(13));

        Crowd crowd = new Crowd(factory, provider);
        crowd.join();

        assertThat(crowd.failures).isEmpty();
        assertThat(crowd.keys).hasSize(CROWD).containsOnly(old);
        assertThat(issuer.calls()).hasSizeLessThanOrEqualTo(2);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("threads")
    void get_crowdAndFailingIssuer_isOneCallPerBackOffAndNoFailureWhileValid(String kind, ThreadFactory factory)
            throws Exception {
        issuer.issueFor(LIFETIME);
        provider.get();
        issuer.fail();
        time.pass(Duration.ofMinutes(12));

        Crowd valid = new Crowd(factory, provider);
        valid.join();
        assertThat(valid.failures).isEmpty();
        assertThat(valid.keys).hasSize(CROWD);

        time.pass(Duration.ofMinutes(3));
        int before = settledCalls();
        Crowd expired = new Crowd(factory, provider);
        expired.join();
        assertThat(expired.keys).isEmpty();
        assertThat(expired.failures).hasSize(CROWD).allSatisfy(failure -> assertThat(failure)
                .isInstanceOf(CredentialUnavailableException.class));
        assertThat(issuer.calls()).hasSizeLessThanOrEqualTo(before + 1).hasSizeLessThanOrEqualTo(3);
    }

    /** The calls so far, once the background has told of the last one. */
    private int settledCalls() {
        while (issuer.calls().size() < 2) {
            Thread.onSpinWait();
        }
        return issuer.calls().size();
    }

    @Test
    void get_interruptedCaller_keepsItsFlagAndTheIssuanceGoesOn() throws Exception {
        issueSlowly();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicReference<Boolean> flag = new AtomicReference<>();
        Thread caller = new Thread(() -> {
            try {
                provider.get();
            } catch (CredentialUnavailableException e) {
                thrown.set(e);
                flag.set(Thread.currentThread().isInterrupted());
            }
        });
        caller.start();
        while (caller.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        caller.interrupt();
        caller.join();

        assertThat(thrown.get()).hasMessageContaining("interrupted");
        assertThat(flag.get()).isTrue();
        release.countDown();
        assertThat(provider.get()).isNotNull();
        assertThat(issuer.calls()).hasSize(1);
    }

    @Test
    void close_whileCallersWait_freesThemAtOnce() throws Exception {
        issueSlowly();
        Crowd crowd = new Crowd(Thread::new, provider);
        crowd.awaitAllWaiting();

        provider.close();
        crowd.join();

        assertThat(crowd.keys).isEmpty();
        assertThat(crowd.failures).hasSize(CROWD).allSatisfy(failure -> assertThat(failure)
                .hasMessageContaining("closed"));
        assertThat(issuer.calls()).hasSize(1);
        release.countDown();
        background.shutdown();
        assertThat(background.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        assertThatThrownBy(provider::get).hasMessageContaining("closed");
    }
}
