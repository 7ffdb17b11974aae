package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Anchor;
import dev.secureruntime.audit.AnchorConflictException;
import dev.secureruntime.audit.AnchorEvidence;
import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.ConsistencyProof;
import dev.secureruntime.core.audit.format.SignedNote;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Keeps checkpoints in a file on another disk or mount, in the form of {@code checkpoints}, so that {@code audit verify
 * --anchor FILE} takes it as it is.
 *
 * <p>What holds: a checkpoint is forced to the device before it counts as taken, and none is added that contradicts the
 * newest in the file: a smaller log, another log, the same size with another text, or a larger log whose tree doesn't continue
 * the one in the file. What does not: whoever can write to the file can cut it back together with the log. Put it where the
 * process that writes the log may only append, or on a mount that keeps old states.
 *
 * <p>The rest of a checkpoint whose writing was interrupted is cut off before the next. Thread-safe; a lock on the file keeps
 * other processes out.
 */
public final class FileAnchor implements Anchor {

    private final Path file;

    private final StorageDevice device;

    /** Where the checkpoint stands that could neither be forced nor taken back; as long as nobody wrote behind it. */
    private long unforcedFrom = -1;

    private long unforcedEnd;

    FileAnchor(Path file, StorageDevice device) {
        this.file = file;
        this.device = device;
    }

    /** An anchor in {@code file}, which is made with the first checkpoint; its directory must be there. */
    public static FileAnchor at(Path file) {
        return new FileAnchor(file.toAbsolutePath().normalize(), channel -> channel.force(true));
    }

    /** Where it is. */
    Path file() {
        return file;
    }

    @Override
    public synchronized AnchorEvidence take(SealedCheckpoint checkpoint) throws IOException {
        try (FileChannel channel = FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS);
                FileLock held = channel.tryLock()) {
            if (held == null) {
                throw new IOException("another process writes to the anchor " + file);
            }
            append(channel, checkpoint);
        } catch (OverlappingFileLockException e) {
            throw new IOException("something else in this process writes to the anchor " + file, e);
        } catch (IllegalArgumentException e) {
            throw new IOException("the anchor " + file + " holds something else than checkpoints", e);
        }
        // Each time: it may have failed when the file was made.
        Durable.forceDirectory(Durable.parent(file));
        return new AnchorEvidence.Kept(file.toString());
    }

    private void append(FileChannel channel, SealedCheckpoint checkpoint) throws IOException {
        if (unforcedFrom >= 0 && channel.size() == unforcedEnd) {
            channel.truncate(unforcedFrom);
        }
        unforcedFrom = -1;
        KeptNotes kept = KeptNotes.read(channel);
        boolean first = kept.notes().isEmpty();
        if (!first) {
            SignedNote newest = kept.notes().get(kept.notes().size() - 1);
            if (Arrays.equals(newest.text(), checkpoint.text())) {
                device.force(channel);
                return;
            }
            requireContinues(Checkpoint.parse(newest.text()), checkpoint);
        }
        if (kept.end() < kept.size()) {
            requireTorn(channel, kept, checkpoint);
            channel.truncate(kept.end());
        }
        byte[] note = checkpoint.note();
        ByteBuffer entry = ByteBuffer.allocate(note.length + 1);
        if (!first) {
            entry.put((byte) '\n');
        }
        entry.put(note).flip();
        channel.position(kept.end());
        Durable.write(channel, entry);
        try {
            device.force(channel);
        } catch (IOException e) {
            // What is still read may be on no device, and forcing it again would say nothing: the next try writes anew.
            takeBack(channel, kept.end(), entry.limit(), e);
            throw e;
        }
    }

    private void takeBack(FileChannel channel, long from, int length, IOException failure) {
        try {
            channel.truncate(from);
        } catch (IOException e) {
            unforcedFrom = from;
            unforcedEnd = from + length;
            failure.addSuppressed(e);
        }
    }

    /** Only the beginning of a note of this log, with zeros behind it, can be the rest of an interrupted write. */
    private static void requireTorn(FileChannel channel, KeptNotes kept, SealedCheckpoint checkpoint)
            throws IOException {
        byte[] start = ((kept.end() > 0 ? "\n" : "") + checkpoint.origin() + "\n").getBytes(StandardCharsets.UTF_8);
        byte[] rest = new byte[(int) Math.min(start.length, kept.size() - kept.end())];
        channel.read(ByteBuffer.wrap(rest), kept.end());
        if (!Checkpoint.isInterrupted(rest, start)) {
            throw new IllegalArgumentException("expected a checkpoint");
        }
    }

    private void requireContinues(Checkpoint newest, SealedCheckpoint checkpoint) throws IOException {
        String holds = "the anchor " + file + " holds a checkpoint over " + newest.size() + " records of "
                + newest.origin() + ", and was given one over " + checkpoint.size() + " of " + checkpoint.origin();
        if (!newest.origin().equals(checkpoint.origin())) {
            throw new AnchorConflictException(holds + ": another log");
        }
        if (newest.size() > checkpoint.size()) {
            throw new AnchorConflictException(holds + ": the log was rolled back");
        }
        if (!ConsistencyProof.holds(
                newest.size(),
                newest.root(),
                checkpoint.size(),
                checkpoint.root(),
                checkpoint.consistencyProof(newest.size()))) {
            throw new AnchorConflictException(holds + ", which doesn't continue it: the log was forked");
        }
    }
}
