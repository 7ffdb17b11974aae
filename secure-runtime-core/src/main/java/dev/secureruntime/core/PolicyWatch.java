package dev.secureruntime.core;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the policy's file every so often, on a thread of its own: reading a large policy would hold up the timer. */
final class PolicyWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread named = new Thread(task, "secure-runtime-policy");
        named.setDaemon(true);
        return named;
    });

    private PolicyWatch() {}

    static PolicyWatch start(Duration interval, Runnable look) {
        PolicyWatch watch = new PolicyWatch();
        watch.thread.scheduleWithFixedDelay(
                () -> lookAgain(look), interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
        return watch;
    }

    private static void lookAgain(Runnable look) {
        try {
            look.run();
        } catch (RuntimeException | Error e) {
            // One that escaped would end the looking. The policy in force stays; what can't be recorded is refused.
            LOG.error("the policy's file could not be looked at; the policy in force stays", e);
        }
    }

    @Override
    public void close() {
        thread.shutdown(); // no interrupt: it would break off a file that is being read
    }
}
