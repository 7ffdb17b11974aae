package dev.secureruntime.core.audit;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * Tells callers that their records have reached a stage, never on the writer's thread: what callers do then may wait for the
 * log, and must not make it wait for itself. One hand-over for all who share a force or a seal; threads are reused, and a
 * callback that blocks holds up its own group only. Thread-safe.
 */
final class Notifier implements AutoCloseable {

    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread created = new Thread(task, "secure-runtime-audit-notify");
        created.setDaemon(true);
        return created;
    });

    /** Does {@code outcome} to each of the groups, which may change afterwards. */
    void tell(Collection<Batch.Group> groups, Consumer<Batch.Group> outcome) {
        if (!groups.isEmpty()) {
            List<Batch.Group> now = new ArrayList<>(groups);
            threads.execute(() -> now.forEach(outcome));
        }
    }

    /** Lets what was handed over come to its end. */
    @Override
    public void close() {
        threads.shutdown();
    }
}
