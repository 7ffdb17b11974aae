package dev.secureruntime.benchmarks;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.core.audit.AuditLogVerifier;
import dev.secureruntime.core.audit.HashChainedAuditLog;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The audit log's figures as a table, each beside its limit. Arguments: a directory on the disk to measure, and the number of
 * records. With {@code verify DIR KEY KEY} it verifies one log and says how long that took.
 */
public final class AuditLogBenchmark {

    private static final int CALLERS = 64;
    private static final int EACH = 200;
    private static final int ROUNDS = 10;
    private static final int BURST = 2_000;

    private final Path home;
    private final int records;
    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private AuditLogBenchmark(Path home, int records) {
        this.home = home;
        this.records = records;
    }

    /** Runs the measurements. */
    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("verify")) {
            verifyOnly(Path.of(arguments[1]), List.of(arguments[2], arguments[3]));
            return;
        }
        Path home = Files.createDirectories(Path.of(arguments[0])).toRealPath();
        delete(home);
        new AuditLogBenchmark(Files.createDirectories(home), Integer.parseInt(arguments[1])).run();
        delete(home);
    }

    private static void verifyOnly(Path log, List<String> keys) {
        long start = System.nanoTime();
        VerificationResult result = AuditLogVerifier.withKeys(keys).verify(log);
        System.out.println(result.getClass().getSimpleName() + " " + result.size() + " records in "
                + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start) + " ms");
    }

    private static void delete(Path home) throws IOException {
        try (Stream<Path> files = Files.walk(home)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private void row(String what, double figure, String unit, double limit, String limitName) {
        out.printf(
                Locale.ROOT,
                "| %s | %,.0f %s | %,.0f (%s) | %.2f |%n",
                what,
                figure,
                unit,
                limit,
                limitName,
                figure / limit);
    }

    private void run() throws Exception {
        int cores = Runtime.getRuntime().availableProcessors();
        out.printf("%d cores, Java %s, %d records%n%n", cores, System.getProperty("java.version"), records);
        out.println("| what | figure | limit | ratio |\n|---|---|---|---|");
        waitingCallers();
        List<String> keys = pipelined();
        callerCost();
        verifier("pipelined", keys, cores);
        verifier("large", largeRecords(), cores);
        smallHeap(keys);
    }

    private HashChainedAuditLog open(String name) {
        return HashChainedAuditLog.open(AuditSettings.in(home.resolve(name)), Clock.systemUTC());
    }

    private static AuditEvent event(int number) {
        return AuditEvent.of("tool.call")
                .component("chat")
                .attribute("gen_ai.tool.name", "search")
                .attribute("gen_ai.request.model", "gpt-4o-mini")
                .attribute("gen_ai.usage.input_tokens", number)
                .attribute("gen_ai.usage.output_tokens", number / 2)
                .attribute("server.address", "api.openai.com")
                .attribute("server.port", 443)
                .build();
    }

    /**
     * Records of about 1 KiB, so that one from each caller fits into the 64 KiB of the limit. Figure and limit take turns,
     * because what a disk gives changes from second to second; the first turn is not counted.
     */
    private void waitingCallers() throws Exception {
        waitingCallers("callers", "64 callers, each waits until its record of 1 KiB is durable", Thread::new);
        ThreadFactory virtual = virtualThreads();
        if (virtual != null) {
            waitingCallers("virtual-callers", "the same, callers on virtual threads", virtual);
        }
    }

    /** The virtual threads of Java 21 and later; null before. */
    private static ThreadFactory virtualThreads() throws ReflectiveOperationException {
        if (Runtime.version().feature() < 21) {
            return null;
        }
        Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
        return (ThreadFactory)
                Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
    }

    private void waitingCallers(String name, String what, ThreadFactory threads) throws Exception {
        int appends = 200;
        double limit = 0;
        double ours = 0;
        try (HashChainedAuditLog log = open(name)) {
            for (int round = 0; round <= ROUNDS; round++) {
                double forced = appends / MachineLimits.forcedAppends(home, appends);
                double waited = waitingRound(log, threads);
                limit += round == 0 ? 0 : forced;
                ours += round == 0 ? 0 : waited;
            }
        }
        double figure = ROUNDS * CALLERS * EACH / ours;
        double force = limit / (ROUNDS * appends);
        row(what, figure, "records/s", CALLERS / force, "64 KiB append and fsync, times 64");
        row(
                "the same",
                figure,
                "records/s",
                CALLERS / (force + MachineLimits.wakeUps(CALLERS, 3_000)),
                "the same, and 64 threads woken by one");
    }

    /** How many seconds the callers took. */
    private static double waitingRound(HashChainedAuditLog log, ThreadFactory threads) throws InterruptedException {
        AuditEvent event =
                AuditEvent.of("large").attribute("text", "x".repeat(820)).build();
        long start = System.nanoTime();
        List<Thread> callers = new ArrayList<>();
        for (int c = 0; c < CALLERS; c++) {
            Thread caller = threads.newThread(() -> {
                for (int i = 0; i < EACH; i++) {
                    log.append(event)
                            .reached(Receipt.Stage.DURABLE)
                            .toCompletableFuture()
                            .join();
                }
            });
            callers.add(caller);
            caller.start();
        }
        for (Thread caller : callers) {
            caller.join();
        }
        return (System.nanoTime() - start) / 1e9;
    }

    /** A log whose records have about 1 KiB, most of it a text that is another in each. */
    private List<String> largeRecords() {
        SplittableRandom random = new SplittableRandom(1);
        try (HashChainedAuditLog log = open("large")) {
            for (int i = 0; i < records / 3; i++) {
                StringBuilder text = new StringBuilder();
                while (text.length() < 650) {
                    text.append(Long.toString(random.nextLong() >>> 1, 36)).append(' ');
                }
                log.append(
                        event(i).toBuilder().attribute("text", text.toString()).build());
            }
            return log.verifierKeys();
        }
    }

    private List<String> pipelined() throws IOException {
        double best = 0;
        List<String> keys;
        long before;
        try (HashChainedAuditLog log = open("pipelined")) {
            keys = log.verifierKeys();
            for (int round = 0; round < 3; round++) {
                long start = System.nanoTime();
                Receipt last = log.append(event(0));
                for (int i = 1; i < records / 3; i++) {
                    last = log.append(event(i));
                }
                last.reached(Receipt.Stage.DURABLE).toCompletableFuture().join();
                best = Math.max(best, records / 3 * 1e9 / (System.nanoTime() - start));
            }
            before = log.size();
        }
        double recordBytes = size(home.resolve("pipelined")) / (double) before;
        double sequential = MachineLimits.sequentialBytes(home, 1L << 29) / recordBytes;
        row(
                "one caller appends, and waits for the last record only",
                best,
                "records/s",
                sequential,
                String.format(Locale.ROOT, "sequential writes of %.0f-byte records, one fsync", recordBytes));
        return keys;
    }

    private static long size(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
    }

    /** In bursts that fit both queues: what a caller pays, not how fast the disk is. */
    private void callerCost() throws Exception {
        double ours = Double.MAX_VALUE;
        double theirs = Double.MAX_VALUE;
        try (HashChainedAuditLog log = open("caller");
                LogbackCaller logback = new LogbackCaller(home.resolve("logback.log"), 2 * BURST)) {
            for (int round = 0; round < 100; round++) {
                long start = System.nanoTime();
                for (int i = 0; i < BURST; i++) {
                    log.append(event(i));
                }
                ours = Math.min(ours, (System.nanoTime() - start) / (double) BURST);
                log.checkpoint();
                start = System.nanoTime();
                for (int i = 0; i < BURST; i++) {
                    logback.log(i);
                }
                theirs = Math.min(theirs, (System.nanoTime() - start) / (double) BURST);
                TimeUnit.MILLISECONDS.sleep(20);
            }
            if (logback.written() != 100L * BURST) {
                throw new IllegalStateException("Logback did not write what it was given");
            }
        }
        row(
                "an append that nobody waits for costs its caller",
                ours,
                "ns",
                theirs,
                "Logback's asynchronous file appender, ns");
    }

    private void verifier(String name, List<String> keys, int cores) throws Exception {
        Path log = home.resolve(name);
        double best = 0;
        VerificationResult result = AuditLogVerifier.withKeys(keys).verify(log);
        for (int round = 0; round < ROUNDS; round++) {
            long start = System.nanoTime();
            result = AuditLogVerifier.withKeys(keys).verify(log);
            best = Math.max(best, result.size() * 1e9 / (System.nanoTime() - start));
        }
        if (!(result instanceof VerificationResult.Intact)) {
            throw new IllegalStateException("the log must be intact: " + result);
        }
        int bytes = (int) (size(log) / result.size());
        row(
                "the verifier, records of " + bytes + " bytes",
                best,
                "records/s",
                MachineLimits.hashes(bytes, 500_000) * cores,
                "SHA-256 of " + bytes + " bytes, times " + cores + " cores");
    }

    private void smallHeap(List<String> keys) throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        AuditLogBenchmark.class.getName(),
                        "verify",
                        home.resolve("pipelined").toString(),
                        keys.get(0),
                        keys.get(1))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        out.println("\nwith -Xmx64m: "
                + new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip());
    }
}
