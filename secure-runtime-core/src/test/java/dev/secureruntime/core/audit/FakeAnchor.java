package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Anchor;
import dev.secureruntime.audit.AnchorEvidence;
import dev.secureruntime.audit.SealedCheckpoint;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** An anchor with a memory, which can be told to fail or to hang. */
final class FakeAnchor implements Anchor {

    final List<SealedCheckpoint> given = new CopyOnWriteArrayList<>();
    final List<SealedCheckpoint> asked = new CopyOnWriteArrayList<>();
    volatile @Nullable IOException failure;
    volatile @Nullable CountDownLatch hangs;

    @Override
    public AnchorEvidence take(SealedCheckpoint checkpoint) throws IOException {
        asked.add(checkpoint);
        CountDownLatch latch = hangs;
        if (latch != null) {
            awaitUninterruptibly(latch);
        }
        IOException fails = failure;
        if (fails != null) {
            throw fails;
        }
        given.add(checkpoint);
        return new AnchorEvidence.Kept("memory");
    }

    /** As code does that ignores interrupts. */
    private static void awaitUninterruptibly(CountDownLatch latch) {
        while (true) {
            try {
                latch.await();
                return;
            } catch (InterruptedException e) {
                // It hangs all the same.
            }
        }
    }
}
