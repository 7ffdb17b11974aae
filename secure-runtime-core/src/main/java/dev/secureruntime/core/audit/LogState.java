package dev.secureruntime.core.audit;

import dev.secureruntime.core.audit.format.CompactRange;
import dev.secureruntime.core.audit.format.TreeHasher;

/**
 * Where a log ends, so that a writer can continue it.
 *
 * @param size the number of records
 * @param signed the number of records under the newest checkpoint
 * @param tree over all records
 * @param lastLeaf the leaf hash of the last record; zeros when there is none
 * @param newestCheckpoint the hash of the newest checkpoint's signed text; zeros when there is none
 * @param checkpointsSize the size of {@code checkpoints} up to the end of its last whole note
 * @param segmentNumber the number of the last segment
 * @param segmentFirst the index of the first record in the last segment
 * @param segmentSize the size of the last segment up to the end of its last whole record
 */
record LogState(
        long size,
        long signed,
        CompactRange tree,
        byte[] lastLeaf,
        byte[] newestCheckpoint,
        long checkpointsSize,
        long segmentNumber,
        long segmentFirst,
        long segmentSize) {

    static LogState empty() {
        byte[] zeros = new byte[TreeHasher.BYTES];
        return new LogState(0, 0, new CompactRange(), zeros, zeros.clone(), 0, 0, 0, 0);
    }
}
