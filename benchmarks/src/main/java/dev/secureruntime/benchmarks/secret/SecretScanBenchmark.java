package dev.secureruntime.benchmarks.secret;

import dev.secureruntime.core.text.BodyScan;
import dev.secureruntime.core.text.SecretMatcher;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Nanoseconds per KiB of a body in which no secret is, given in pieces of 8 KiB: a prompt in JSON, and text with line breaks, which
 * is looked at twice.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class SecretScanBenchmark {

    private static final int KIB = 64;
    private static final int PIECE = 8 * 1024;
    private static final String KEY_SIGNS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    /** How many secrets are registered, with keys of 51 characters. */
    @Param({"0", "1", "10", "100"})
    public int secrets;

    private final SecretMatcher matcher = new SecretMatcher();
    private byte[] prompt;
    private byte[] lines;

    /** Registers keys and writes the bodies. */
    @Setup
    public void setUp() {
        Random random = new Random(42);
        for (int i = 0; i < secrets; i++) {
            StringBuilder key = new StringBuilder("sk-");
            while (key.length() < 51) {
                key.append(KEY_SIGNS.charAt(random.nextInt(KEY_SIGNS.length())));
            }
            matcher.slot(8).remember(key.toString().getBytes(StandardCharsets.US_ASCII));
        }
        String text =
                "{\"role\":\"user\",\"content\":\"Summarise this: the quick brown fox, id 4711, \\u00e9t\\u00e9.\"},";
        prompt = filled(text);
        lines = filled(text.replace(": ", ":\n"));
    }

    private static byte[] filled(String text) {
        byte[] unit = text.getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[KIB * 1024];
        for (int i = 0; i < all.length; i++) {
            all[i] = unit[i % unit.length];
        }
        return all;
    }

    private boolean scan(byte[] body) {
        BodyScan scan = matcher.scanBody(owners -> true);
        boolean found = false;
        for (int at = 0; at < body.length; at += PIECE) {
            found |= scan.update(body, at, PIECE) != null;
        }
        return found;
    }

    /** A prompt in JSON. */
    @Benchmark
    @OperationsPerInvocation(KIB)
    public boolean prompt() {
        return scan(prompt);
    }

    /** Text with line breaks. */
    @Benchmark
    @OperationsPerInvocation(KIB)
    public boolean lines() {
        return scan(lines);
    }
}
