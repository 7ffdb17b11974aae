package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.io.IOException;

/** What signs checkpoints under the log's name: a key of the signer file, or one in a device. */
interface LogSigner {

    VerifierKey verifier();

    /** Signs; returns nothing that its verifier wouldn't accept. */
    SignedNote.Signature sign(byte[] text) throws IOException;

    /** Wipes what this process holds of the key. */
    void destroy();
}
