package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Anchor;
import dev.secureruntime.audit.Receipt;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A log with one anchor, anchored, and what a thief with the directory and all keys does to it. */
final class AnchorWorld {

    private final Path home;
    private final Anchor anchor;

    AnchorWorld(Path home, Anchor anchor) {
        this.home = home;
        this.anchor = anchor;
    }

    HashChainedAuditLog open() {
        return LogFixture.open(
                LogFixture.settings(home).anchorEvery(Duration.ofHours(1)).anchor("anchor", anchor));
    }

    /** Appends records and waits until they are anchored; returns the keys to pin. */
    List<String> write(int records) throws Exception {
        try (HashChainedAuditLog log = open()) {
            LogFixture.append(log, records);
            anchored(log.append(LogFixture.event(records)));
            return log.verifierKeys();
        }
    }

    static void anchored(Receipt receipt) throws ExecutionException, InterruptedException, TimeoutException {
        receipt.reached(Receipt.Stage.ANCHORED).toCompletableFuture().get(30, TimeUnit.SECONDS);
    }

    /** Keeps log and signer as they are now. */
    void keepIn(Path elsewhere) {
        LogFixture.copy(home, elsewhere);
    }

    /** Puts log and signer of before in their places. */
    static void rollBack(Path home, Path elsewhere) throws java.io.IOException {
        try (var files = java.nio.file.Files.walk(home)) {
            files.sorted(java.util.Comparator.reverseOrder())
                    .filter(file -> !file.equals(home))
                    .forEach(LogFixture::delete);
        }
        try (var files = java.nio.file.Files.walk(elsewhere)) {
            for (Path file : files.filter(file -> !file.equals(elsewhere)).toList()) {
                java.nio.file.Files.copy(
                        file,
                        home.resolve(elsewhere.relativize(file).toString()),
                        java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }
}
