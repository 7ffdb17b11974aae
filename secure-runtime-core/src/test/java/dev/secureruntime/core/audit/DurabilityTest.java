package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What happens when the device refuses, is slow, is full, and when the virtual machine just ends. */
@Timeout(120)
class DurabilityTest {

    @TempDir
    private Path home;

    private HashChainedAuditLog open(StorageDevice device) {
        return HashChainedAuditLog.open(LogFixture.settings(home), Clock.systemUTC(), System::nanoTime, device);
    }

    @Test
    void append_fsyncFailsOnce_poisonsForGood() throws Exception {
        AtomicBoolean failing = new AtomicBoolean();
        List<Boolean> calls = new ArrayList<>();
        HashChainedAuditLog log = open(channel -> {
            calls.add(failing.get());
            if (failing.getAndSet(false)) {
                throw new IOException("the device lost a write");
            }
            channel.force(false);
        });
        List<String> keys = log.verifierKeys();
        Receipt first = log.append(LogFixture.event(1));
        first.reached(Receipt.Stage.DURABLE).toCompletableFuture().get(30, TimeUnit.SECONDS);
        failing.set(true);
        Receipt second = log.append(LogFixture.event(2));

        assertThatThrownBy(() -> second.reached(Receipt.Stage.DURABLE)
                        .toCompletableFuture()
                        .get(30, TimeUnit.SECONDS))
                .rootCause()
                .hasMessage("the device lost a write");
        // The device works again; nothing is tried on it.
        int called = calls.size();
        assertThatThrownBy(() -> log.append(LogFixture.event(3)))
                .hasMessageContaining("SR-AUDIT-002")
                .hasMessageContaining("the device lost a write");
        assertThatThrownBy(log::requireWritable).hasMessageContaining("SR-AUDIT-002");
        assertThatThrownBy(log::checkpoint).hasMessageContaining("SR-AUDIT-002");
        assertThatThrownBy(log::close)
                .hasMessageContaining("SR-AUDIT-002")
                .hasMessageContaining("the device lost a write");
        assertThat(calls).hasSize(called);
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);

