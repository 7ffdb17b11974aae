package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.core.audit.format.VerifierKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What {@code log.json} says: the log's origin and its first keys. It proves nothing; record 0 must say the same.
 */
record LogDescription(String origin, VerifierKey logKey, VerifierKey epochKey, @Nullable MlDsaKey mlDsaKey) {

    static final int MAX_BYTES = 4_096;

    private static final String TEXT = "\"([^\"\\\\]+)\"";
    private static final Pattern JSON = Pattern.compile("\\{\"format\":" + TEXT + ",\"origin\":" + TEXT + ",\"key\":"
            + TEXT + ",\"epochKey\":" + TEXT + "(?:,\"mlDsaKey\":" + TEXT + ")?}\n");

    /** Of a log without an ML-DSA key. */
    LogDescription(String origin, VerifierKey logKey, VerifierKey epochKey) {
        this(origin, logKey, epochKey, null);
    }

    /** What the signer's log says of itself. */
    static LogDescription of(SignerFile signer) {
        return new LogDescription(signer.origin(), signer.logKey(), signer.firstEpochKey(), signer.mlDsaKey());
    }

    /** Reads the file's content; throws {@link IllegalArgumentException} for anything but the one form. */
    static LogDescription parse(byte[] content) {
        Matcher matcher = JSON.matcher(new String(content, StandardCharsets.UTF_8));
        if (!matcher.matches()) {
            throw new IllegalArgumentException("expected format, origin, key and epochKey of " + LogFiles.FORMAT);
        }
        String mlDsa = matcher.group(5);
        LogDescription description = new LogDescription(
                matcher.group(2),
                VerifierKey.parse(matcher.group(3)),
                VerifierKey.parse(matcher.group(4)),
                mlDsa == null ? null : MlDsaKey.parse(mlDsa));
        if (!description.hasKeysOfOrigin() || !Arrays.equals(description.bytes(), content)) {
            throw new IllegalArgumentException("expected keys under the log's origin");
        }
        return description;
    }

    private boolean hasKeysOfOrigin() {
        return logKey.name().equals(origin)
                && epochKey.name().equals(origin + LogFiles.EPOCH)
                && (mlDsaKey == null || mlDsaKey.name().equals(origin + LogFiles.ML_DSA));
    }

    /** Reads the file's content, which must name the pinned keys; null where it is missing or a key is not pinned. */
    static LogDescription pinned(
            byte @Nullable [] content,
            @Nullable VerifierKey pinnedLog,
            @Nullable VerifierKey pinnedEpoch,
            @Nullable MlDsaKey pinnedMlDsa)
            throws LogFault {
        if (content == null) {
            throw new LogFault(0, LogFiles.DESCRIPTION, 0, "expected the file, which names the log's origin and keys");
        }
        LogDescription described;
        try {
            described = parse(content);
        } catch (IllegalArgumentException e) {
            throw new LogFault(0, LogFiles.DESCRIPTION, 0, String.valueOf(e.getMessage()));
        }
        requirePinned(pinnedLog, described.logKey);
        requirePinned(pinnedEpoch, described.epochKey);
        requirePinned(pinnedMlDsa, described.mlDsaKey);
        return described;
    }

    private static void requirePinned(@Nullable Object pinned, @Nullable Object found) throws LogFault {
        if (pinned != null && !pinned.equals(found)) {
            throw new LogFault(0, LogFiles.DESCRIPTION, 0, "expected the pinned key " + pinned + ", found " + found);
        }
    }

    /** The key of the next epoch that a {@code log.key} record names; throws {@link IllegalArgumentException} for any other. */
    VerifierKey nextEpoch(StoredRecord record) {
        String text = record.text(LogRecords.NEXT_KEY);
        VerifierKey key = VerifierKey.parse(text == null ? "" : text);
        if (!key.name().equals(origin + LogFiles.EPOCH)) {
            throw new IllegalArgumentException("expected a verifier key under the name " + origin + LogFiles.EPOCH);
        }
        return key;
    }

    /** The exact content of {@code log.json}. */
    byte[] bytes() {
        // Origin and keys hold no character that JSON would escape.
        String json = "{\"format\":\"" + LogFiles.FORMAT + "\",\"origin\":\"" + origin + "\",\"key\":\"" + logKey
                + "\",\"epochKey\":\"" + epochKey + (mlDsaKey == null ? "" : "\",\"mlDsaKey\":\"" + mlDsaKey) + "\"}\n";
        return json.getBytes(StandardCharsets.UTF_8);
    }
}
