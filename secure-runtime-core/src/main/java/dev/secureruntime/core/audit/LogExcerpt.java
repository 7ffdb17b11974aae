package dev.secureruntime.core.audit;

import java.util.List;
import java.util.Optional;

/**
 * The newest part of a log, with what someone needs to check it who doesn't have the rest: the hashes at its start and the
 * checkpoints over it. It is data to check, not a verdict. Immutable as long as nobody writes into its arrays.
 *
 * @param start the index of the first record in it
 * @param lines the stored lines, without line feeds
 * @param notes the stored checkpoints over more than {@code start} records, oldest first
 * @param base the checkpoint over exactly {@code start} records, where there is one
 * @param subtrees the roots of the perfect subtrees over the records before {@code start}, smallest first: the right edge of
 *     RFC 6962's tree; empty where the log itself doesn't begin with record 0
 * @param lastLeaf the leaf hash of the record before {@code start}, lower-case hexadecimal; zeros for record 0
 * @param lastCheckpoint the hash of the newest checkpoint over at most {@code start} records; zeros where there is none
 * @param epochKey the verifier key of the epoch at {@code start}, followed through the records before; empty where that is
 *     record 0, which says it itself, or where a record that announces one was malformed
 */
public record LogExcerpt(
        long start,
        List<byte[]> lines,
        List<byte[]> notes,
        Optional<byte[]> base,
        Optional<List<byte[]>> subtrees,
        String lastLeaf,
        String lastCheckpoint,
        Optional<String> epochKey) {

    public LogExcerpt {
        lines = List.copyOf(lines);
        notes = List.copyOf(notes);
        subtrees = subtrees.map(List::copyOf);
    }
}
