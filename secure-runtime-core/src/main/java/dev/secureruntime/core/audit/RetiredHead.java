package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code retired} says about the records that retention removed, so that a log can be checked from the first one that
 * is left:
 *
 * <pre>
 *   secure-runtime-audit/1 retired LF
 *   below SP S LF                     the first record that is left
 *   segment SP N LF                   the number of the segment that starts with it
 *   anchored SP SIZE SP HASH LF       the newest checkpoint that was shown to be kept elsewhere
 *   leaf SP HASH LF                   leaf hash of record S - 1
 *   subtree SP HASH LF                for each bit set in S, the leftmost and largest subtree first
 *   ...
 *   record SP INDEX LF                record 0, then each log.key record below S
 *   the stored line LF
 *   path SP HASH LF                   from the leaf upwards to the subtree that holds it
 *   ...
 * </pre>
 *
 * <p>Numbers are decimal, hashes 64 lower-case hexadecimal digits. The parser is strict: what it accepts prints back to the
 * same bytes. It proves nothing: see {@link ChainStart}. Immutable.
 */
record RetiredHead(
        long below,
        long segment,
        long anchoredSize,
        byte[] anchored,
        byte[] leaf,
        List<byte[]> subtrees,
        List<Kept> records) {

    /** Some eight thousand epochs; beyond that, retention is refused. */
    static final int MAX_BYTES = 16 << 20;

    /** Of the records that are left, none has an index beyond the largest long. */
    private static final long MAX_BELOW = Long.MAX_VALUE >>> 1;

    private static final String HEADER = LogFiles.FORMAT + " retired";
    private static final String BELOW = "below ";
    private static final String SEGMENT = "segment ";
    private static final String ANCHORED = "anchored ";
    private static final String LEAF = "leaf ";
    private static final String SUBTREE = "subtree ";
    private static final String RECORD = "record ";
    private static final String PATH = "path ";

    /** A record that is kept for what it says about keys, and the hashes from its leaf up to its subtree. */
    record Kept(long index, byte[] line, List<byte[]> path) {}

    RetiredHead {
        subtrees = List.copyOf(subtrees);
        records = List.copyOf(records);
    }

    /** Reads {@code retired}; null when nothing was removed. */
    static @Nullable RetiredHead read(LogFiles files) throws IOException, LogFault {
        byte[] content = LogFiles.small(files.retired(), MAX_BYTES);
        try {
            return content == null ? null : parse(content);
        } catch (IllegalArgumentException e) {
            throw new LogFault(0, LogFiles.RETIRED, 0, String.valueOf(e.getMessage()));
        }
    }

    /** Reads the file's content; throws {@link IllegalArgumentException} for anything but the one form. */
    static RetiredHead parse(byte[] content) {
        Lines lines = new Lines(content);
        if (!lines.next().equals(HEADER)) {
            throw new IllegalArgumentException("expected the line " + HEADER);
        }
        long below = number(lines.after(BELOW));
        long segment = number(lines.after(SEGMENT));
        String[] anchored = lines.after(ANCHORED).split(" ", 2);
        if (below < 1 || below > MAX_BELOW || anchored.length < 2 || number(anchored[0]) < below) {
            throw new IllegalArgumentException(
                    "expected below 1 or more and less than 2^62, and an anchored size, not less, and hash");
        }
        byte[] leaf = hash(lines.after(LEAF));
        List<byte[]> subtrees = new ArrayList<>();
        for (int i = 0; i < Long.bitCount(below); i++) {
            subtrees.add(hash(lines.after(SUBTREE)));
        }
        RetiredHead head = new RetiredHead(
                below, segment, number(anchored[0]), hash(anchored[1]), leaf, subtrees, records(lines, below));
        if (!Arrays.equals(head.bytes(), content)) {
            throw new IllegalArgumentException("not in canonical form");
        }
        return head;
    }

    private static List<Kept> records(Lines lines, long below) {
        List<Kept> records = new ArrayList<>();
        long last = -1;
        while (lines.hasNext()) {
            long index = number(lines.after(RECORD));
            if (index <= last || index >= below) {
                throw new IllegalArgumentException("expected records in order, below " + below);
            }
            byte[] line = lines.next().getBytes(StandardCharsets.ISO_8859_1);
            List<byte[]> path = new ArrayList<>();
            while (lines.hasNext() && lines.peek().startsWith(PATH) && path.size() < Long.SIZE) {
                path.add(hash(lines.after(PATH)));
            }
            records.add(new Kept(index, line, List.copyOf(path)));
            last = index;
        }
        return records;
    }

    private static long number(String text) {
        if (!text.matches("0|[1-9][0-9]{0,18}")) {
            throw new IllegalArgumentException("expected a number below 2^63");
        }
        return Long.parseLong(text);
    }

    private static byte[] hash(String text) {
        if (!text.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException("expected 64 lower-case hexadecimal digits");
        }
        return java.util.HexFormat.of().parseHex(text);
    }

    /** The file's content. */
    byte[] bytes() {
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        text.append(BELOW).append(below).append('\n');
        text.append(SEGMENT).append(segment).append('\n');
        text.append(ANCHORED)
                .append(anchoredSize)
                .append(' ')
                .append(Hex.text(anchored))
                .append('\n');
        text.append(LEAF).append(Hex.text(leaf)).append('\n');
        subtrees.forEach(
                subtree -> text.append(SUBTREE).append(Hex.text(subtree)).append('\n'));
        for (Kept record : records) {
            text.append(RECORD).append(record.index).append('\n');
            text.append(new String(record.line, StandardCharsets.ISO_8859_1)).append('\n');
            record.path.forEach(hash -> text.append(PATH).append(Hex.text(hash)).append('\n'));
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Throws {@link IllegalArgumentException} when a record was removed. */
    void requireLeft(long index) {
        if (index < below) {
            throw new IllegalArgumentException("records 0 to " + (below - 1) + " were removed under retention");
        }
    }

    /** The tree over the records that were removed. */
    CompactRange tree() {
        return new CompactRange(below, subtrees);
    }

    /** Whether a record's path leads to the subtree that holds it: a perfect one, whose height is the path's length. */
    boolean holds(Kept record, byte[] leafHash) {
        TreeHasher hasher = new TreeHasher();
        byte[] hash = leafHash.clone();
        for (int level = 0; level < record.path.size(); level++) {
            byte[] sibling = record.path.get(level);
            if ((record.index >>> level & 1) == 0) {
                hasher.node(hash, sibling, hash);
            } else {
                hasher.node(sibling, hash, hash);
            }
        }
        int level = level(record.index, below);
        return record.path.size() == level && Arrays.equals(hash, subtrees.get(Long.bitCount(below >>> level) - 1));
    }

    /** The height of the subtree that holds leaf {@code index} in the compact range of {@code size} leaves. */
    static int level(long index, long size) {
        // The subtree starts where the two numbers still agree, at the highest bit in which they differ.
        return Long.SIZE - 1 - Long.numberOfLeadingZeros(index ^ size);
    }

    /** The content line by line; the last one ends with its line feed too. */
    private static final class Lines {
        private final String text;
        private int at;

        Lines(byte[] content) {
            text = new String(content, StandardCharsets.ISO_8859_1);
        }

        boolean hasNext() {
            return at < text.length();
        }

        String peek() {
            int end = text.indexOf('\n', at);
            if (end < 0) {
                throw new IllegalArgumentException("expected a further line that ends with a line feed");
            }
            return text.substring(at, end);
        }

        String next() {
            String line = peek();
            at += line.length() + 1;
            return line;
        }

        String after(String prefix) {
            String line = next();
            if (!line.startsWith(prefix)) {
                throw new IllegalArgumentException("expected a line that starts with: " + prefix.strip());
            }
            return line.substring(prefix.length());
        }
    }
}
