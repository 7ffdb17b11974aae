package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditSettings;
import dev.secureruntime.core.audit.format.Hex;
import dev.secureruntime.core.audit.format.RecordEncoder;
import dev.secureruntime.core.audit.format.TreeHasher;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes batches from the queue, chains their lines, writes them, and has them sealed under checkpoints.
 *
 * <p>Sealing, in this order: force the segment (here); read the new lines back by path and hash them again, sign, store (the
 * sealer). So no signature covers a byte that is not on the device, or that differs from what was appended. Only this thread
 * forces segments: the system reports a failed write-back to one caller only. The first failure of any step ends the writer:
 * a later fsync that succeeds would prove nothing about what an earlier one lost.
 *
 * <p>Used by one thread at a time: the one that opens the log, then the log's own.
 */
final class LogWriter {

    private static final long EPOCH_NANOS = TimeUnit.DAYS.toNanos(1);

    private final LogFiles files;
    private final AppendQueue queue;
    private final SignerFile signer;
    private final Sealer sealer;
    private final Anchoring anchoring;
    private final Notifier notifier = new Notifier();
    private final LongSupplier ticker;
    private final StorageDevice device;
    private final long sealNanos;
    private final int sealRecords;
    private final long segmentNanos;
    private final TreeHasher hasher = new TreeHasher();
    private final byte[] lastLeaf;
    private final ArrayDeque<Batch.Group> notDurable = new ArrayDeque<>();
    private ArrayDeque<Batch.Group> notSealed = new ArrayDeque<>();

    private @Nullable SegmentFile segment;
    private Batch.@Nullable Group inHand;
    private byte[] leaves = new byte[64 * TreeHasher.BYTES];
    private int unsigned;
    private long adopted;
    private long readBackFrom;
    private long firstUnsignedAt;
    private long epochStartedAt;
    private long segmentStartedAt;
    private long written;
    private long durable;

    LogWriter(
            LogFiles files,
            AppendQueue queue,
            SignerFile signer,
            LogState state,
            LongSupplier ticker,
            StorageDevice device,
            AuditSettings settings,
            Anchoring anchoring)
            throws IOException {
        this.anchoring = anchoring;
        this.files = files;
        this.queue = queue;
        this.signer = signer;
        this.ticker = ticker;
        this.device = device;
        this.sealNanos = settings.checkpointInterval().toNanos();
        this.sealRecords = settings.checkpointRecords();
        this.segmentNanos = settings.segmentInterval().toNanos();
        this.sealer = new Sealer(
                new CheckpointStore(files, signer, state.newestCheckpoint(), state.checkpointsSize()),
                state.tree(),
                state.signed(),
                notifier,
                queue::nudge,
                anchoring);
        this.lastLeaf = state.lastLeaf();
        this.written = state.size();
        this.durable = state.signed();
        this.adopted = state.size() - state.signed();
        this.readBackFrom = state.segmentSize();
        if (state.size() > 0) {
            segment = SegmentFile.open(files.segment(state.segmentFirst()), state.segmentSize());
        }
        epochStartedAt = ticker.getAsLong();
        segmentStartedAt = epochStartedAt;
    }

    /** Says how old the segment is that the log continues with. */
    void segmentIs(Duration old) {
        segmentStartedAt = ticker.getAsLong() - Math.min(old.toNanos(), segmentNanos);
    }

    /** Writes and seals until the queue is closed and empty. */
    void run() throws IOException {
        while (true) {
            long now = ticker.getAsLong();
            long untilChange = Math.min(epochStartedAt + EPOCH_NANOS - now, segmentStartedAt + segmentNanos - now);
            long untilSeal = unsigned > 0 && sealer.isIdle() ? firstUnsignedAt + sealNanos - now : untilChange;
            step(Math.min(untilSeal, untilChange));
            if (queue.isDrained()) {
                seal();
                return;
            }
        }
    }

    /** Writes everything that is queued, without waiting for more. */
    void drain() throws IOException {
        queue.wantSeal();
        do {
            step(0);
        } while (written < queue.size());
        seal();
    }

    private void step(long maxWaitNanos) throws IOException {
        Batch batch = queue.take(maxWaitNanos, durable);
        if (batch != null) {
            write(batch);
            queue.recycle(batch);
        }
        if (durable < written && queue.durableWanted() > durable) {
            force();
        }
        long now = ticker.getAsLong();
        if (sealer.isIdle() && isSealDue(now)) {
            startSeal();
        }
        if (now - segmentStartedAt >= segmentNanos) {
            segmentStartedAt = now;
            queue.endSegment();
        }
        if (now - epochStartedAt >= EPOCH_NANOS) {
            announceEpoch();
        }
    }

