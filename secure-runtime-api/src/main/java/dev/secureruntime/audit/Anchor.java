package dev.secureruntime.audit;

import java.io.IOException;

/**
 * Keeps checkpoints of an audit log, or has them vouched for, where whoever can write the log's directory can't reach.
 *
 * <p>What holds: a log that is cut back, rolled back or forked after a checkpoint was taken contradicts that checkpoint, also
 * when the thief has all of the log's keys. What does not: an anchor that the thief can write to as well proves nothing, and
 * what was appended after the newest checkpoint that was taken can still be cut off unnoticed.
 *
 * <p>An implementation returns only evidence that it has checked, and throws {@link AnchorConflictException} only when what
 * the anchor holds can't be true together with the checkpoint. It puts no secret into the message of an exception. The log
 * calls each of its anchors from one thread at a time, never from the threads that write and sign; a call that takes too long
 * is interrupted and counts as failed. One instance may serve several logs only if it is thread-safe and tells them apart by
 * their origin.
 */
@FunctionalInterface
public interface Anchor {

    /**
     * Takes a checkpoint. The same one may be given again, and not every checkpoint is given: each covers those before.
     *
     * @return evidence that was checked; the log stores it in a {@code log.anchored} record
     * @throws AnchorConflictException when the anchor holds a checkpoint that this one contradicts
     * @throws IOException when the anchor can't be reached or doesn't answer as it should; it is asked again later
     */
    AnchorEvidence take(SealedCheckpoint checkpoint) throws IOException;
}
