package dev.secureruntime.audit;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How an audit log is kept. Immutable: each method gives a changed copy.
 */
public final class AuditSettings {

    /** The clock of the process can count it in nanoseconds. */
    private static final Duration LONGEST = Duration.ofDays(36_525);

    private final Path directory;
    private final Path signer;
    private final String name;
    private final Duration checkpointInterval;
    private final int checkpointRecords;
    private final long segmentBytes;
    private final @Nullable ContentSettings content;
    private final @Nullable LogKey logKey;
    private final Duration logKeyPatience;
    private final boolean postQuantum;
    private final Map<String, Anchor> anchors;
    private final Duration anchorInterval;
    private final Duration segmentInterval;

    private AuditSettings(Draft draft) {
        this.directory = draft.directory;
        this.signer = draft.signer;
        this.name = draft.name;
        this.checkpointInterval = draft.checkpointInterval;
        this.checkpointRecords = draft.checkpointRecords;
        this.segmentBytes = draft.segmentBytes;
        this.content = draft.content;
        this.logKey = draft.logKey;
        this.logKeyPatience = draft.logKeyPatience;
        this.postQuantum = draft.postQuantum;
        this.anchors = Collections.unmodifiableMap(draft.anchors);
        this.anchorInterval = draft.anchorInterval;
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
        private @Nullable ContentSettings content;
        private @Nullable LogKey logKey;
        private Duration logKeyPatience = Duration.ofSeconds(30);
        private boolean postQuantum;
        private Map<String, Anchor> anchors = new LinkedHashMap<>();
        private Duration anchorInterval = Duration.ofMinutes(1);
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
        draft.content = content;
        draft.logKey = logKey;
        draft.logKeyPatience = logKeyPatience;
        draft.postQuantum = postQuantum;
        draft.anchors = new LinkedHashMap<>(anchors);
        draft.anchorInterval = anchorInterval;
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

    /**
     * Signs a checkpoint after this time or this number of records, whichever comes first.
     *
     * @throws IllegalArgumentException when the time is none or longer than 100 years, or the number is below 1
     */
    public AuditSettings checkpointEvery(Duration interval, int records) {
        requireTime("the time between checkpoints", interval);
        if (records < 1) {
            throw new IllegalArgumentException("the number of records between checkpoints is at least 1");
        }
        return with(draft -> {
            draft.checkpointInterval = interval;
            draft.checkpointRecords = records;
        });
    }

    /**
     * Starts a new segment when the current one would grow beyond this size.
     *
     * @throws IllegalArgumentException when it is below 1
     */
    public AuditSettings segmentBytes(long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("the size of a segment is at least 1");
        }
        return with(draft -> draft.segmentBytes = bytes);
    }

    /** Keeps content in a store beside the log, also the bodies of guarded calls. Without it, only commitments are kept. */
    public AuditSettings content(ContentSettings content) {
        return with(draft -> draft.content = content);
    }

    /** Signs with a log key that is not in the signer file; 30 seconds of patience. The epoch keys stay in the file. */
    public AuditSettings logKey(LogKey key) {
        return with(draft -> draft.logKey = key);
    }

    /**
     * Signs with a log key that is not in the signer file.
     *
     * @param patience how long a checkpoint waits for a signature, tries and pauses together; then the log fails closed
     * @throws IllegalArgumentException when it is negative or longer than 100 years
     */
    public AuditSettings logKey(LogKey key, Duration patience) {
        if (patience.isNegative() || patience.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("the patience with the log key is from nothing to 100 years");
        }
        return with(draft -> {
            draft.logKey = key;
            draft.logKeyPatience = patience;
        });
    }

    /**
     * Gives a new log a further key, and each of its checkpoints a further signature, of ML-DSA-44 (FIPS 204). A log that
     * was started without can't be given one later.
     */
    public AuditSettings postQuantum() {
        return with(draft -> draft.postQuantum = true);
    }

    /**
     * Gives every anchored checkpoint to {@code anchor} too. With several, a record is anchored when all have taken it.
     *
     * @param name stands in the log's records: 1 to 64 of {@code a-z 0-9 . _ -}
     * @throws IllegalArgumentException when the name has other characters or was given before
     */
    public AuditSettings anchor(String name, Anchor anchor) {
        if (!name.matches("[a-z0-9._-]{1,64}") || anchors.containsKey(name)) {
            throw new IllegalArgumentException("the name of an anchor is new and has 1 to 64 of a-z 0-9 . _ -");
        }
        return with(draft -> draft.anchors.put(name, Objects.requireNonNull(anchor)));
    }

    /**
     * Gives the anchors the newest checkpoint after this time (default: a minute) when something was appended; also at the start,
     * when a segment ends, when someone waits for {@link Receipt.Stage#ANCHORED}, and on close.
     *
     * @throws IllegalArgumentException when the time is none or longer than 100 years
     */
    public AuditSettings anchorEvery(Duration interval) {
        requireTime("the time between anchorings", interval);
        return with(draft -> draft.anchorInterval = interval);
    }

    private static void requireTime(String what, Duration time) {
        if (time.isNegative() || time.isZero() || time.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(what + " is longer than nothing and at most 100 years");
        }
    }

    /** The anchors by name. */
    public Map<String, Anchor> anchors() {
        return anchors;
    }

    /** The longest time between two anchorings while records are appended. */
    public Duration anchorInterval() {
        return anchorInterval;
    }

    /**
     * Starts a new segment when the current one is this old and holds a record beside its first. Retention removes whole
     * segments, so this is also how finely it can cut.
     *
     * @throws IllegalArgumentException when the time is none or longer than 100 years
     */
    public AuditSettings segmentEvery(Duration interval) {
        requireTime("the age of a segment", interval);
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

    /** How content is kept; empty when it isn't. */
    public Optional<ContentSettings> content() {
        return Optional.ofNullable(content);
    }

    /** The log key that is not in the signer file, if there is one. */
    public Optional<LogKey> logKey() {
        return Optional.ofNullable(logKey);
    }

    /** How long a checkpoint waits for the signature of {@link #logKey()}. */
    public Duration logKeyPatience() {
        return logKeyPatience;
    }

    /** Whether a new log's checkpoints have an ML-DSA-44 signature too. */
    public boolean isPostQuantum() {
        return postQuantum;
    }

    /** The age at which a segment is ended. */
    public Duration segmentInterval() {
        return segmentInterval;
    }
}
