package dev.secureruntime.audit;

import java.io.IOException;
import java.util.List;

/**
 * A signed checkpoint of a log, as an {@link Anchor} is given it. Thread-safe.
 */
public interface SealedCheckpoint {

    /** The log's origin: its name and what tells it from every other log. */
    String origin();

    /** The number of records that it covers. */
    long size();

    /** The signed note (C2SP signed-note) as it is stored, with all signatures. */
    byte[] note();

    /** The part of the note that is signed, with its last line feed. */
    byte[] text();

    /** SHA-256 of {@link #text}: the name of this checkpoint in {@code log.anchored} records. */
    byte[] hash();

    /** The root hash of the tree (RFC 6962), which {@link #text} says too. */
    byte[] root();

    /**
     * The hashes of RFC 6962, section 2.1.2, which prove that this checkpoint continues the log at {@code older} records; none
     * for 0 records and for this checkpoint's own size. Reads the log's records at each call: from {@code older} on where that
     * is the size of a checkpoint given to an anchor lately, otherwise all of them.
     *
     * @throws IllegalArgumentException when {@code older} is negative or above {@link #size}
     * @throws IOException when the records can't be read
     */
    List<byte[]> consistencyProof(long older) throws IOException;
}
