package dev.secureruntime.core.audit;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

    byte[] bytes() {
        return LogFiles.description(origin, logKey.toString(), epochKey.toString());
    }
}
