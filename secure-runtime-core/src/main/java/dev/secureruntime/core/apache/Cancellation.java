package dev.secureruntime.core.apache;

import org.apache.hc.core5.concurrent.Cancellable;

/** What a caller's request is given to end its call with, whichever hop that is at. Thread-safe. */
final class Cancellation implements Cancellable {

    private Hop hop;
    private boolean cancelled;

    Cancellation(Hop first) {
        this.hop = first;
    }

    /** The call goes on with another hop. */
    void follows(Hop next) {
        boolean late;
        synchronized (this) {
            hop = next;
            late = cancelled;
        }
        if (late) {
            next.cancel();
        }
    }

    @Override
    public boolean cancel() {
        Hop current;
        synchronized (this) {
            if (cancelled) {
                return false;
            }
            cancelled = true;
            current = hop;
        }
        current.cancel();
        return true;
    }
}
