package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.RecordParser;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.StoredRecord;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.core.audit.format.WitnessKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Checks the evidence in the {@code log.anchored} records of a log that was verified before: of given witnesses and
 * time-stamping authorities, against the checkpoints that the records name.
 *
 * <p>Evidence by others is passed over, as nothing can be said about it. Evidence that claims to be by a given one and doesn't
 * check, or names a checkpoint that the log doesn't have, is a fault: the writer records only what it has checked, so someone
 * else wrote that record with the log's keys. Memory grows with the number of such records. Used once.
 */
final class EvidenceScan {

    private static final byte[] ANCHORED = RecordParser.ascii(LogRecords.ANCHORED);

    private final LogFiles files;
    private final List<WitnessKey> witnesses;
    private final @Nullable TimeStampKeys authorities;
    private final Map<String, byte[]> checkpoints = new HashMap<>();
    private final Map<String, AuditLogVerifier.Vouched> found = new LinkedHashMap<>();
    private final List<String> missing = new ArrayList<>();
    private String foreign = "";

    EvidenceScan(LogFiles files, List<WitnessKey> witnesses, @Nullable TimeStampKeys authorities) {
        this.files = files;
        this.witnesses = witnesses;
        this.authorities = authorities;
    }

    /** Reads the first {@code signed} records. */
    void run(long signed) throws IOException, LogFault {
        Set<String> named = new HashSet<>();
        AuditRecords.ofType(files, ANCHORED, signed, (record, file, offset) -> {
            if (isWanted(record)) {
                named.add(String.valueOf(record.text(LogRecords.CHECKPOINT)));
            }
        });
        readCheckpoints(named);
        AuditRecords.ofType(files, ANCHORED, signed, (record, file, offset) -> {
            String fault = isWanted(record) ? check(record) : null;
            if (fault != null) {
                throw new LogFault(record.seq(), file, offset, fault);
            }
        });
        for (WitnessKey witness : witnesses) {
            if (!found.containsKey(witness.toString())) {
                missing.add("the log has no cosignature by " + witness);
            }
        }
        if (authorities != null
                && found.values().stream().noneMatch(one -> one.kind() == AuditLogVerifier.Vouched.Kind.TIME_STAMPED)) {
            missing.add("the log has no time stamp by a given authority" + foreign);
        }
    }

    private boolean isWanted(StoredRecord record) {
        String kind = record.text(LogRecords.EVIDENCE_KIND);
        return StoredEvidence.COSIGNATURE.equals(kind) && !witnesses.isEmpty()
                || StoredEvidence.TIMESTAMP.equals(kind) && authorities != null;
    }

    private void readCheckpoints(Set<String> named) throws IOException {
        if (named.isEmpty() || !Files.isRegularFile(files.checkpoints(), LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        TreeHasher hasher = new TreeHasher();
        try (NoteReader reader = NoteReader.open(files.checkpoints(), Files.size(files.checkpoints()))) {
            for (byte[] note = reader.next(); note != null; note = reader.next()) {
                byte[] text = SignedNote.parse(note).text();
                String hash = Hex.text(hasher.plain(text));
                if (named.contains(hash)) {
                    checkpoints.put(hash, text);
                }
            }
        } catch (IllegalArgumentException e) {
            // The rest of a note whose writing was interrupted: all before it was verified, nothing is behind it.
            return;
        }
    }

    /** What is wrong with a record's evidence, or null. */
    private @Nullable String check(StoredRecord record) {
        byte[] text = checkpoints.get(String.valueOf(record.text(LogRecords.CHECKPOINT)));
        if (text == null) {
            return "evidence is for a checkpoint that the log doesn't have";
        }
        Checkpoint checkpoint = Checkpoint.parse(text);
        if (!(record.attributes().get(LogRecords.ANCHORED_SIZE) instanceof dev.secureruntime.audit.Attribute.Whole size)
                || size.value() != checkpoint.size()
                || size.value() > record.seq()) {
            return "evidence is for a checkpoint of another size";
        }
        byte[] evidence;
        try {
            evidence = Base64.getDecoder().decode(String.valueOf(record.text(LogRecords.EVIDENCE)));
        } catch (IllegalArgumentException e) {
            return "evidence is not base64";
        }
        return StoredEvidence.COSIGNATURE.equals(record.text(LogRecords.EVIDENCE_KIND))
                ? cosigned(checkpoint, text, evidence)
                : timeStamped(checkpoint, text, evidence);
    }

    private @Nullable String cosigned(Checkpoint checkpoint, byte[] text, byte[] evidence) {
        List<SignedNote.Signature> signatures;
        try {
            signatures = SignedNote.signatures(evidence);
        } catch (IllegalArgumentException e) {
            return "evidence is not cosignatures: " + e.getMessage();
        }
        for (SignedNote.Signature signature : signatures) {
            for (WitnessKey witness : witnesses) {
                if (witness.isNamedBy(signature)) {
                    OptionalLong time = witness.cosigned(text, signature);
                    if (time.isEmpty()) {
                        return "expected a valid cosignature by " + witness;
                    }
                    found.put(
                            witness.toString(),
                            new AuditLogVerifier.Vouched(
                                    AuditLogVerifier.Vouched.Kind.COSIGNED,
                                    witness.name(),
                                    checkpoint.size(),
                                    Instant.ofEpochSecond(Math.min(time.getAsLong(), Instant.MAX.getEpochSecond()))));
                }
            }
        }
        return null;
    }

    private @Nullable String timeStamped(Checkpoint checkpoint, byte[] text, byte[] evidence) {
        if (authorities == null) {
            return null;
        }
        TimeStampKeys.Finding finding =
                authorities.check(evidence, TreeHasher.sha256().digest(text));
        if (finding instanceof TimeStampKeys.Finding.Invalid invalid) {
            return invalid.reason();
        }
        if (finding instanceof TimeStampKeys.Finding.Foreign other) {
            foreign = "; " + other.reason();
        } else if (finding instanceof TimeStampKeys.Finding.Valid valid) {
            found.put(
                    "tsa " + valid.authority(),
                    new AuditLogVerifier.Vouched(
                            AuditLogVerifier.Vouched.Kind.TIME_STAMPED,
                            valid.authority(),
                            checkpoint.size(),
                            valid.time()));
        }
        return null;
    }

    /** The newest good evidence of each witness and authority. */
    List<AuditLogVerifier.Vouched> found() {
        return List.copyOf(found.values());
    }

    /** What was asked for and is not in the log. */
    List<String> missing() {
        return missing;
    }
}
