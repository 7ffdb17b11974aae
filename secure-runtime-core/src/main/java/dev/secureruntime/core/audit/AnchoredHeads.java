package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;

/**
 * Checkpoints of a log that were kept somewhere else. A log that doesn't have each of them, byte for byte in the signed text,
 * was cut back, or is a fork. Not thread-safe.
 */
final class AnchoredHeads {

    private final List<Head> unsigned = new ArrayList<>();
    private final List<Head> heads = new ArrayList<>();
    private long proved = -1;

    private record Head(Path file, SignedNote note, Checkpoint checkpoint) {}

    /**
     * Reads a file of one or more checkpoints, in the form of {@code checkpoints}, of a large one the newest; each may have
     * further signatures, as of witnesses. False when it isn't one.
     */
    boolean read(Path file) {
        List<Head> found = new ArrayList<>();
        try (FileChannel channel = LineReader.openRegular(file.toRealPath())) {
            KeptNotes kept = KeptNotes.read(channel);
            if (kept.end() != kept.size()) {
                return false;
            }
            for (SignedNote note : kept.notes()) {
                found.add(new Head(file, note, Checkpoint.parse(note.text())));
            }
        } catch (IOException | IllegalArgumentException e) {
            // Whatever is wrong with it, it can't be read as an anchor: the verdict says so.
            return false;
        }
        unsigned.addAll(found);
        return !found.isEmpty();
    }

    /** Keeps the heads that the log key signed, in order of their sizes; returns the files of the others. */
    List<Path> requireSigned(VerifierKey logKey) {
        List<Path> refused = new ArrayList<>();
        for (Head head : unsigned) {
            byte[] text = head.note.text();
            if (head.note.signatures().stream().anyMatch(signature -> logKey.signed(text, signature))) {
                heads.add(head);
            } else {
                refused.add(head.file);
            }
        }
        unsigned.clear();
        heads.sort(Comparator.comparingLong(head -> head.checkpoint.size()));
        return refused;
    }

    /** Compares with the log's next checkpoint; false when an anchored head should have come by now and didn't. */
    boolean pass(Checkpoint checkpoint) {
        while (!heads.isEmpty() && heads.get(0).checkpoint.size() <= checkpoint.size()) {
            if (!Arrays.equals(heads.get(0).checkpoint.text(), checkpoint.text())) {
                return false;
            }
            heads.remove(0);
            proved = checkpoint.size();
        }
        return true;
    }

    /** The size of the next head that the log has not shown; empty when it has shown all. */
    OptionalLong missing() {
        return heads.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(heads.get(0).checkpoint.size());
    }

    /** Up to which size the log was shown to be complete. */
    OptionalLong proved() {
        return proved < 0 ? OptionalLong.empty() : OptionalLong.of(proved);
    }
}
