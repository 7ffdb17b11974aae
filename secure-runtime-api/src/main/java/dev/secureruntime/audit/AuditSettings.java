package dev.secureruntime.audit;

import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;

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
    private final Duration segmentInterval;

    private AuditSettings(Draft draft) {
        this.directory = draft.directory;
        this.signer = draft.signer;
        this.name = draft.name;
        this.checkpointInterval = draft.checkpointInterval;
        this.checkpointRecords = draft.checkpointRecords;
        this.segmentBytes = draft.segmentBytes;
        this.segmentInterval = draft.segmentInterval;
    }

    /** The values of the next copy. */
    private static final class Draft {

        private final Path directory;
        private Path signer;
        private String name = "secure-runtime";
        private Duration checkpointInterval = Duration.ofMillis(250);
        private int checkpointRecords = 4_096;
        private long segmentBytes = 64L << 20;
        private Duration segmentInterval = Duration.ofDays(1);

        Draft(Path directory) {
            this.directory = directory;
            this.signer = directory.resolveSibling(directory.getFileName() + ".signer");
        }
    }

    private AuditSettings with(Consumer<Draft> change) {
        Draft draft = new Draft(directory);
        draft.signer = signer;
        draft.name = name;
        draft.checkpointInterval = checkpointInterval;
        draft.checkpointRecords = checkpointRecords;
        draft.segmentBytes = segmentBytes;
        draft.segmentInterval = segmentInterval;
        change.accept(draft);
        return new AuditSettings(draft);
    }

    /** A log in {@code directory} with the defaults of the format. */
    public static AuditSettings in(Path directory) {
        return new AuditSettings(new Draft(directory.toAbsolutePath().normalize()));
    }

    /** The file that holds the signing keys; it must lie outside the log's directory. */
    public AuditSettings signer(Path file) {
        return with(draft -> draft.signer = file);
    }

    /** The name that a new log's origin starts with. */
    public AuditSettings name(String name) {
        return with(draft -> draft.name = name);
    }

    /** Signs a checkpoint after this time or this number of records, whichever comes first. */
    public AuditSettings checkpointEvery(Duration interval, int records) {
        return with(draft -> {
            draft.checkpointInterval = interval;
            draft.checkpointRecords = records;
        });
    }

    /** Starts a new segment when the current one would grow beyond this size. */
    public AuditSettings segmentBytes(long bytes) {
        return with(draft -> draft.segmentBytes = bytes);
    }

    /**
     * Starts a new segment when the current one is this old and holds a record beside its first. Retention removes whole
     * segments, so this is also how finely it can cut.
     */
    public AuditSettings segmentEvery(Duration interval) {
        return with(draft -> draft.segmentInterval = interval);
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

    /** The age at which a segment is ended. */
    public Duration segmentInterval() {
        return segmentInterval;
    }
}
