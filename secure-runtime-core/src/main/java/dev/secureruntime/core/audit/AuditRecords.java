package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.MalformedRecordException;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.StoredRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.BiConsumer;

/**
 * Reads records out of a log directory, for showing them. It checks their form, and neither chain nor signatures: that is
 * {@link AuditLogVerifier}'s. Reads whole segments only where they can hold a wanted record. Thread-safe.
 */
public final class AuditRecords {

    private AuditRecords() {}

    /**
     * Gives the records whose index is from {@code from} to {@code to}, both included, in order; of a log whose first records
     * were removed under retention, the ones that are left.
     *
     * @param reader gets each record and its stored line, without line feed
     * @throws IllegalArgumentException when the log holds something in between that is not a record, or when all that are
     *     asked for were removed
     */
    public static void read(Path directory, long from, long to, BiConsumer<StoredRecord, String> reader) {
        LogFiles files = new LogFiles(directory);
        try {
            RetiredHead retired = RetiredHead.read(files);
            try (SegmentsReader segments = SegmentsReader.open(files)) {
                if (retired != null) {
                    retired.requireLeft(to);
                    segments.startAt(retired.below(), retired.segment());
                }
                read(segments, from, to, reader);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (MalformedRecordException e) {
            throw new IllegalArgumentException("not a record: " + e.getMessage(), e);
        } catch (LogFault e) {
            throw new IllegalArgumentException(
                    e.firstBad().file() + ": " + e.firstBad().reason(), e);
        }
    }

    private static void read(SegmentsReader segments, long from, long to, BiConsumer<StoredRecord, String> reader)
            throws IOException, LogFault, MalformedRecordException {
        RecordParser parser = new RecordParser();
        long expected = segments.skipTo(from);
        while (expected <= to) {
            if (segments.next(expected) != LineReader.Kind.LINE) {
                return;
            }
            LineReader line = segments.lines();
            parser.parse(line.buffer(), line.from(), line.length());
            if (parser.seq() >= from && parser.seq() <= to) {
                reader.accept(
                        parser.record(), new String(line.buffer(), line.from(), line.length(), StandardCharsets.UTF_8));
            }
            expected++;
        }
    }

    /** Gets a record, and where its line stands. */
    @FunctionalInterface
    interface RecordListener {
        void record(StoredRecord record, String file, long offset) throws LogFault;
    }

    /** Gives those of the first {@code size} records that are of a type, in order. */
    static void ofType(LogFiles files, byte[] type, long size, RecordListener listener) throws IOException, LogFault {
        RecordParser parser = new RecordParser();
        try (SegmentsReader segments = SegmentsReader.left(files)) {
            for (long index = segments.skipTo(0); index < size; index++) {
                if (segments.next(index) != LineReader.Kind.LINE) {
                    return;
                }
                LineReader line = segments.lines();
                parser.parse(line.buffer(), line.from(), line.length());
                if (parser.isType(type)) {
                    listener.record(parser.record(), segments.file(), segments.offset());
                }
            }
        } catch (MalformedRecordException e) {
            throw new IOException("the log changed while it was verified: " + e.getMessage(), e);
        }
    }
}
