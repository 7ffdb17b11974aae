package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.SignedNote;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The file {@code checkpoint} beside {@code checkpoints}, whose last note it should repeat: read before those, then looked for
 * among them as they pass. Used once, by one thread.
 */
final class NewestCheckpoint {

    private static final int RETRIES = 100;
    private static final long RETRY_NANOS = 5_000_000;

    private final LogFiles files;
    private final byte @Nullable [] found;
    private long notes;
    private long at = -1;

    private NewestCheckpoint(LogFiles files, byte @Nullable [] found) {
        this.files = files;
        this.found = found;
    }

    static NewestCheckpoint read(LogFiles files) throws IOException, LogFault {
        return new NewestCheckpoint(files, content(files));
    }

    private static byte @Nullable [] content(LogFiles files) throws IOException, LogFault {
        return LogFiles.small(files.checkpoint(), SignedNote.MAX_BYTES);
    }

    boolean isMissing() {
        return found == null;
    }

    /** Takes the next of the notes in {@code checkpoints}. */
    void pass(byte[] note) {
        if (Arrays.equals(note, found)) {
            at = notes;
        }
        notes++;
    }

    /**
     * Requires that the file held the newest note, or what an interrupted or running writer leaves there, which is added to
     * {@code reasons}.
     *
     * @param signed how many records the newest note covers
     * @param before how many notes were there before the file was read
     * @param quiet whether {@code checkpoints} didn't grow meanwhile
     */
    void require(long signed, long before, boolean quiet, List<String> reasons) throws IOException, LogFault {
        if (found == null) {
            if (notes > 1) {
                throw new LogFault(signed, LogFiles.CHECKPOINT, 0, "expected the newest checkpoint");
            }
            if (notes == 1) {
                reasons.add("the first checkpoint's storing was interrupted; the next start of the writer finishes it");
            }
        } else if (at < 0) {
            throw new LogFault(signed, LogFiles.CHECKPOINT, 0, "expected the newest of the notes in checkpoints");
        } else if (at < before - 2) {
            throw new LogFault(
                    signed,
                    LogFiles.CHECKPOINT,
                    0,
                    "expected the newest of the notes in checkpoints, found an older one");
        } else if (quiet && at < notes - 1 && !catchesUp()) {
            reasons.add("checkpoint is one behind checkpoints: the writer was interrupted; its next start finishes it");
        }
    }

    /** A running writer replaces {@code checkpoint} right after it added to {@code checkpoints}. */
    private boolean catchesUp() throws IOException, LogFault {
        for (int i = 0; i < RETRIES; i++) {
            byte[] now = content(files);
            if (now != null && !Arrays.equals(now, found)) {
                return true;
            }
            LockSupport.parkNanos(RETRY_NANOS);
        }
        return false;
    }
}
