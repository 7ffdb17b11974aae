package dev.secureruntime.core.audit.format;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * A proof that a record is in a log (C2SP tlog-proof):
 *
 * <pre>
 *   c2sp.org/tlog-proof@v1 LF
 *   [extra SP base64 LF]               read over, never written
 *   index SP decimal LF
 *   base64 hash LF                     from the leaf upwards, at most 64
 *   ...
 *   LF
 *   checkpoint, a whole signed note
 * </pre>
 *
 * <p>The parser is strict, and checks neither signature nor path. Immutable.
 */
public record InclusionProof(long index, List<byte[]> path, byte[] checkpoint) {

    static final int MAX_BYTES = 2 * SignedNote.MAX_BYTES;

    private static final String HEADER = "c2sp.org/tlog-proof@v1";
    private static final String EXTRA = "extra ";
    private static final String INDEX = "index ";
    private static final int MAX_PATH = 64;

    /** Reads a proof; throws {@link IllegalArgumentException} for anything that is not exactly one. */
    public static InclusionProof parse(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        int split = text.indexOf("\n\n");
        if (bytes.length > MAX_BYTES || split < 0 || !Arrays.equals(text.getBytes(StandardCharsets.UTF_8), bytes)) {
            throw new IllegalArgumentException("expected a proof in the form " + HEADER);
        }
        List<String> lines = new ArrayList<>(List.of(text.substring(0, split).split("\n", -1)));
        if (!lines.remove(0).equals(HEADER)) {
            throw new IllegalArgumentException("expected the line " + HEADER);
        }
        if (!lines.isEmpty() && lines.get(0).startsWith(EXTRA)) {
            base64(lines.remove(0).substring(EXTRA.length()));
        }
        if (lines.isEmpty() || !lines.get(0).matches(INDEX + "(0|[1-9][0-9]{0,19})")) {
            throw new IllegalArgumentException("expected the line: index N");
        }
        long index = Long.parseUnsignedLong(lines.remove(0).substring(INDEX.length()));
        if (lines.size() > MAX_PATH) {
            throw new IllegalArgumentException("expected at most 64 hashes");
        }
        List<byte[]> path = new ArrayList<>();
        for (String line : lines) {
            byte[] hash = base64(line);
            if (hash.length != TreeHasher.BYTES) {
                throw new IllegalArgumentException("expected hashes of 32 bytes");
            }
            path.add(hash);
        }
        return new InclusionProof(
                index, List.copyOf(path), text.substring(split + 2).getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] base64(String text) {
        byte[] bytes = Base64.getDecoder().decode(text);
        if (!Base64.getEncoder().encodeToString(bytes).equals(text)) {
            throw new IllegalArgumentException("expected canonical base64");
        }
        return bytes;
    }

    /** The proof as text. */
    public String text() {
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        text.append(INDEX).append(Long.toUnsignedString(index)).append('\n');
        path.forEach(
                hash -> text.append(Base64.getEncoder().encodeToString(hash)).append('\n'));
        return text.append('\n')
                .append(new String(checkpoint, StandardCharsets.UTF_8))
                .toString();
    }

    /**
     * Whether the path leads from the leaf hash to the root in a tree of {@code size} leaves: RFC 9162, section 2.1.3.2, with
     * unsigned arithmetic.
     */
    public boolean leadsTo(byte[] leafHash, long size, byte[] root) {
        if (Long.compareUnsigned(index, size) >= 0) {
            return false;
        }
        TreeHasher hasher = new TreeHasher();
        byte[] hash = leafHash.clone();
        long node = index;
        long last = size - 1;
        for (byte[] sibling : path) {
            if (last == 0) {
                return false;
            }
            if ((node & 1) == 1 || node == last) {
                hasher.node(sibling, hash, hash);
                while ((node & 1) == 0 && node != 0) {
                    node >>>= 1;
                    last >>>= 1;
                }
            } else {
                hasher.node(hash, sibling, hash);
            }
            node >>>= 1;
            last >>>= 1;
        }
        return last == 0 && Arrays.equals(hash, root);
    }
}
