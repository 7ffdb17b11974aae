package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AnchorEvidence;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Evidence of an anchor as it stands in a {@code log.anchored} record: its kind, and bytes.
 *
 * <pre>
 *   kept          the place, UTF-8
 *   cosignature   signature lines of C2SP signed-note, each with its line feed
 *   timestamp     an RFC 3161 time-stamp token, DER
 * </pre>
 */
record StoredEvidence(String kind, byte[] bytes) {

    static final String KEPT = "kept";
    static final String COSIGNATURE = "cosignature";
    static final String TIMESTAMP = "timestamp";

    /** In base64 it leaves room for the rest of a record of 65,535 bytes. */
    static final int MAX_BYTES = 40_000;

    static StoredEvidence of(AnchorEvidence evidence) throws IOException {
        StoredEvidence stored;
        if (evidence instanceof AnchorEvidence.Kept kept) {
            stored = new StoredEvidence(KEPT, kept.place().getBytes(StandardCharsets.UTF_8));
        } else if (evidence instanceof AnchorEvidence.Cosigned cosigned) {
            String lines = String.join("\n", cosigned.lines()) + "\n";
            stored = new StoredEvidence(COSIGNATURE, lines.getBytes(StandardCharsets.UTF_8));
        } else {
            stored = new StoredEvidence(TIMESTAMP, ((AnchorEvidence.TimeStamped) evidence).token());
        }
        if (stored.bytes.length > MAX_BYTES) {
            throw new IOException(
                    "the anchor's evidence has " + stored.bytes.length + " bytes; a record has room for " + MAX_BYTES);
        }
        return stored;
    }
}
