package dev.secureruntime.audit;

import java.util.List;
import java.util.OptionalLong;

/** What a verification of a log found. A failed verification is a result, not an exception. */
public sealed interface VerificationResult {

    /** The number of records that were read. */
    long size();

    /** The number of records under the newest valid checkpoint. */
    long signed();

    /** Whether the chain of epoch keys was followed from a pinned first key. */
    ForwardSecurity forwardSecurity();

    /** Up to which record completeness was proved against an anchored head; empty when unknown. */
    OptionalLong provedUpTo();

    /** Whether forward security was checked. */
    enum ForwardSecurity {
        CHECKED,
        NOT_CHECKED
    }

    /** Every byte is accounted for by chain, tree and signatures, from the pinned keys. */
    record Intact(long size, long signed, ForwardSecurity forwardSecurity, OptionalLong provedUpTo, List<String> notes)
            implements VerificationResult {
        public Intact {
            notes = List.copyOf(notes);
        }
    }

    /** Something is wrong, and here is the first place where it shows. */
    record Tampered(long size, long signed, ForwardSecurity forwardSecurity, OptionalLong provedUpTo, FirstBad firstBad)
            implements VerificationResult {}

    /** Nothing is wrong, but it can't be vouched for. */
    record Inconclusive(
            long size, long signed, ForwardSecurity forwardSecurity, OptionalLong provedUpTo, List<String> reasons)
            implements VerificationResult {
        public Inconclusive {
            reasons = List.copyOf(reasons);
        }
    }

    /**
     * The first place where a log is wrong.
     *
     * @param seq the record, or the size of the checkpoint; empty where the fault belongs to neither
     * @param file the file, relative to the log's directory
     * @param offset the offset in bytes of the line or note in that file
     * @param reason what was expected and what was found
     */
    record FirstBad(OptionalLong seq, String file, long offset, String reason) {}
}
