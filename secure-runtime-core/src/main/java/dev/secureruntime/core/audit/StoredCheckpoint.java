package dev.secureruntime.core.audit;

import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.SubtreeRoots;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;

/**
 * A checkpoint of a log that is being written, for its anchors. A consistency proof is computed from the records on the disk
 * when an anchor asks for it: from the older size on where the tree at that size is still known, which keeps the cost of
 * anchoring with what was appended since.
 */
final class StoredCheckpoint implements SealedCheckpoint {

    private final LogFiles files;
    private final Checkpoint checkpoint;
    private final byte[] note;
    private final CompactRange tree;
    private final NavigableMap<Long, CompactRange> olderTrees;

    /** {@code tree} is this checkpoint's own copy; {@code olderTrees} may change meanwhile. */
    StoredCheckpoint(LogFiles files, byte[] note, CompactRange tree, NavigableMap<Long, CompactRange> olderTrees) {
        this.files = files;
        this.checkpoint = Checkpoint.parse(SignedNote.parse(note).text());
        this.note = note.clone();
        this.tree = tree;
        this.olderTrees = olderTrees;
    }

    @Override
    public String origin() {
        return checkpoint.origin();
    }

    @Override
    public long size() {
        return checkpoint.size();
    }

    @Override
    public byte[] note() {
        return note.clone();
    }

    @Override
    public byte[] text() {
        return checkpoint.text();
    }

    @Override
    public byte[] hash() {
        return TreeHasher.sha256().digest(checkpoint.text());
    }

    @Override
    public byte[] root() {
        return checkpoint.root();
    }

    /** The tree at this checkpoint; not to be changed. */
    CompactRange tree() {
        return tree;
    }

    @Override
    public List<byte[]> consistencyProof(long older) throws IOException {
        if (older < 0 || older > size()) {
            throw new IllegalArgumentException("expected a size from 0 to " + size());
        }
        if (older == 0 || older == size()) {
            return List.of();
        }
        SubtreeRoots roots = SubtreeRoots.consistency(older, size());
        CompactRange all = known(older);
        try {
            roots.startWith(all);
        } catch (IllegalArgumentException e) {
            throw new IOException("no proof from size " + older + " on: " + e.getMessage(), e);
        }
        readLeaves(all, roots);
        if (!Arrays.equals(all.root(), root())) {
            throw new IOException(
                    "the records on the disk are not those that the checkpoint over " + size() + " covers");
        }
        return roots.roots();
    }

    /** A tree of at most {@code older} leaves to start from. */
    private CompactRange known(long older) throws IOException {
        CompactRange tree = olderTrees.get(older);
        if (tree != null) {
            return tree.copy();
        }
        try {
            RetiredHead retired = RetiredHead.read(files);
            return retired == null ? new CompactRange() : retired.tree();
        } catch (LogFault e) {
            throw new IOException(e.firstBad().reason(), e);
        }
    }

    private void readLeaves(CompactRange all, SubtreeRoots roots) throws IOException {
        TreeHasher hasher = new TreeHasher();
        byte[] leaf = new byte[TreeHasher.BYTES];
        try (SegmentsReader segments = SegmentsReader.left(files)) {
            for (long index = segments.skipTo(all.size()); index < size(); index++) {
                if (segments.next(index) != LineReader.Kind.LINE) {
                    throw new IOException("record " + index + " is missing on the disk");
                }
                if (index >= all.size()) {
                    LineReader line = segments.lines();
                    hasher.leaf(line.buffer(), line.from(), line.length(), leaf, 0);
                    all.append(leaf, 0);
                    roots.accept(index, leaf);
                }
            }
        } catch (LogFault e) {
            throw new IOException(e.firstBad().file() + ": " + e.firstBad().reason(), e);
        }
    }
}
