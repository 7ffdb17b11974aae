package dev.secureruntime.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.audit.Receipt;
import dev.secureruntime.audit.VerificationResult;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a writing process with SIGKILL again and again, on one log: every record that was acknowledged as durable must be
 * there, with what it said, and the log must verify after the next start. {@code -Daudit.crash.rounds=200} for the long run.
 */
class CrashTest {

    @TempDir
    private Path home;

    /** The process that is killed: appends, and prints the index of every record once it is durable. */
    public static final class Writer {
        public static void main(String[] arguments) {
            PrintStream out = new PrintStream(System.out, true, StandardCharsets.US_ASCII);
            HashChainedAuditLog log = HashChainedAuditLog.open(settings(Path.of(arguments[0])), Clock.systemUTC());
            log.verifierKeys().forEach(key -> out.println("key " + key));
            if (arguments.length > 1) {
                Thread retiring = new Thread(() -> retire(log, Path.of(arguments[0])));
                retiring.setDaemon(true);
                retiring.start();
            }
            for (int i = 0; true; i++) {
                Receipt receipt = log.append(LogFixture.event(i));
                if (i % 3 == 0) {
                    int number = i;
                    receipt.reached(Receipt.Stage.DURABLE)
                            .toCompletableFuture()
                            .thenAccept(r -> out.println("durable " + r.index() + " " + number))
                            .join();
                }
            }
        }
    }

    /** Removes all but the newest few hundred records, again and again. */
    private static void retire(HashChainedAuditLog log, Path home) {
        Path anchor = home.resolve("anchor");
        try {
            while (true) {
                Files.copy(home.resolve("log/checkpoint"), anchor, StandardCopyOption.REPLACE_EXISTING);
                log.retireBelow(log.size() - 300, List.of(anchor));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static AuditSettings settings(Path home) {
        return LogFixture.settings(home).segmentBytes(40_000).checkpointEvery(Duration.ofMillis(3), 40);
    }

    @Test
    @Timeout(1_800)
    void append_killedAtRandomMoments_noAcknowledgedRecordIsLost() throws Exception {
        int rounds = Integer.getInteger("audit.crash.rounds", 15);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> keys = null;
        for (int round = 0; round < rounds; round++) {
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-cp",
                    System.getProperty("java.class.path"),
                    Writer.class.getName(),
                    home.toString()));
            if (random.nextInt(3) == 0) {
                command.add("retire");
            }
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            // Some rounds are killed while they start and recover, most while they write.
            int lines = random.nextInt(5) == 0 ? random.nextInt(3) : random.nextInt(120);
            Acknowledged acknowledged = killAfter(process, lines);
            keys = keys == null && acknowledged.keys.size() == 2 ? acknowledged.keys : keys;
            if (keys == null) {
                continue;
            }
            VerificationResult killed = LogFixture.verify(home, keys);
            assertThat(killed).as("seed " + seed).isNotInstanceOf(VerificationResult.Tampered.class);
            RetiredHead retired = RetiredHead.read(new LogFiles(home.resolve("log")));
            Map<String, String> records = new HashMap<>();
            LogFixture.records(home).stream()
                    .filter(line -> line.indexOf(',') > 7)
                    .forEach(line -> records.put(line.substring(7, line.indexOf(',')), line));
            for (String line : acknowledged.lines) {
                String[] parts = line.split(" ");
                if (retired == null || Long.parseLong(parts[1]) >= retired.below()) {
                    assertThat(records.get(parts[1])).contains("\"number\":" + parts[2] + ",");
                }
            }
        }
        LogFixture.open(settings(home)).close();
        assertThat(LogFixture.verify(home, keys)).isInstanceOf(VerificationResult.Intact.class);
    }

    private record Acknowledged(List<String> keys, List<String> lines) {}

    private static Acknowledged killAfter(Process process, int lines) throws IOException, InterruptedException {
        List<String> keys = new java.util.ArrayList<>();
        List<String> durable = new java.util.ArrayList<>();
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
            String line = reader.readLine();
            for (int i = 0; line != null; i++) {
                if (i == lines) {
                    // Through the handle: it leaves the pipe open, whose last lines count too.
                    process.toHandle().destroyForcibly();
                }
                if (line.startsWith("key ")) {
                    keys.add(line.substring(4));
                } else if (line.matches("durable [0-9]+ [0-9]+")) {
                    durable.add(line);
                }
                line = reader.readLine();
            }
        }
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return new Acknowledged(keys, durable);
    }
}
