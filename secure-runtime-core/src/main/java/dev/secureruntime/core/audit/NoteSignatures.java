package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;

/**
 * Which signatures a checkpoint of a log carries, in which order: the log key's, the epoch key's, and the ML-DSA key's
 * exactly where the log announced one.
 */
record NoteSignatures(SignedNote note, Checkpoint checkpoint, long offset) {

    private static final int LOG = 0;
    private static final int EPOCH = 1;
    private static final int ML_DSA = 2;

    /** How many signatures each checkpoint has. */
    static int count(LogDescription description) {
        return description.mlDsaKey() == null ? 2 : 3;
    }

    /** Requires the right number, and those by the keys that never change. */
    void requireOfLog(LogDescription description) throws LogFault {
        MlDsaKey mlDsa = description.mlDsaKey();
        if (note.signatures().size() != count(description)) {
            throw fault("expected two signatures: log key and epoch key"
                    + (mlDsa == null ? "" : "; and a third, of the ML-DSA key"));
        }
        require(description.logKey(), LOG);
        if (mlDsa != null && !mlDsa.signed(checkpoint, note.signatures().get(ML_DSA))) {
            throw fault("expected a valid signature of the ML-DSA key " + mlDsa.name());
        }
    }

    /** Requires the one by the current epoch's key. */
    void requireOfEpoch(VerifierKey key) throws LogFault {
        require(key, EPOCH);
    }

    private void require(VerifierKey key, int place) throws LogFault {
        if (!key.signed(note.text(), note.signatures().get(place))) {
            throw fault("expected a valid signature of " + key);
        }
    }

    private LogFault fault(String reason) {
        return new LogFault(checkpoint.size(), LogFiles.CHECKPOINTS, offset, reason);
    }
}
