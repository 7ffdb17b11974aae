package dev.secureruntime.core.audit;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Where the parts of a log stand in its directory, and what stands in {@code log.json}.
 *
 * <pre>
 *   log.json                             origin and keys, for convenience; every byte follows from record 0
 *   segments/00000000000000000000.jsonl  records; the name is the index of the segment's first record
 *   checkpoints                          signed notes, separated by one empty line
 *   checkpoint                           the newest of them
 *   lock                                 held by the writer; derived, like everything else
 * </pre>
 */
record LogFiles(Path directory) {

    static final String FORMAT = "secure-runtime-audit/1";
    static final String DESCRIPTION = "log.json";
    static final String SEGMENTS = "segments";
    static final String CHECKPOINTS = "checkpoints";
    static final String CHECKPOINT = "checkpoint";
    static final String SUFFIX = ".jsonl";
    static final String EPOCH = "/epoch";

    private static final int NAME_DIGITS = 20;

    Path description() {
        return directory.resolve(DESCRIPTION);
    }

    Path segments() {
        return directory.resolve(SEGMENTS);
    }

    Path checkpoints() {
        return directory.resolve(CHECKPOINTS);
    }

    Path checkpoint() {
        return directory.resolve(CHECKPOINT);
    }

    Path lock() {
        return directory.resolve("lock");
    }

    /** The file of the segment whose first record has this index. */
    Path segment(long first) {
        return segments().resolve(segmentName(first));
    }

    static String segmentName(long first) {
        String digits = Long.toString(first);
        return "0".repeat(NAME_DIGITS - digits.length()) + digits + SUFFIX;
    }

    /** The exact content of {@code log.json}. */
    static byte[] description(String origin, String logKey, String epochKey) {
        // Origin and keys hold no character that JSON would escape.
        String json = "{\"format\":\"" + FORMAT + "\",\"origin\":\"" + origin + "\",\"key\":\"" + logKey
                + "\",\"epochKey\":\"" + epochKey + "\"}\n";
        return json.getBytes(StandardCharsets.UTF_8);
    }
}
