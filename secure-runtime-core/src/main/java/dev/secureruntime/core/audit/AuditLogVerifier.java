package dev.secureruntime.core.audit;

import dev.secureruntime.audit.VerificationResult;
import dev.secureruntime.audit.VerificationResult.ForwardSecurity;
import dev.secureruntime.core.audit.format.MlDsaKey;
import dev.secureruntime.core.audit.format.VerifierKey;
import dev.secureruntime.core.audit.format.WitnessKey;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Instant;
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

    private static final Progress UNHEARD = (bytes, total) -> {};

    private final @Nullable VerifierKey logKey;
    private final @Nullable VerifierKey epochKey;

    private final @Nullable MlDsaKey mlDsaKey;
    private final List<Path> anchors;
    private final List<WitnessKey> witnesses;
    private final List<X509Certificate> authorities;
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
            @Nullable VerifierKey logKey,
            @Nullable VerifierKey epochKey,
            @Nullable MlDsaKey mlDsaKey,
            List<Path> anchors,
            List<WitnessKey> witnesses,
            List<X509Certificate> authorities,
            Progress progress) {
        this.logKey = logKey;
        this.epochKey = epochKey;
        this.mlDsaKey = mlDsaKey;
        this.anchors = List.copyOf(anchors);
        this.witnesses = List.copyOf(witnesses);
        this.authorities = List.copyOf(authorities);
        this.progress = progress;
    }

    /** A verdict, and who else vouches for what. */
    public record Report(VerificationResult result, List<Vouched> vouched) {
        public Report {
            vouched = List.copyOf(vouched);
        }
    }

    /**
     * Good evidence in the log by a witness or a time-stamping authority, the newest of each.
     *
     * @param by the witness's name, or the subject of the authority's certificate
     * @param size the number of records that it covers
     * @param time by the clock of who vouches
     */
    public record Vouched(Kind kind, String by, long size, Instant time) {

        /** What was said of the log. */
        public enum Kind {
            /** It continued everything that the witness had seen of it. */
            COSIGNED,
            /** It existed. */
            TIME_STAMPED
        }

        @Override
        public String toString() {
            return (kind == Kind.COSIGNED ? "cosigned by " : "time-stamped by ") + by + " up to size " + size + " at "
                    + time;
        }
    }

    /** A verifier without keys: it finds faults, but can vouch for nothing. */
    public static AuditLogVerifier withoutKeys() {
        return new AuditLogVerifier(null, null, null, List.of(), List.of(), List.of(), UNHEARD);
    }

    /**
     * A verifier that trusts these keys and no others.
     *
     * @param verifierKeys in C2SP signed-note form: the log key, then the first epoch key where forward security is to be
     *     checked, then the ML-DSA key of a log that has one
     * @throws IllegalArgumentException when they are not one to three such keys of one log
     */
    public static AuditLogVerifier withKeys(List<String> verifierKeys) {
        if (verifierKeys.isEmpty() || verifierKeys.size() > 3) {
            throw new IllegalArgumentException(
                    "expected one to three verifier keys: log key, first epoch key, ML-DSA key");
        }
        VerifierKey log = VerifierKey.parse(verifierKeys.get(0));
        VerifierKey epoch = verifierKeys.size() > 1 ? VerifierKey.parse(verifierKeys.get(1)) : null;
        if (epoch != null && !epoch.name().equals(log.name() + LogFiles.EPOCH)) {
            throw new IllegalArgumentException("expected the log key first, then the first epoch key of the same log");
        }
        MlDsaKey mlDsa = verifierKeys.size() > 2 ? MlDsaKey.parse(verifierKeys.get(2)) : null;
        if (mlDsa != null && !mlDsa.name().equals(log.name() + LogFiles.ML_DSA)) {
            throw new IllegalArgumentException("expected the ML-DSA key of the same log third");
        }
        return new AuditLogVerifier(log, epoch, mlDsa, List.of(), List.of(), List.of(), UNHEARD);
    }

    /**
     * The same verifier, which also requires that the log has the checkpoints in these files: copies of {@code checkpoint},
     * or of the beginning of {@code checkpoints}, that were kept where a thief of the directory can't reach. So a log that was
     * cut back or forked since then is found out. A file that can't be read makes the verdict inconclusive.
     */
    public AuditLogVerifier anchoredBy(List<Path> files) {
        return new AuditLogVerifier(logKey, epochKey, mlDsaKey, files, witnesses, authorities, progress);
    }

    /**
     * The same verifier, which also requires cosignatures by each of these witnesses in the log's {@code log.anchored} records.
     * None makes the verdict inconclusive; one that claims to be by such a witness and is not valid for the checkpoint that it
     * names makes it tampered. They say that a witness saw the log grow up to there; that nothing was cut off behind, only the
     * witness itself or a checkpoint kept elsewhere can say.
     *
     * @param keys verifier keys in C2SP signed-note form, of signature type 0x04
     * @throws IllegalArgumentException when one of them is no such key
     */
    public AuditLogVerifier witnessedBy(List<String> keys) {
        return new AuditLogVerifier(
                logKey,
                epochKey,
                mlDsaKey,
                anchors,
                keys.stream().map(WitnessKey::parse).toList(),
                authorities,
                progress);
    }

    /**
     * The same verifier, which also requires a time stamp (RFC 3161) in the log's {@code log.anchored} records by an authority with
     * one of these certificates, or under a CA with one. None makes the verdict inconclusive; one that claims to be by such an
     * authority and is not valid for the checkpoint that it names makes it tampered.
     *
     * @throws SecureRuntimeException {@code SR-RUNTIME-001} when {@code bcpkix} is not on the class path
     */
    public AuditLogVerifier timeStampedBy(List<X509Certificate> certificates) {
        if (!certificates.isEmpty()) {
            TimestampAnchor.requireLibrary();
        }
        return new AuditLogVerifier(logKey, epochKey, mlDsaKey, anchors, witnesses, certificates, progress);
    }

    /** The same verifier, which also tells how far it came. */
    public AuditLogVerifier reportingTo(Progress listener) {
        return new AuditLogVerifier(logKey, epochKey, mlDsaKey, anchors, witnesses, authorities, listener);
    }

    /**
     * Verifies the log in a directory.
     *
     * @throws UncheckedIOException when {@code directory} is not a directory; what is wrong inside it is a result
     */
    public VerificationResult verify(Path directory) {
        return report(directory).result();
    }

    /**
     * The same, with the evidence that was found in the log.
     *
     * @throws UncheckedIOException when {@code directory} is not a directory; what is wrong inside it is a result
     */
    public Report report(Path directory) {
        VerificationResult result = verdict(directory);
        if (witnesses.isEmpty() && authorities.isEmpty() || result instanceof VerificationResult.Tampered) {
            return new Report(result, List.of());
        }
        List<String> reasons = new ArrayList<>();
        if (result instanceof VerificationResult.Inconclusive inconclusive) {
            reasons.addAll(inconclusive.reasons());
        }
        List<Vouched> found = List.of();
        try {
            EvidenceScan evidence = evidence(new LogFiles(directory), result.signed());
            reasons.addAll(evidence.missing());
            found = evidence.found();
        } catch (LogFault e) {
            VerificationResult tampered = new VerificationResult.Tampered(
                    result.size(), result.signed(), result.forwardSecurity(), result.provedUpTo(), e.firstBad());
            return new Report(tampered, List.of());
        } catch (IOException e) {
            reasons.add("a file could not be read: " + e);
        }
        if (!reasons.isEmpty()) {
            result = new VerificationResult.Inconclusive(
                    result.size(), result.signed(), result.forwardSecurity(), result.provedUpTo(), reasons);
        }
        return new Report(result, found);
    }

    private EvidenceScan evidence(LogFiles files, long signed) throws IOException, LogFault {
        return Retention.undisturbed(files, () -> {
            EvidenceScan scan =
                    new EvidenceScan(files, witnesses, authorities.isEmpty() ? null : new TimeStampKeys(authorities));
            scan.run(signed);
            return scan;
        });
    }

    private VerificationResult verdict(Path directory) {
        if (!java.nio.file.Files.isDirectory(directory)) {
            throw new UncheckedIOException(new java.nio.file.NotDirectoryException(directory.toString()));
        }
        VerificationResult result = null;
        for (int i = 0; i < Retention.OVERTAKEN; i++) {
            LogScan scan = scan(directory);
            result = verdict(scan, directory);
            if (result instanceof VerificationResult.Intact
                    || Retention.isAsRead(new LogFiles(directory), scan.retired())) {
                return result;
            }
        }
        return java.util.Objects.requireNonNull(result);
    }

    private VerificationResult verdict(LogScan scan, Path directory) {
        List<String> reasons = new ArrayList<>();
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
        List<String> within = anchorsWithin(directory);
        if (!reasons.isEmpty()) {
            reasons.addAll(within);
            return new VerificationResult.Inconclusive(
                    scan.size(), scan.signed(), forward(scan), scan.proved(), reasons);
        }
        within.addAll(notes(scan));
        return new VerificationResult.Intact(scan.size(), scan.signed(), forward(scan), scan.proved(), within);
    }

    /** What is to be said of anchors in the log's directory. */
    private List<String> anchorsWithin(Path directory) {
        List<String> within = new ArrayList<>();
        for (Path anchor : anchors) {
            try {
                if (Durable.real(anchor).startsWith(Durable.real(directory))) {
                    within.add(
                            "the anchor " + anchor + " lies in the log's directory; who can cut the log can replace it,"
                                    + " so it proves no completeness");
                }
            } catch (IOException e) {
                within.add("whether the anchor " + anchor + " lies in the log's directory can't be told: " + e);
            }
        }
        return within;
    }

    /** Where there is no log, or another key's, nothing was checked. */
    private ForwardSecurity forward(LogScan scan) {
        return epochKey == null || scan.epochKey() == null ? ForwardSecurity.NOT_CHECKED : ForwardSecurity.CHECKED;
    }

    /** The pass that a verdict is made of, with the keys and anchors that are required. */
    LogScan scan(Path directory) {
        LogScan scan = new LogScan(new LogFiles(directory), logKey, epochKey);
        scan.pin(mlDsaKey);
        anchors.forEach(scan::requireAnchor);
        scan.onProgress(progress);
        return scan;
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
        if (mlDsaKey == null && scan.hasMlDsaKey()) {
            notes.add(
                    "the ML-DSA key was not pinned: its signatures were checked by the log's own copy, which proves nothing");
        }
        return notes;
    }
}
