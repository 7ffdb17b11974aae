package dev.secureruntime.audit;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How an audit log is kept. Immutable: each method gives a changed copy.
 */
public final class AuditSettings {

    private final Path directory;
    private final Path signer;
    private final String name;
    private final Duration checkpointInterval;
    private final int checkpointRecords;
    private final long segmentBytes;

    private AuditSettings(
            Path directory,
            @Nullable Path signer,
            String name,
            Duration checkpointInterval,
            int checkpointRecords,
            long segmentBytes) {
        Path absolute = directory.toAbsolutePath().normalize();
        this.directory = absolute;
        this.signer = signer != null ? signer : absolute.resolveSibling(absolute.getFileName() + ".signer");
        this.name = name;
        this.checkpointInterval = checkpointInterval;
        this.checkpointRecords = checkpointRecords;
        this.segmentBytes = segmentBytes;
    }

    /** A log in {@code directory} with the defaults of the format. */
    public static AuditSettings in(Path directory) {
        return new AuditSettings(directory, null, "secure-runtime", Duration.ofMillis(250), 4_096, 64L << 20);
    }

    /** The file that holds the signing keys; it must lie outside the log's directory. */
    public AuditSettings signer(Path file) {
        return new AuditSettings(directory, file, name, checkpointInterval, checkpointRecords, segmentBytes);
    }

    /** The name that a new log's origin starts with. */
    public AuditSettings name(String name) {
        return new AuditSettings(directory, signer, name, checkpointInterval, checkpointRecords, segmentBytes);
    }

    /** Signs a checkpoint after this time or this number of records, whichever comes first. */
    public AuditSettings checkpointEvery(Duration interval, int records) {
        return new AuditSettings(directory, signer, name, interval, records, segmentBytes);
    }

    /** Starts a new segment when the current one would grow beyond this size. */
    public AuditSettings segmentBytes(long bytes) {
        return new AuditSettings(directory, signer, name, checkpointInterval, checkpointRecords, bytes);
    }

    /** The log's directory. */
    public Path directory() {
        return directory;
    }

    /** The file of the signing keys. */
    public Path signer() {
        return signer;
    }

    /** The name that a new log's origin starts with. */
    public String name() {
        return name;
    }

    /** The longest time before a record is signed. */
    public Duration checkpointInterval() {
        return checkpointInterval;
    }

    /** The largest number of records before they are signed. */
    public int checkpointRecords() {
        return checkpointRecords;
    }

    /** The size in bytes that a segment doesn't grow beyond. */
    public long segmentBytes() {
        return segmentBytes;
    }
}
