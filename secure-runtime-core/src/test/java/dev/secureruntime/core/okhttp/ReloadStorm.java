package dev.secureruntime.core.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.mockwebserver.Dispatcher;
import okhttp3.mockwebserver.MockResponse;
import okhttp3.mockwebserver.RecordedRequest;

/**
 * Many reloads under load from many threads, whichever client makes the calls. Odd versions of the policy are the left one,
 * even versions the right one. Asserts that no decision is one that neither the old nor the new policy would give, and that no
 * connection is left that the last one refuses.
 */
public final class ReloadStorm {

    private static final int THREADS = 64;
    /** Bounded, since each reload makes every call open a connection anew. */
    private static final int CALLS_PER_RELOAD = 4;

    /** A client under test. */
    @FunctionalInterface
    public interface Caller {

        /**
         * Makes a call, and reads its answer to the end.
         *
         * @return the answer's status; 403 is a refusal
         * @throws EgressDeniedException a refusal too, which says by which version
         */
        int call(String host) throws IOException, InterruptedException;
    }

    private final ReloadWorld world;
    private final int reloads;
    private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
    private final AtomicInteger allowed = new AtomicInteger();
    private final AtomicInteger denied = new AtomicInteger();
    private final Semaphore calls = new Semaphore(THREADS);
    private volatile boolean over;

    /** A storm of an even number of reloads: the left policy is the last one. */
    public ReloadStorm(ReloadWorld world, int reloads) {
        this.world = world;
        this.reloads = reloads;
        List.of(world.left, world.right, world.both).forEach(ReloadStorm::answerAlways);
    }

    /** Lets it loose. Closes the runtime. */
    public void rageOver(Caller caller) throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(THREADS);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                running.add(callers.submit(() -> callUntilOver(caller)));
            }
            for (int i = 0; i < reloads; i++) {
                calls.release(CALLS_PER_RELOAD);
                assertThat(world.runtime
                                .reload(i % 2 == 0 ? world.rightPolicy() : world.leftPolicy())
                                .changed())
                        .isTrue();
            }
            assertThat(world.runtime.policyVersion().number()).isEqualTo(reloads + 1L);
            assertThat(world.right.awaitOpen(0)).isTrue(); // callers are still at it, and the left policy in force
            over = true;
            calls.release(THREADS);
            for (Future<?> one : running) {
                one.get(20, TimeUnit.SECONDS);
            }
        } finally {
            over = true;
            callers.shutdownNow();
        }
        assertThat(world.right.awaitOpen(0)).isTrue();
        world.runtime.close();
        assertThat(world.left.awaitOpen(0)).isTrue();
        assertThat(world.both.awaitOpen(0)).isTrue();
        assertDecisionsOfOnePolicy();
    }

    private void callUntilOver(Caller caller) {
        String[] hosts = {ReloadWorld.LEFT, ReloadWorld.RIGHT, ReloadWorld.BOTH};
        while (!over) {
            String host = hosts[ThreadLocalRandom.current().nextInt(hosts.length)];
            calls.acquireUninterruptibly();
            long before = world.runtime.policyVersion().number();
            try {
                boolean refused = caller.call(host) == 403;
                (refused ? denied : allowed).incrementAndGet();
                check(before, world.runtime.policyVersion().number(), host, refused);
            } catch (EgressDeniedException e) {
                denied.incrementAndGet();
                long version = Long.parseLong(e.decision().policyVersion().split("-")[0]);
                check(version, version, host, true);
            } catch (IOException | InterruptedException | RuntimeException e) {
                wrong.add(host + " failed: " + e);
            }
        }
    }

    private void check(long before, long after, String host, boolean refused) {
        boolean fits = false;
        for (long version = before; version <= Math.min(after, before + 1); version++) {
            fits |= allows(version, host) != refused;
        }
        if (!fits) {
            wrong.add(host + (refused ? " refused" : " allowed") + " under " + before + " to " + after);
        }
    }

    private static boolean allows(long version, String host) {
        boolean isLeft = version % 2 == 1;
        return host.equals(ReloadWorld.BOTH) || host.equals(isLeft ? ReloadWorld.LEFT : ReloadWorld.RIGHT);
    }

    private void assertDecisionsOfOnePolicy() throws IOException {
        assertThat(wrong).isEmpty();
        assertThat(allowed).hasPositiveValue();
        assertThat(denied).hasPositiveValue();
        assertThat(world.records("policy.reloaded")).hasSize(reloads);
        List<JsonNode> calls = world.records("egress.call");
        assertThat(calls).hasSize(allowed.get() + denied.get());
        calls.forEach(ReloadStorm::assertOfOnePolicy);
    }

    /** What the record says was decided and attached is what that one version says. */
    private static void assertOfOnePolicy(JsonNode record) {
        JsonNode said = record.path("attributes");
        String host = said.path("server.address").asText();
        long version = Long.parseLong(
                said.path("secure_runtime.policy.version").asText().split("-")[0]);
        boolean wasAllowed = said.path("secure_runtime.verdict").asText().equals("allow");
        assertThat(wasAllowed).as(said.toString()).isEqualTo(allows(version, host));
        if (wasAllowed && host.equals(ReloadWorld.BOTH)) {
            assertThat(said.path("secure_runtime.attached_secrets").path(0).asText())
                    .isEqualTo(version % 2 == 1 ? "left-key" : "right-key");
        }
    }

    private static void answerAlways(LoopbackServer server) {
        server.server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return LoopbackServer.json("{\"key\":\"" + request.getHeader("x-api-key") + "\"}");
            }
        });
    }
}
