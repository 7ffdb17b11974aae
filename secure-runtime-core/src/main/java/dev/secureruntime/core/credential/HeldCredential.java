package dev.secureruntime.core.credential;

import dev.secureruntime.credential.Credential;

/** A credential with its two deadlines on the ticker. Immutable; a class, so that no record's {@code toString} opens it. */
final class HeldCredential<C extends Credential> {

    private final C credential;
    private final long lifetime;
    private final long refreshAt;
    private final long endsAt;

    HeldCredential(C credential, long lifetime, long refreshAt, long endsAt) {
        this.credential = credential;
        this.lifetime = lifetime;
        this.refreshAt = refreshAt;
        this.endsAt = endsAt;
    }

    C credential() {
        return credential;
    }

    /** The lifetime that it was issued with, in nanoseconds. */
    long lifetime() {
        return lifetime;
    }

    /** Whether it can be handed out without a thought for its successor. */
    boolean isFresh(long now) {
        return now - refreshAt < 0;
    }

    /** Whether it can be handed out at all. */
    boolean isUsable(long now) {
        return now - endsAt < 0;
    }

    /** The same, while its successor is on the way: the next caller has nothing to start. */
    HeldCredential<C> untilItEnds() {
        return new HeldCredential<>(credential, lifetime, endsAt, endsAt);
    }

    /** The same, with the next attempt at {@code tick}, or at the end where that comes first. */
    HeldCredential<C> untilRetryAt(long tick) {
        return new HeldCredential<>(credential, lifetime, tick - endsAt < 0 ? tick : endsAt, endsAt);
    }
}
