package dev.secureruntime.core.audit;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.audit.VerificationResult.ForwardSecurity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks a log directory, a copy of one, or one that is being written, and says what it found.
 *
 * <p>What holds when the result is {@link VerificationResult.Intact}: every byte of {@code log.json}, {@code segments},
 * {@code checkpoints} and {@code checkpoint} is accounted for, by chain, RFC 6962 tree and both signatures, from the keys
 * that were pinned. What does not: records above the newest checkpoint are chained only, and a log that was cut back to an
 * older checkpoint looks like an older log. With the log key alone pinned, whoever stole that key could have rewritten the
 * past; the result then says that forward security was not checked.
 *
 * <p>It changes no file, follows no symbolic link inside the directory, and needs constant memory whatever the files hold. A
 * large log is checked on all processors, at most 16; the threads end before {@link #verify} returns.
 * Immutable and thread-safe. Format: {@code docs/audit-log-format.md}.
 */
public final class AuditLogVerifier {

    private final @Nullable VerifierKey logKey;
    private final @Nullable VerifierKey epochKey;

    private final List<Path> anchors;
    private final Progress progress;

    /** Is told how far a verification came. What it throws ends the verification and is thrown to its caller. */
    @FunctionalInterface
    public interface Progress {
        /**
         * Called now and then by the thread that verifies, not for small logs.
         *
         * @param bytes how much of the segments was read; grows
         * @param total the size of all segments when the verification began
         */
        void read(long bytes, long total);
    }

    private AuditLogVerifier(
            @Nullable VerifierKey logKey, @Nullable VerifierKey epochKey, List<Path> anchors, Progress progress) {
        this.logKey = logKey;
        this.epochKey = epochKey;
        this.anchors = List.copyOf(anchors);
        this.progress = progress;
    }

    /** A verifier without keys: it finds faults, but can vouch for nothing. */
    public static AuditLogVerifier withoutKeys() {
        return new AuditLogVerifier(null, null, List.of(), (bytes, total) -> {});
    }

    /**
     * A verifier that trusts these keys and no others.
     *
     * @param verifierKeys in C2SP signed-note form: the log key, then the first epoch key where forward security is to be
     *     checked
     * @throws IllegalArgumentException when they are not one or two such keys
     */
    public static AuditLogVerifier withKeys(List<String> verifierKeys) {
        if (verifierKeys.isEmpty() || verifierKeys.size() > 2) {
            throw new IllegalArgumentException(
                    "expected one or two verifier keys: the log key and the first epoch key");
        }
        VerifierKey log = VerifierKey.parse(verifierKeys.get(0));
        VerifierKey epoch = verifierKeys.size() == 2 ? VerifierKey.parse(verifierKeys.get(1)) : null;
        if (epoch != null && !epoch.name().equals(log.name() + LogFiles.EPOCH)) {
            throw new IllegalArgumentException("expected the log key first, then the first epoch key of the same log");
        }
        return new AuditLogVerifier(log, epoch, List.of(), (bytes, total) -> {});
    }

    /**
     * The same verifier, which also requires that the log has the checkpoints in these files: copies of {@code checkpoint},
     * or of the beginning of {@code checkpoints}, that were kept where a thief of the directory can't reach. So a log that was
     * cut back or forked since then is found out. A file that can't be read makes the verdict inconclusive.
     */
    public AuditLogVerifier anchoredBy(List<Path> files) {
        return new AuditLogVerifier(logKey, epochKey, files, progress);
    }

    /** The same verifier, which also tells how far it came. */
    public AuditLogVerifier reportingTo(Progress listener) {
        return new AuditLogVerifier(logKey, epochKey, anchors, listener);
    }

    /**
     * Verifies the log in a directory.
     *
     * @throws UncheckedIOException when {@code directory} is not a directory; what is wrong inside it is a result
     */
    public VerificationResult verify(Path directory) {
        if (!java.nio.file.Files.isDirectory(directory)) {
            throw new UncheckedIOException(new java.nio.file.NotDirectoryException(directory.toString()));
        }
        LogScan scan = new LogScan(new LogFiles(directory), logKey, epochKey);
        List<String> reasons = new ArrayList<>();
        anchors.forEach(scan::requireAnchor);
        scan.onProgress(progress);
        try {
            scan.run();
        } catch (LogFault e) {
            return new VerificationResult.Tampered(
                    scan.size(), scan.signed(), forward(scan), scan.proved(), e.firstBad());
        } catch (IOException e) {
            reasons.add("a file could not be read: " + e);
        }
        reasons.addAll(scan.reasons());
        if (logKey == null) {
            reasons.add("no key was given, and the log's own copy proves nothing");
        }
        if (!reasons.isEmpty()) {
            return new VerificationResult.Inconclusive(
                    scan.size(), scan.signed(), forward(scan), scan.proved(), reasons);
        }
        return new VerificationResult.Intact(scan.size(), scan.signed(), forward(scan), scan.proved(), notes(scan));
    }

    /** Where there is no log, or another key's, nothing was checked. */
    private ForwardSecurity forward(LogScan scan) {
        return epochKey == null || scan.epochKey() == null ? ForwardSecurity.NOT_CHECKED : ForwardSecurity.CHECKED;
    }

    private List<String> notes(LogScan scan) {
        List<String> notes = new ArrayList<>();
        if (scan.signed() < scan.size()) {
            notes.add((scan.size() - scan.signed()) + " records above the newest checkpoint are not yet signed");
        }
        if (epochKey == null) {
            notes.add("only the log key was pinned: forward security was not checked");
        }
        return notes;
    }
}
