package dev.secureruntime.core.credential;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;

/** Runs what it is given at once, or keeps it until told, so that one thread can play caller and background in turn. */
final class StepExecutor implements Executor {

    private final Queue<Runnable> kept = new ArrayDeque<>();
    private final List<Error> uncaught = new ArrayList<>();
    private boolean keeping;

    @Override
    public void execute(Runnable task) {
        if (keeping) {
            kept.add(task);
        } else {
            run(task);
        }
    }

    void keep() {
        keeping = true;
    }

    void runAtOnce() {
        keeping = false;
        for (Runnable task = kept.poll(); task != null; task = kept.poll()) {
            run(task);
        }
    }

    /** An error ends a real background thread and not the caller. */
    private void run(Runnable task) {
        try {
            task.run();
        } catch (Error e) {
            uncaught.add(e);
        }
    }

    List<Error> uncaught() {
        return uncaught;
    }

    int kept() {
        return kept.size();
    }
}