    private boolean isSealDue(long now) {
        return unsigned >= sealRecords
                || unsigned > 0 && now - firstUnsignedAt >= sealNanos
                || queue.sealWanted() > sealer.sealed() && written >= queue.sealWanted();
    }

    private void write(Batch batch) throws IOException {
        inHand = batch.group;
        int first = 0;
        if (batch.startsSegment) {
            startSegment(batch);
            first = 1;
        }
        chain(batch, first);
        if (segment == null) {
            throw new IOException("the log has no segment to write to");
        }
        segment.write(batch.lines, batch.start(first), batch.length);
        written = batch.group.end;
        inHand = null;
        notDurable.add(batch.group);
        notSealed.add(batch.group);
        if (batch.endsEpoch) {
            seal();
            signer.promoteNext();
            epochStartedAt = ticker.getAsLong();
        }
    }

    private void startSegment(Batch batch) throws IOException {
        seal();
        if (segment != null) {
            segment.close();
            anchoring.wantNewest();
        }
        int end = batch.ends[0];
        Hex.write(sealer.newestHash(), batch.lines, RecordEncoder.lastAttributeHashOffset(end));
        long index = written;
        chainLine(batch, 0);
        segment = SegmentFile.create(files.segment(index), batch.lines, end);
        readBackFrom = 0;
        segmentStartedAt = ticker.getAsLong();
    }

    private void chain(Batch batch, int first) {
        for (int line = first; line < batch.count; line++) {
            chainLine(batch, line);
        }
    }

    private void chainLine(Batch batch, int line) {
        int from = batch.start(line);
        int end = batch.ends[line];
        Hex.write(lastLeaf, batch.lines, RecordEncoder.prevOffset(end));
        hasher.leaf(batch.lines, from, end - 1 - from, lastLeaf, 0);
        if (unsigned == 0) {
            firstUnsignedAt = ticker.getAsLong();
        }
        if (leaves.length == unsigned * TreeHasher.BYTES) {
            leaves = Arrays.copyOf(leaves, 2 * leaves.length);
        }
        System.arraycopy(lastLeaf, 0, leaves, unsigned * TreeHasher.BYTES, TreeHasher.BYTES);
        unsigned++;
    }

    private void force() throws IOException {
        if (segment != null) {
            segment.force(device);
        }
        durable = written;
        notifier.tell(notDurable, group -> group.durable.complete(null));
        notDurable.clear();
    }

    /** Hands what is written and not yet sealed to the sealer, which must be idle. */
    private void startSeal() throws IOException {
        if (segment == null || unsigned + adopted == 0) {
            return;
        }
        force();
        sealer.start(new Sealer.Seal(segment, readBackFrom, segment.size(), leaves, unsigned, written, notSealed));
        leaves = new byte[leaves.length];
        notSealed = new ArrayDeque<>();
        readBackFrom = segment.size();
        unsigned = 0;
        adopted = 0;
    }

    /** Returns when everything that is written is sealed. */
    private void seal() throws IOException {
        sealer.await();
        startSeal();
        sealer.await();
    }

    /** Starts the next epoch: its key is stored first, then announced; the batch that announces it ends this epoch. */
    void announceEpoch() throws IOException {
        epochStartedAt = ticker.getAsLong();
        queue.appendEpochEnd(LogRecords.nextKey(signer.prepareNext()));
    }

    /** Fails everyone who waits, closes the segment, and returns the error that every later append gets. */
    SecureRuntimeException poison(Throwable cause) {
        SecureRuntimeException failure =
                new SecureRuntimeException(ErrorCode.AUDIT_UNWRITABLE, "The audit log failed: " + cause, cause);
        List<Batch.Group> waiting = queue.poison(failure);
        if (inHand != null) {
            waiting.add(inHand);
        }
        waiting.addAll(sealer.inFlight());
        waiting.addAll(notDurable);
        waiting.addAll(notSealed);
        notifier.tell(waiting, group -> group.fail(failure));
        return failure;
    }

    Anchoring anchoring() {
        return anchoring;
    }

    void close() throws IOException {
        sealer.close();
        notifier.close();
        signer.destroy();
        if (segment != null) {
            segment.close();
        }
    }
}
