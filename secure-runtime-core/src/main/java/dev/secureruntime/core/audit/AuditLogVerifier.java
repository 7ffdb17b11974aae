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
 * <p>It changes no file, follows no symbolic link inside the directory, and needs constant memory whatever the files hold.
 * Immutable and thread-safe. Format: {@code docs/audit-log-format.md}.
 */
public final class AuditLogVerifier {

    /** How often records may be removed under retention while they are being read. */
    private static final int OVERTAKEN = 3;

    private final @Nullable VerifierKey logKey;
    private final @Nullable VerifierKey epochKey;

    private final List<Path> anchors;

    private AuditLogVerifier(@Nullable VerifierKey logKey, @Nullable VerifierKey epochKey, List<Path> anchors) {
        this.logKey = logKey;
        this.epochKey = epochKey;
        this.anchors = List.copyOf(anchors);
    }

    /** A verifier without keys: it finds faults, but can vouch for nothing. */
    public static AuditLogVerifier withoutKeys() {
        return new AuditLogVerifier(null, null, List.of());
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
        return new AuditLogVerifier(log, epoch, List.of());
    }

    /**
     * The same verifier, which also requires that the log has the checkpoints in these files: copies of {@code checkpoint},
     * or of the beginning of {@code checkpoints}, that were kept where a thief of the directory can't reach. So a log that was
     * cut back or forked since then is found out. A file that can't be read makes the verdict inconclusive.
     */
    public AuditLogVerifier anchoredBy(List<Path> files) {
        return new AuditLogVerifier(logKey, epochKey, files);
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
        LogFiles files = new LogFiles(directory);
        VerificationResult result = null;
        for (int i = 0; i < OVERTAKEN; i++) {
            LogScan scan = new LogScan(files, logKey, epochKey);
            result = verify(scan);
            if (result instanceof VerificationResult.Intact || Retention.isAsRead(files, scan.retired())) {
                return result;
            }
        }
        return java.util.Objects.requireNonNull(result);
    }

    private VerificationResult verify(LogScan scan) {
        ForwardSecurity forward = epochKey == null ? ForwardSecurity.NOT_CHECKED : ForwardSecurity.CHECKED;
        List<String> reasons = new ArrayList<>();
        anchors.forEach(scan::requireAnchor);
        try {
            scan.run();
        } catch (LogFault e) {
            return new VerificationResult.Tampered(scan.size(), scan.signed(), forward, scan.proved(), e.firstBad());
        } catch (IOException e) {
            reasons.add("a file could not be read: " + e);
        }
        reasons.addAll(scan.reasons());
        if (logKey == null) {
            reasons.add("no key was given, and the log's own copy proves nothing");
        }
        if (!reasons.isEmpty()) {
            return new VerificationResult.Inconclusive(scan.size(), scan.signed(), forward, scan.proved(), reasons);
        }
        return new VerificationResult.Intact(scan.size(), scan.signed(), forward, scan.proved(), notes(scan));
    }

    private List<String> notes(LogScan scan) {
        List<String> notes = new ArrayList<>();
        if (scan.first() > 0) {
            notes.add("records 0 to " + (scan.first() - 1) + " were removed under retention, as a signed record says;"
                    + " checkpoints that cover them alone were checked by signatures and order");
        }
        if (scan.signed() < scan.size()) {
            notes.add((scan.size() - scan.signed()) + " records above the newest checkpoint are not yet signed");
        }
        if (epochKey == null) {
            notes.add("only the log key was pinned: forward security was not checked");
        }
        return notes;
    }
}
