package dev.secureruntime.core.audit;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The lines of all segments in order, up to where the segments ended when it was opened. Not thread-safe.
 */
final class SegmentsReader implements AutoCloseable {

    private static final int RETRIES = 200;
    private static final long RETRY_NANOS = 5_000_000;

    private final byte[] buffer = new byte[LineReader.BUFFER];
    private final List<Path> segments;
    private final long lastSize;
    private final long bytes;
    private @Nullable LineReader reader;
    private int current = -1;
    private long firstNumber;
    private long start;
    private final List<Path> removed = new ArrayList<>();
    private boolean firstOfSegment;
    private long limit;

    private SegmentsReader(List<Path> segments, long lastSize, long bytes) {
        this.segments = segments;
        this.lastSize = lastSize;
        this.bytes = bytes;
    }

    static SegmentsReader open(LogFiles files) throws IOException {
        List<Path> segments = new ArrayList<>();
        BasicFileAttributes directory = LogFiles.attributes(files.segments());
        if (directory != null && directory.isDirectory()) {
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(files.segments())) {
                for (Path path : stream) {
                    if (path.getFileName().toString().endsWith(LogFiles.SUFFIX)) {
                        segments.add(path);
                    }
                }
            }
        }
        segments.sort(
                (a, b) -> a.getFileName().toString().compareTo(b.getFileName().toString()));
        long lastSize = 0;
        long bytes = 0;
        for (Path segment : List.copyOf(segments)) {
            BasicFileAttributes found = LogFiles.attributes(segment);
            if (found == null) {
                // Retention removed it since it was listed; whether it may be missing, the records say.
                segments.remove(segment);
            } else {
                lastSize = found.isRegularFile() ? found.size() : 1;
                bytes += lastSize;
            }
        }
        return new SegmentsReader(segments, lastSize, bytes);
    }

    /** Requires that the segments are in a directory of the log: a link to one is not followed. */
    static void requireDirectory(LogFiles files) throws IOException, LogFault {
        BasicFileAttributes found = LogFiles.attributes(files.segments());
        if (found != null && !found.isDirectory()) {
            throw new LogFault(0, LogFiles.SEGMENTS, 0, "expected a directory");
        }
    }

    /** Leaves out the segments below {@code index}, which retention has removed or is about to. */
    void startAt(long index, long number) {
        for (Path segment : List.copyOf(segments)) {
            // What has another name than a segment stays: it was not removed, and is a fault.
            if (LogFiles.segmentFirst(segment).orElse(Long.MAX_VALUE) < index) {
                segments.remove(segment);
                removed.add(segment);
            }
        }
        firstNumber = number;
        start = index;
    }

    /** The lines of what retention left. */
    static SegmentsReader left(LogFiles files) throws IOException, LogFault {
        RetiredHead retired = RetiredHead.read(files);
        SegmentsReader segments = open(files);
        if (retired != null) {
            segments.startAt(retired.below(), retired.segment());
        }
        return segments;
    }

    /** Whether the segments that were left out are gone; a running writer that removes them does so one after the other. */
    boolean areRemovedGone() {
        long left = removedLeft();
        for (int i = 0; i < RETRIES && left > 0; i++) {
            LockSupport.parkNanos(RETRY_NANOS);
            long now = removedLeft();
            i = now < left ? 0 : i;
            left = now;
        }
        return left == 0;
    }

    private long removedLeft() {
        return removed.stream().filter(Files::exists).count();
    }

    /**
     * Starts with the segment that holds record {@code index}, going by the names of the segments; returns the index of the
     * record that comes first.
     */
    long skipTo(long index) {
        long first = start;
        String wanted = LogFiles.segmentName(index);
        for (int i = 0; i < segments.size(); i++) {
            String name = segments.get(i).getFileName().toString();
            if (name.matches("[0-9]{20}\\.jsonl") && name.compareTo(wanted) <= 0) {
                current = i - 1;
                first = Long.parseLong(name.substring(0, name.length() - LogFiles.SUFFIX.length()));
            }
        }
        return first;
    }

    /** The size of all segments when this was opened. */
    long bytes() {
        return bytes;
    }

    boolean isEmpty() {
        return segments.isEmpty();
    }

    /**
     * The next line; {@link LineReader.Kind#END} behind the last one.
     *
     * @param expected the index that the line should have, for the name of a segment that starts with it
     * @throws LogFault when a segment is not a file or not the one that should follow
     */
    LineReader.Kind next(long expected) throws IOException, LogFault {
        LineReader.Kind kind = reader == null ? LineReader.Kind.END : reader.next();
        firstOfSegment = false;
        while (kind == LineReader.Kind.END && current + 1 < segments.size()) {
            openNext(expected);
            kind = lines().next();
            firstOfSegment = true;
            if (kind == LineReader.Kind.END && !isLast()) {
                throw new LogFault(expected, file(), 0, "expected records in the segment, found none");
            }
        }
        return kind;
    }

    private void openNext(long expected) throws IOException, LogFault {
        close();
        current++;
        Path path = segments.get(current);
        BasicFileAttributes found = LogFiles.attributes(path);
        if (found == null || !found.isRegularFile()) {
            throw new LogFault(expected, file(), 0, "expected a regular file");
        }
        String name = LogFiles.segmentName(expected);
        if (!path.getFileName().toString().equals(name)) {
            throw new LogFault(
                    expected, file(), 0, "expected the segment " + name + ", which starts with record " + expected);
        }
        // A segment that has one after it doesn't grow: whoever reads on behind its end would only wait for nothing.
        limit = isLast() ? lastSize : Files.size(path);
        reader = LineReader.open(path, limit, buffer);
    }

    boolean isOpen() {
        return reader != null;
    }

    /** How far the current segment reached: what ends before that is whole. */
    long limit() {
        return limit;
    }

    /** The reader that holds the current line. */
    LineReader lines() {
        if (reader == null) {
            throw new IllegalStateException("no segment is open");
        }
        return reader;
    }

    /** Whether the current segment is the newest. */
    boolean isLast() {
        return current == segments.size() - 1;
    }

    boolean isFirstOfSegment() {
        return firstOfSegment;
    }

    /** The number of the current segment, from 0. */
    long number() {
        return firstNumber + Math.max(current, 0);
    }

    /** The current segment's path relative to the log's directory. */
    String file() {
        return current < 0
                ? LogFiles.SEGMENTS
                : LogFiles.SEGMENTS + "/" + segments.get(current).getFileName();
    }

    /** The offset of the current line, or of the end. */
    long offset() {
        return reader == null ? 0 : reader.offset();
    }

    @Override
    public void close() throws IOException {
        if (reader != null) {
            reader.close();
            reader = null;
        }
    }
}
