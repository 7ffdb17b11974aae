package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.TreeHasher;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;

/**
 * Signs checkpoints and stores them: first appended to {@code checkpoints}, then in place of {@code checkpoint}, each
 * durable before the next step. So a reader that takes {@code checkpoint} first finds it in {@code checkpoints}, and the
 * records of both in the segments. Used by the writer's thread alone.
 */
final class CheckpointStore {

    private final LogFiles files;
    private final SignerFile signer;
    private final TreeHasher hasher = new TreeHasher();
    private byte[] newestHash;
    private long fileSize;

    /**
     * Continues after the checkpoint whose signed text has this hash (zeros when there is none), which ends at this size of
     * {@code checkpoints}.
     */
    CheckpointStore(LogFiles files, SignerFile signer, byte[] newestHash, long fileSize) {
        this.files = files;
        this.signer = signer;
        this.newestHash = newestHash;
        this.fileSize = fileSize;
    }

    /** SHA-256 of the newest checkpoint's signed text. */
    byte[] newestHash() {
        return newestHash.clone();
    }

    /** Signs and stores the next checkpoint; returns its note. */
    byte[] sign(long size, byte[] root) throws IOException {
        Checkpoint checkpoint = new Checkpoint(signer.origin(), size, root, newestHash);
        byte[] text = checkpoint.text();
        byte[] note = new SignedNote(text, signer.sign(checkpoint)).bytes();
        byte[] entry = note;
        if (fileSize > 0) {
            entry = new byte[note.length + 1];
            entry[0] = '\n';
            System.arraycopy(note, 0, entry, 1, note.length);
        } else if (Files.exists(files.checkpoints(), LinkOption.NOFOLLOW_LINKS)
                && Files.size(files.checkpoints()) > 0) {
            throw new IOException(files.checkpoints() + " has content where the writer left none");
        }
        Durable.append(files.checkpoints(), fileSize, entry);
        fileSize += entry.length;
        Durable.replace(files.checkpoint(), note);
        newestHash = hasher.plain(text);
        if (!signer.isStarted()) {
            signer.start();
        }
        return note;
    }
}
