package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.StoredRecord;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a log's directory holds, in order, also where it is damaged: lines, checkpoints, and the places that hold neither.
 * For showing a log to people, whatever its verdict.
 *
 * <p>It vouches for nothing: an index is the place of a line, not what the line says of itself. That is {@link
 * AuditLogVerifier}'s. Constant memory; follows no symbolic link inside the directory. Thread-safe.
 */
public final class StoredLog {

    private StoredLog() {}

    /** Something that is stored. */
    public sealed interface Item {}

    /**
     * A line of a segment.
     *
     * @param index its place, counted from the name of the first segment
     * @param bytes the stored bytes, without the line feed
     * @param record what it says; empty where it is no record
     */
    public record Line(long index, byte[] bytes, Optional<StoredRecord> record) implements Item {}

    /**
     * A checkpoint, behind the lines that it says to cover.
     *
     * @param size the number of records that it covers; empty where it is no checkpoint
     * @param bytes the stored note
     */
    public record Note(OptionalLong size, byte[] bytes) implements Item {}

    /**
     * A place that holds neither: the rest of an interrupted write, or something that can't be read.
     *
     * @param index the place of the line that was expected
     * @param file relative to the log's directory
     */
    public record Gap(long index, String file, String reason) implements Item {}

    /**
     * Gives what is stored: lines up to index {@code end}, not included, and checkpoints up to that size.
     *
     * @throws IOException when the directory itself can't be listed
     */
    public static void read(Path directory, long end, Consumer<Item> reader) throws IOException {
        LogFiles files = new LogFiles(directory);
        try (Lines lines = new Lines(files, end, reader)) {
            try (NoteReader notes = NoteReader.open(files.checkpoints(), Files.size(files.checkpoints()))) {
                for (byte[] note = notes.next(); note != null; note = notes.next()) {
                    OptionalLong size = size(note);
                    if (size.orElse(0) > end) {
                        break;
                    }
                    lines.readTo(size.orElse(0));
                    reader.accept(new Note(size, note));
                }
            } catch (NoSuchFileException e) {
                reader.accept(new Gap(lines.index, LogFiles.CHECKPOINTS, "there is no such file"));
            } catch (IOException e) {
                reader.accept(new Gap(lines.index, LogFiles.CHECKPOINTS, "can't be read: " + e.getMessage()));
            }
            lines.readTo(end);
        }
    }

    private static OptionalLong size(byte[] note) {
        try {
            return OptionalLong.of(
                    Checkpoint.parse(SignedNote.parse(note).text()).size());
        } catch (IllegalArgumentException e) {
            return OptionalLong.empty();
        }
    }

    /** The lines of all segments, one after the other. */
    private static final class Lines implements AutoCloseable {

        private final byte[] buffer = new byte[LineReader.BUFFER];
        private final RecordParser parser = new RecordParser();
        private final List<Path> segments = new ArrayList<>();
        private final Consumer<Item> reader;
        private final long end;
        private @Nullable LineReader current;
        private int next;
        private long index;

        Lines(LogFiles files, long end, Consumer<Item> reader) throws IOException {
            this.reader = reader;
            this.end = end;
            if (Files.isDirectory(files.segments(), LinkOption.NOFOLLOW_LINKS)) {
                try (DirectoryStream<Path> stream = Files.newDirectoryStream(files.segments(), "*" + LogFiles.SUFFIX)) {
                    stream.forEach(segments::add);
                }
            }
            segments.sort(Comparator.comparing(path -> path.getFileName().toString()));
            if (!segments.isEmpty()) {
                index = LogFiles.segmentFirst(segments.get(0)).orElse(0);
            }
        }

        void readTo(long size) throws IOException {
            while (index < Math.min(size, end)) {
                LineReader lines = current == null ? openNext() : current;
                if (lines == null) {
                    return;
                }
                try {
                    read(lines);
                } catch (IOException e) {
                    gap("can't be read: " + e.getMessage());
                    close();
                }
            }
        }

        private @Nullable LineReader openNext() {
            while (next < segments.size()) {
                Path segment = segments.get(next++);
                try {
                    current = LineReader.open(segment, Long.MAX_VALUE, buffer);
                    return current;
                } catch (IOException e) {
                    gap("can't be read: " + e.getMessage());
                }
            }
            return null;
        }

        private void read(LineReader lines) throws IOException {
            LineReader.Kind kind = lines.next();
            if (kind == LineReader.Kind.LINE) {
                byte[] bytes = Arrays.copyOfRange(lines.buffer(), lines.from(), lines.from() + lines.length());
                reader.accept(new Line(index, bytes, record(bytes)));
                index++;
                return;
            }
            if (kind != LineReader.Kind.END) {
                gap(
                        kind == LineReader.Kind.FRAGMENT
                                ? lines.length() + " bytes without a line feed"
                                : "a line of more than 65,535 bytes; what follows it in the segment is not shown");
            }
            close();
        }

        private Optional<StoredRecord> record(byte[] bytes) {
            try {
                parser.parse(bytes, 0, bytes.length);
                return Optional.of(parser.record());
            } catch (MalformedRecordException e) {
                return Optional.empty();
            }
        }

        private void gap(String reason) {
            String file = next == 0 ? "" : "/" + segments.get(next - 1).getFileName();
            reader.accept(new Gap(index, LogFiles.SEGMENTS + file, reason));
        }

        @Override
        public void close() throws IOException {
            LineReader open = current;
            current = null;
            if (open != null) {
                open.close();
            }
        }
    }
}
