package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.Checkpoint;
import dev.secureruntime.core.audit.format.InclusionProof;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.SubtreeRoots;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.core.audit.format.VerifierKey;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes and checks proofs that a record is in a log, and that one checkpoint continues another.
 *
 * <p>What holds when a proof checks out: the holder of the log key signed a tree with exactly this record at exactly this
 * place. What does not: that the log key was not stolen; the epoch key's signature can be checked only with the log. Making
 * a proof reads the whole log in constant memory and refuses one that was tampered with. Thread-safe.
 */
public final class AuditProofs {

    private AuditProofs() {}

    /** What checking a proof found. */
    public sealed interface Result {
        /** The record is in the log, at the index that the proof names; both numbers are unsigned. */
        record Proved(long index, long size) implements Result {}

        /** The proof doesn't fit the record, the key or itself. */
        record Refuted(String reason) implements Result {}
    }

    /**
     * Proves that a record is under the newest checkpoint.
     *
     * @return the proof in C2SP tlog-proof form
     * @throws IllegalArgumentException when no signed record has that index, or it was removed under retention
     * @throws SecureRuntimeException {@code SR-AUDIT-004} when the log was tampered with
     */
    public static String inclusion(Path directory, long index) {
        LogFiles files = new LogFiles(directory);
        return proof(files, () -> inclusion(files, index));
    }

    private static String inclusion(LogFiles files, long index) {
        byte[] note = newest(files);
        Checkpoint checkpoint = checkpoint(note);
        if (index < 0 || index >= checkpoint.size()) {
            throw new IllegalArgumentException(
                    "the newest checkpoint covers the records 0 to " + (checkpoint.size() - 1));
        }
        RetiredHead retired = retired(files);
        if (retired != null) {
            retired.requireLeft(index);
        }
        SubtreeRoots roots = SubtreeRoots.inclusion(index, checkpoint.size());
        scan(files, retired, roots, checkpoint.size());
        return new InclusionProof(index, roots.roots(), note).text();
    }

    /**
     * Proves that the log at {@code newer} records continues the log at {@code older} records.
     *
     * @return the hashes of RFC 6962, section 2.1.2, in base64
     * @throws IllegalArgumentException when not 0 &lt; older &lt;= newer &lt;= the number of records, or when records that the
     *     proof needs were removed under retention
     * @throws SecureRuntimeException {@code SR-AUDIT-004} when the log was tampered with
     */
    public static List<String> consistency(Path directory, long older, long newer) {
        if (older < 1 || older > newer) {
            throw new IllegalArgumentException("expected 0 < OLD <= NEW");
        }
        LogFiles files = new LogFiles(directory);
        return proof(files, () -> consistency(files, older, newer));
    }

    private static List<String> consistency(LogFiles files, long older, long newer) {
        SubtreeRoots roots = SubtreeRoots.consistency(older, newer);
        scan(files, retired(files), roots, newer);
        return roots.roots().stream().map(Base64.getEncoder()::encodeToString).toList();
    }

    private static <T> T proof(LogFiles files, Retention.Reading<T> made) {
        try {
            return Retention.undisturbed(files, () -> {
                try {
                    return made.read();
                } catch (IllegalArgumentException e) {
                    // It may rest on a checkpoint, or a word of removed records, that is someone else's.
                    scan(files, LogScan.NO_LEAVES);
                    throw e;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (LogFault e) {
            throw tampered(e);
        }
    }

    /**
     * Checks a proof, be it ours or of other software: any C2SP checkpoint that the log key signed carries one, whatever
     * extension lines it has.
     *
     * @param proof in C2SP tlog-proof form
     * @param line the record's stored bytes, without line feed
     * @param logKey the log's verifier key, in C2SP signed-note form
     */
    public static Result check(byte[] proof, byte[] line, String logKey) {
        VerifierKey key = VerifierKey.parse(logKey);
        try {
            InclusionProof inclusion = InclusionProof.parse(proof);
            SignedNote note = SignedNote.parse(inclusion.checkpoint());
            Checkpoint.Head checkpoint = Checkpoint.Head.parse(note.text());
            if (!checkpoint.origin().equals(key.name())
                    || note.signatures().stream().noneMatch(signature -> key.signed(note.text(), signature))) {
                return new Result.Refuted("the checkpoint has no valid signature of " + key);
            }
            byte[] leaf = new byte[TreeHasher.BYTES];
            new TreeHasher().leaf(line, 0, line.length, leaf, 0);
            return inclusion.leadsTo(leaf, checkpoint.size(), checkpoint.root())
                    ? new Result.Proved(inclusion.index(), checkpoint.size())
                    : new Result.Refuted("the record is not the one at index "
                            + Long.toUnsignedString(inclusion.index()) + " of the log at size "
                            + Long.toUnsignedString(checkpoint.size()));
        } catch (IllegalArgumentException e) {
            return new Result.Refuted("not a proof: " + e.getMessage());
        }
    }

    private static byte[] newest(LogFiles files) {
        byte[] note;
        try {
            note = LogFiles.small(files.checkpoint(), SignedNote.MAX_BYTES);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (LogFault e) {
            throw tampered(e);
        }
        if (note == null) {
            throw new IllegalArgumentException(files.directory() + " has no checkpoint");
        }
        return note;
    }

    private static Checkpoint checkpoint(byte[] note) {
        try {
            return Checkpoint.parse(SignedNote.parse(note).text());
        } catch (IllegalArgumentException e) {
            throw tampered(new LogFault(0, LogFiles.CHECKPOINT, 0, "not a checkpoint: " + e.getMessage()));
        }
    }

    private static @Nullable RetiredHead retired(LogFiles files) {
        try {
            return RetiredHead.read(files);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (LogFault e) {
            throw tampered(e);
        }
    }

    private static void scan(LogFiles files, @Nullable RetiredHead retired, SubtreeRoots roots, long size) {
        if (retired != null) {
            roots.startWith(retired.tree());
        }
        long found = scan(files, roots::accept);
        if (found < size) {
            throw new IllegalArgumentException("the log has " + found + " records");
        }
    }

    /** Requires that the log wasn't tampered with; the number of its records. */
    private static long scan(LogFiles files, LogScan.LeafListener leaves) {
        LogScan scan = new LogScan(files, null, null);
        scan.onLeaf(leaves);
        try {
            scan.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (LogFault e) {
            throw tampered(e);
        }
        return scan.size();
    }

    private static SecureRuntimeException tampered(LogFault fault) {
        return new SecureRuntimeException(
                ErrorCode.AUDIT_LOG_INCONSISTENT,
                "The log was tampered with, at " + fault.firstBad().file() + " byte "
                        + fault.firstBad().offset() + ": " + fault.firstBad().reason());
    }
}