        LogFixture.open(LogFixture.settings(home)).close();
        assertThat(LogFixture.records(home).get(1)).contains("\"number\":1");
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void append_deviceStalls_callersWaitAndNothingIsDropped() throws Exception {
        CountDownLatch stalled = new CountDownLatch(1);
        AtomicBoolean stall = new AtomicBoolean();
        HashChainedAuditLog log = open(channel -> {
            if (stall.get()) {
                try {
                    stalled.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
            channel.force(false);
        });
        AuditEvent large =
                AuditEvent.of("large").attribute("text", "x".repeat(60_000)).build();
        AtomicLong appended = new AtomicLong();
        try (log) {
            stall.set(true);
            log.append(large).reached(Receipt.Stage.DURABLE);
            Thread caller = new Thread(() -> {
                for (int i = 0; i < 300; i++) {
                    log.append(large);
                    appended.incrementAndGet();
                }
            });
            caller.start();
            // It also waits, for a moment, when the writer has the queue's lock.
            while (appended.get() < 16 || caller.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            // The bound: 16 batches of 256 KiB, and what the writer has in hand.
            assertThat(appended.get()).isLessThanOrEqualTo(80L);
            stalled.countDown();
            caller.join();
        }
        assertThat(appended.get()).isEqualTo(300);
        assertThat(LogFixture.records(home)).hasSize(302);
        assertThat(LogFixture.verify(home, log.verifierKeys())).isInstanceOf(VerificationResult.Intact.class);
    }

    @Test
    void append_manyWaitForDurability_shareForces() throws Exception {
        AtomicLong forces = new AtomicLong();
        CountDownLatch forcing = new CountDownLatch(1);
        CountDownLatch forced = new CountDownLatch(1);
        AtomicBoolean stall = new AtomicBoolean();
        try (HashChainedAuditLog log = open(channel -> {
            if (stall.getAndSet(false)) {
                forcing.countDown();
                awaitForced(forced);
            }
            forces.incrementAndGet();
            channel.force(false);
        })) {
            long before = forces.get();
            stall.set(true);
            List<CompletableFuture<Receipt>> durable = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                Receipt receipt = log.append(LogFixture.event(i));
                durable.add(receipt.reached(Receipt.Stage.DURABLE).toCompletableFuture());
                if (i == 0) {
                    assertThat(forcing.await(30, TimeUnit.SECONDS)).isTrue();
                }
            }
            assertThat(durable).noneMatch(CompletableFuture::isDone);
            forced.countDown();
            for (CompletableFuture<Receipt> one : durable) {
                one.get(30, TimeUnit.SECONDS);
            }
            assertThat(forces.get() - before).as("group commit").isEqualTo(2);
        }
        assertThat(LogFixture.records(home)).hasSize(201);
    }

    private static void awaitForced(CountDownLatch forced) throws IOException {
        try {
            forced.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    /** Runs in a virtual machine of its own: appends and returns, without closing. */
    public static final class Forgetful {
        public static void main(String[] arguments) {
            HashChainedAuditLog log = LogFixture.open(LogFixture.settings(Path.of(arguments[0])));
            LogFixture.append(log, 1_000);
            System.out.println(String.join("\n", log.verifierKeys()));
            if (arguments.length > 1) {
                System.exit(0);
            }
        }
    }

    @Test
    void append_virtualMachineEndsWithoutClose_everythingIsSealed() throws Exception {
        for (String[] arguments : new String[][] {
            {home.resolve("a").toString()}, {home.resolve("b").toString(), "exit"}
        }) {
            Process process = java(List.of(), Forgetful.class, arguments);
            List<String> keys = lines(process);
            assertThat(process.exitValue()).isZero();
            VerificationResult result = AuditLogVerifier.withKeys(keys).verify(Path.of(arguments[0], "log"));
            assertThat(result).isInstanceOf(VerificationResult.Intact.class);
            assertThat(result.signed()).isEqualTo(1_001);
        }
    }

    /**
     * Runs in a virtual machine of its own, which ends while a thread that nobody waits for closes the log: the device takes the
     * last record once the log's own exit hook waits for it, and never where that hook has given up.
     */
    public static final class HalfClosed {
        public static void main(String[] arguments) {
            AtomicBoolean stall = new AtomicBoolean();
            CountDownLatch forced = new CountDownLatch(1);
            HashChainedAuditLog log = HashChainedAuditLog.open(
                    LogFixture.settings(Path.of(arguments[0])), Clock.systemUTC(), System::nanoTime, channel -> {
                        if (stall.get()) {
                            awaitForced(forced);
                        }
                        channel.force(false);
                    });
            System.out.println(String.join("\n", log.verifierKeys()));
            stall.set(true);
            log.append(LogFixture.event(1));
            Thread closing = new Thread(log::close);
            closing.setDaemon(true);
            closing.start();
            while (isWritable(log)) {
                Thread.onSpinWait();
            }
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
                while (System.nanoTime() - end < 0 && forced.getCount() > 0) {
                    Thread.getAllStackTraces().keySet().stream()
                            .filter(thread -> thread.getName().equals("secure-runtime-audit-exit"))
                            .filter(thread -> thread.getState() == Thread.State.WAITING)
                            .forEach(waits -> forced.countDown());
                }
            }));
        }

        private static boolean isWritable(HashChainedAuditLog log) {
            try {
                log.requireWritable();
                return true;
            } catch (SecureRuntimeException e) {
                return false;
            }
        }
    }

    @Test
    void close_virtualMachineEndsMeanwhile_everythingIsSealed() throws Exception {
        List<String> keys = lines(java(List.of(), HalfClosed.class, home.toString()));
        VerificationResult result = LogFixture.verify(home, keys);
        assertThat(result).isInstanceOf(VerificationResult.Intact.class);
        assertThat(result.signed()).isEqualTo(2);
    }

    /** Runs in a virtual machine of its own, on a small file system: appends until the log refuses. */
    public static final class Filler {
        public static void main(String[] arguments) throws Exception {
            HashChainedAuditLog log = LogFixture.open(LogFixture.settings(Path.of(arguments[0])));
            System.out.println(String.join("\n", log.verifierKeys()));
            long durable = 0;
            try {
                while (true) {
                    Receipt receipt = log.append(AuditEvent.of("fill")
                            .attribute("text", "x".repeat(5_000))
                            .build());
                    receipt.reached(Receipt.Stage.DURABLE).toCompletableFuture().get();
                    durable = receipt.index();
                }
            } catch (SecureRuntimeException | java.util.concurrent.ExecutionException e) {
                Throwable cause = e instanceof SecureRuntimeException ? e : e.getCause();
                System.out.println(((SecureRuntimeException) cause).code() + " durable " + durable);
            }
            try {
                log.requireWritable();
            } catch (SecureRuntimeException e) {
                System.out.println(e.code() == ErrorCode.AUDIT_UNWRITABLE ? "refused" : "wrong code");
            }
        }
    }

    /** Verifies, starts again once there is room, and verifies again. */
    public static final class Continuer {
        public static void main(String[] arguments) {
            Path home = Path.of(arguments[0]);
            List<String> keys = List.of(arguments[1], arguments[2]);
            System.out.println(LogFixture.verify(home, keys).getClass().getSimpleName() + " "
                    + LogFixture.verify(home, keys).size());
            LogFixture.open(LogFixture.settings(home)).close();
            System.out.println(LogFixture.verify(home, keys).getClass().getSimpleName() + " "
                    + LogFixture.verify(home, keys).size());
        }
    }

    @Test
    void append_diskFull_refusedNothingLostAndContinuedWithRoom() throws Exception {
        Path mount = Files.createDirectory(home.resolve("small"));
        String script = "mount -t tmpfs -o size=2m tmpfs " + mount + " || exit 99; "
                + "out=$(\"$@\" '" + Filler.class.getName() + "' " + mount + ") || exit 1; echo \"$out\"; "
                + "set -- \"$@\" '" + Continuer.class.getName() + "' " + mount + " $(echo \"$out\" | head -2); "
                + "mount -o remount,size=8m " + mount + "; \"$@\"";
        List<String> command =
                new ArrayList<>(List.of("unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh"));
        command.addAll(javaCommand(List.of()));
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            Assumptions.abort("skipped: there is no unshare to mount a small file system with");
            return;
        }
        List<String> out = lines(process);
        // unshare itself ends with 1 and the script with 99 where mounting isn't allowed; both before any output.
        Assumptions.assumeTrue(
                process.exitValue() != 99 && !(process.exitValue() == 1 && out.isEmpty()),
                "skipped: no small file system can be mounted here");
        assertThat(out).hasSize(6);
        assertThat(out.get(2)).startsWith("SR-AUDIT-002 durable ");
        assertThat(out.get(3)).isEqualTo("refused");
        long durable = Long.parseLong(out.get(2).substring(out.get(2).lastIndexOf(' ') + 1));
        assertThat(durable).isGreaterThan(100);
        assertThat(out.get(4)).isNotEqualTo("Tampered").matches("(Intact|Inconclusive) [0-9]+");
        assertThat(Long.parseLong(out.get(4).split(" ")[1])).isGreaterThan(durable);
        assertThat(out.get(5)).startsWith("Intact ");
    }

    private static List<String> javaCommand(List<String> options) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        return command;
    }

    private static Process java(List<String> options, Class<?> main, String... arguments) throws IOException {
        List<String> command = javaCommand(options);
        command.add(main.getName());
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static List<String> lines(Process process) throws Exception {
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return lines;
    }
}
