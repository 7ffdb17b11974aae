package dev.secureruntime.core.audit;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What {@code log.json} says: the log's origin and its first keys. It proves nothing; record 0 must say the same.
 */
record LogDescription(String origin, VerifierKey logKey, VerifierKey epochKey) {

    static final int MAX_BYTES = 4_096;

    private static final Pattern JSON = Pattern.compile(
            "\\{\"format\":\"[^\"\\\\]+\",\"origin\":\"([^\"\\\\]+)\",\"key\":\"([^\"\\\\]+)\",\"epochKey\":\"([^\"\\\\]+)\"}\n");

    /** Reads the file's content; throws {@link IllegalArgumentException} for anything but the one form. */
    static LogDescription parse(byte[] content) {
        Matcher matcher = JSON.matcher(new String(content, StandardCharsets.UTF_8));
        if (!matcher.matches()) {
            throw new IllegalArgumentException("expected format, origin, key and epochKey of " + LogFiles.FORMAT);
        }
        LogDescription description = new LogDescription(
                matcher.group(1), VerifierKey.parse(matcher.group(2)), VerifierKey.parse(matcher.group(3)));
        if (!description.logKey.name().equals(description.origin)
                || !description.epochKey.name().equals(description.origin + LogFiles.EPOCH)
                || !Arrays.equals(description.bytes(), content)) {
            throw new IllegalArgumentException("expected keys under the log's origin");
        }
        return description;
    }

    /** Reads the file's content, which must name the pinned keys; null where it is missing or a key is not pinned. */
    static LogDescription pinned(
            byte @Nullable [] content, @Nullable VerifierKey pinnedLog, @Nullable VerifierKey pinnedEpoch)
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
        return described;
    }

    private static void requirePinned(@Nullable VerifierKey pinned, VerifierKey found) throws LogFault {
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

    byte[] bytes() {
        return LogFiles.description(origin, logKey.toString(), epochKey.toString());
    }
}
