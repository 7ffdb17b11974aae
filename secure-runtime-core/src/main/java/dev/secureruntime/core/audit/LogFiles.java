package dev.secureruntime.core.audit;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Where the parts of a log stand in its directory, and what stands in {@code log.json}.
 *
 * <pre>
 *   log.json                             origin and keys, for convenience; every byte follows from record 0
 *   segments/00000000000000000000.jsonl  records; the name is the index of the segment's first record
 *   checkpoints                          signed notes, separated by one empty line
 *   checkpoint                           the newest of them
 *   retired                              what proves the records that retention removed; there is none before
 *   recovered/                           fragments that a start cut off; derived
 *   lock                                 held by the writer; derived, like everything else
 * </pre>
 */
record LogFiles(Path directory) {

    static final String FORMAT = "secure-runtime-audit/1";
    static final String DESCRIPTION = "log.json";
    static final String SEGMENTS = "segments";
    static final String CHECKPOINTS = "checkpoints";
    static final String CHECKPOINT = "checkpoint";
    static final String RETIRED = "retired";
    static final String SUFFIX = ".jsonl";
    static final String EPOCH = "/epoch";
    static final String ML_DSA = "/ml-dsa";

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

    /** Where fragments are kept that a start cut off. */
    Path recovered() {
        return directory.resolve("recovered");
    }

    Path retired() {
        return directory.resolve(RETIRED);
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

    /** The index of the first record in a segment, by its name; empty where no segment has such a name. */
    static OptionalLong segmentFirst(Path segment) {
        String name = String.valueOf(segment.getFileName());
        try {
            long first = Long.parseLong(name.substring(0, Math.max(0, name.length() - SUFFIX.length())));
            return first >= 0 && segmentName(first).equals(name) ? OptionalLong.of(first) : OptionalLong.empty();
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    /** The size of a file, 0 when there is none. */
    static long size(Path file) throws IOException, LogFault {
        BasicFileAttributes found = attributes(file);
        if (found == null) {
            return 0;
        }
        if (!found.isRegularFile()) {
            throw new LogFault(0, String.valueOf(file.getFileName()), 0, "expected a regular file");
        }
        return found.size();
    }

    /**
     * What stands at a path, or null when there is nothing; follows no link.
     *
     * @throws IOException when it can't be told, as for want of a permission: that is not the same as nothing
     */
    static @Nullable BasicFileAttributes attributes(Path file) throws IOException {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /** The content of a small file, or null when there is none. */
    static byte @Nullable [] small(Path file, int limit) throws IOException, LogFault {
        if (attributes(file) == null) {
            return null;
        }
        if (size(file) > limit) {
            throw new LogFault(0, String.valueOf(file.getFileName()), 0, "expected at most " + limit + " bytes");
        }
        try (FileChannel channel = LineReader.openRegular(file)) {
            return Channels.newInputStream(channel).readNBytes(limit + 1);
        }
    }
}
