package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.SealedCheckpoint;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** The records that the log itself writes; their types begin with {@code log.}, which no one else may use. */
final class LogRecords {

    static final String SEGMENT = "log.segment";
    static final String KEY = "log.key";
    static final String RECOVERED = "log.recovered";
    static final String ANCHORED = "log.anchored";
    static final String ANCHOR = "log.anchor";
    static final String RETIRED = "log.retired";

    /** Written by the log alone too: who could write it could claim an erasure that never was. */
    static final String ERASED = "content.erased";

    static final String PREFIX = "secure_runtime.log.";
    static final String ORIGIN = PREFIX + "origin";
    static final String NUMBER = PREFIX + "segment";
    static final String LOG_KEY = PREFIX + "key";
    static final String EPOCH_KEY = PREFIX + "epoch_key";
    static final String ML_DSA_KEY = PREFIX + "ml_dsa_key";
    static final String NEXT_KEY = PREFIX + "next_key";
    static final String CHECKPOINT = PREFIX + "checkpoint";
    static final String RETIRED_BELOW = PREFIX + "retired_below";
    static final String ANCHORED_SIZE = PREFIX + "anchored_size";
    static final String ANCHORED_CHECKPOINT = PREFIX + "anchored_checkpoint";
    static final String ANCHOR_NAME = PREFIX + "anchor";
    static final String EVIDENCE_KIND = PREFIX + "evidence_kind";
    static final String EVIDENCE = PREFIX + "evidence";

    /** The version of OpenTelemetry's semantic conventions whose GenAI names the records use. */
    private static final String CONVENTIONS = "1.37.0";

    private final String origin;
    private final VerifierKey logKey;
    private final VerifierKey firstEpochKey;
    private final @Nullable MlDsaKey mlDsaKey;

    LogRecords(SignerFile signer) {
        this.origin = signer.origin();
        this.logKey = signer.logKey();
        this.firstEpochKey = signer.firstEpochKey();
        this.mlDsaKey = signer.mlDsaKey();
    }

    /** The first record of a segment; the checkpoint's hash is filled in when the segment is started. */
    AuditEvent segment(long number) {
        AuditEvent.Builder event = AuditEvent.of(SEGMENT)
                .attribute(PREFIX + "format", LogFiles.FORMAT)
                .attribute(ORIGIN, origin)
                .attribute(NUMBER, number)
                .attribute(PREFIX + "semconv", CONVENTIONS);
        if (number == 0) {
            event.attribute(LOG_KEY, logKey.toString()).attribute(EPOCH_KEY, firstEpochKey.toString());
        }
        if (number == 0 && mlDsaKey != null) {
            event.attribute(ML_DSA_KEY, mlDsaKey.toString());
        }
        return event.attribute(CHECKPOINT, "0".repeat(RecordParser.HASH_DIGITS)).build();
    }

    /** Announces the key that signs after the checkpoint that covers this record. */
    static AuditEvent nextKey(VerifierKey key) {
        return AuditEvent.of(KEY).attribute(NEXT_KEY, key.toString()).build();
    }

    /** Says what a start found behind the newest checkpoint: a fragment that was cut off, and where how much of it is kept. */
    static AuditEvent recovered(String file, long bytes, String sha256, String fragment, long kept) {
        return AuditEvent.of(RECOVERED)
                .attribute(PREFIX + "recovered_file", file)
                .attribute(PREFIX + "recovered_bytes", bytes)
                .attribute(PREFIX + "recovered_sha256", sha256)
                .attribute(PREFIX + "recovered_as", fragment)
                .attribute(PREFIX + "recovered_kept", kept)
                .build();
    }

    /** Says that the records below {@code below} are removed, which an anchored checkpoint covers. */
    static AuditEvent retired(long below, long anchoredSize, byte[] anchored) {
        return AuditEvent.of(RETIRED)
                .attribute(RETIRED_BELOW, below)
                .attribute(ANCHORED_SIZE, anchoredSize)
                .attribute(ANCHORED_CHECKPOINT, Hex.text(anchored))
                .build();
    }

    /** Says that a start found whole records behind the newest checkpoint and continued after them. */
    static AuditEvent adopted(long records) {
        return AuditEvent.of(RECOVERED)
                .attribute(PREFIX + "adopted_records", records)
                .build();
    }

    /** Says that an anchor took a checkpoint, and what it gave for it. */
    static AuditEvent anchored(String anchor, SealedCheckpoint checkpoint, StoredEvidence evidence) {
        return AuditEvent.of(ANCHORED)
                .attribute(ANCHOR_NAME, anchor)
                .attribute(ANCHORED_SIZE, checkpoint.size())
                .attribute(CHECKPOINT, Hex.text(checkpoint.hash()))
                .attribute(EVIDENCE_KIND, evidence.kind())
                .attribute(EVIDENCE, Base64.getEncoder().encodeToString(evidence.bytes()))
                .build();
    }

    /** Says that an anchor is in another state than before. */
    static AuditEvent anchorState(String anchor, String state, @Nullable Throwable cause) {
        AuditEvent.Builder event =
                AuditEvent.of(ANCHOR).attribute(ANCHOR_NAME, anchor).attribute(PREFIX + "anchor_state", state);
        if (cause != null) {
            // The message may repeat what an anchor of others was configured with; the class doesn't.
            event.attribute("error.type", cause.getClass().getName());
        }
        return event.build();
    }
}
