package dev.secureruntime.core.report;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Sums per name, in bounded memory: when there are too many names, the smaller half is added to one nameless row. Totals are
 * exact always; a single row is a lower bound once names were folded. Not thread-safe.
 */
public final class Tally {

    private static final int MAX_NAME = 256;

    /**
     * The sums under one name.
     *
     * @param names the parts of the name
     * @param sums how often, then what else was counted
     */
    public record Row(List<String> names, List<Long> sums) {}

    /**
     * The result.
     *
     * @param rows the largest, largest first
     * @param others the sums of everything that has no row
     * @param folded whether names were folded while counting, so that rows are lower bounds
     */
    public record Result(List<Row> rows, List<Long> others, Folding folded) {}

    /** Whether names were folded while counting. */
    public enum Folding {
        NONE,
        FOLDED
    }

    private final int limit;
    private final Map<List<String>, long[]> sums = new HashMap<>();
    private final long[] others;
    private Folding folding = Folding.NONE;

    /** Keeps at most twice {@code limit} names, of {@code width} sums each. */
    Tally(int limit, int width) {
        this.limit = limit;
        this.others = new long[width];
    }

    void add(List<String> names, long... values) {
        List<String> bounded = names.stream().map(Tally::bounded).toList();
        add(sums.computeIfAbsent(bounded, name -> new long[others.length]), values);
        if (sums.size() > 2 * limit) {
            fold();
        }
    }

    private static String bounded(String name) {
        if (name.length() <= MAX_NAME) {
            return name;
        }
        int cut = Character.isHighSurrogate(name.charAt(MAX_NAME - 1)) ? MAX_NAME - 1 : MAX_NAME;
        return name.substring(0, cut) + " (of " + name.length() + " characters)";
    }

    private static void add(long[] to, long[] values) {
        for (int i = 0; i < values.length; i++) {
            to[i] = sum(to[i], values[i]);
        }
    }

    /** What a log says may be any number: a sum stays at the largest rather than turn negative. */
    static long sum(long counted, long value) {
        long sum = counted + value;
        return sum < counted ? Long.MAX_VALUE : sum;
    }

    private void fold() {
        folding = Folding.FOLDED;
        List<Map.Entry<List<String>, long[]>> sorted = sorted();
        for (Map.Entry<List<String>, long[]> entry : sorted.subList(limit, sorted.size())) {
            add(others, entry.getValue());
            sums.remove(entry.getKey());
        }
    }

    private List<Map.Entry<List<String>, long[]>> sorted() {
        Comparator<Map.Entry<List<String>, long[]>> largest = Comparator.comparingLong(
                entry -> -Arrays.stream(entry.getValue()).limit(1).sum());
        return sums.entrySet().stream()
                .sorted(largest.thenComparing(entry -> String.join("\n", entry.getKey())))
                .toList();
    }

    Result result() {
        List<Map.Entry<List<String>, long[]>> sorted = sorted();
        long[] rest = others.clone();
        sorted.stream().skip(limit).forEach(entry -> add(rest, entry.getValue()));
        List<Row> rows = sorted.stream()
                .limit(limit)
                .map(entry -> new Row(entry.getKey(), boxed(entry.getValue())))
                .toList();
        return new Result(rows, boxed(rest), folding);
    }

    private static List<Long> boxed(long[] values) {
        return Arrays.stream(values).boxed().toList();
    }
}
