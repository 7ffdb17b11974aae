package dev.secureruntime.core.credential;

import dev.secureruntime.credential.Credential;
import dev.secureruntime.credential.CredentialIssuer;
import dev.secureruntime.credential.CredentialProvider;
import dev.secureruntime.credential.CredentialUnavailableException;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one credential, renews it ahead of its end, and hands it out while it is valid.
 *
 * <p>What holds: nobody gets a credential past its end less a margin (a twentieth of its lifetime, at most a minute). One
 * call to the issuer is under way at most, however many callers there are and however long it takes; whoever finds a valid
 * credential never waits for it. A failing issuer is asked once per back-off window, and a valid credential is served
 * meanwhile. An issuance that the listener can't record is dropped. After issuance, deadlines run on the ticker: setting
 * the wall clock changes nothing.
 *
 * <p>What does not: the lifetime is measured against the wall clock at issuance, so a clock that is wrong at that moment
 * misjudges it by as much; a ticker that stands still while the machine is suspended delays the end by that long; the
 * issuer needs time-outs of its own, since callers without a credential wait as long as it takes.
 *
 * <p>On failure, when no valid credential is left, {@link #get} throws {@link CredentialUnavailableException}, at once
 * during a back-off window. An interrupted caller gets that exception with its interrupt flag set; the issuance goes on.
 *
 * <p>Thread-safe, and friendly to virtual threads: the lock guards a few assignments and is never held over a call out.
 *
 * @param <C> the kind of credential
 */
public final class RefreshingCredentialProvider<C extends Credential> implements CredentialProvider<C>, AutoCloseable {

    private final String scope;
    private final CredentialIssuer<C> issuer;
    private final CredentialListener listener;
    private final Executor executor;
    private final Clock clock;
    private final Ticker ticker;
    private final RefreshSchedule schedule;

    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable HeldCredential<C> held;
    private volatile @Nullable Thread issuing;

    // Guarded by the lock.
    private @Nullable CompletableFuture<Void> flight;
    private @Nullable IssuanceException lastFailure;
    private long lastLifetime = RefreshSchedule.unknownLifetime();
    private int failures;
    private long retryAt;
    private boolean closed;

    /**
     * A provider that has asked for nothing yet.
     *
     * @param scope what the credential is for, in words for logs
     * @param issuer who is asked for new ones
     * @param listener is told of each issuance and failure
     * @param executor runs the issuer; it must run each task on a thread that is not a caller of {@link #get}, or callers
     *     wait who need not, and a full pool of waiting callers would wait for ever
     * @param clock the wall clock, read once at each issuance
     * @param ticker elapsed time
     */
    public RefreshingCredentialProvider(
            String scope,
            CredentialIssuer<C> issuer,
            CredentialListener listener,
            Executor executor,
            Clock clock,
            Ticker ticker) {
        this(scope, issuer, listener, executor, clock, ticker, new RefreshSchedule(() -> ThreadLocalRandom.current()
                .nextDouble()));
    }

    RefreshingCredentialProvider(
            String scope,
            CredentialIssuer<C> issuer,
            CredentialListener listener,
            Executor executor,
            Clock clock,
            Ticker ticker,
            RefreshSchedule schedule) {
        this.scope = scope;
        this.issuer = issuer;
        this.listener = listener;
        this.executor = executor;
        this.clock = clock;
        this.ticker = ticker;
        this.schedule = schedule;
    }

    @Override
    public C get() {
        while (true) {
            HeldCredential<C> current = held;
            // Read after the credential: a thread that was paused in between sees the later time.
            long now = ticker.read();
            if (current != null && current.isFresh(now)) {
                return current.credential();
            }
            CompletableFuture<Void> renewal = renew(current, now);
            // Read again: starting the renewal may have taken its time, and the credential may have ended meanwhile.
            if (current != null && current.isUsable(ticker.read())) {
                return current.credential();
            }
            await(renewal);
        }
    }

    /** Discards the credential; from now on {@link #get} throws, also for those who wait. Idempotent. */
    @Override
    public void close() {
        CompletableFuture<Void> waiting;
        lock.lock();
        try {
            closed = true;
            held = null;
            waiting = flight;
            flight = null;
        } finally {
            lock.unlock();
        }
        if (waiting != null) {
            waiting.complete(null);
        }
    }

    @Override
    public String toString() {
        HeldCredential<C> current = held;
        return "RefreshingCredentialProvider[" + scope + ", "
                + (current == null ? "nothing issued" : current.credential().id()) + "]";
    }

    /**
     * Starts the renewal that is due, or joins the one under way. What is returned completes when it is worth looking
     * again.
     */
    private CompletableFuture<Void> renew(@Nullable HeldCredential<C> seen, long now) {
        CompletableFuture<Void> started;
        lock.lock();
        try {
            if (closed) {
                throw unavailable("its provider is closed", null);
            }
            HeldCredential<C> current = held;
            if (current != seen) {
                return CompletableFuture.completedFuture(null);
            }
            if (flight != null) {
                return flight;
            }
            if (lastFailure != null && now - retryAt < 0) {
                return CompletableFuture.failedFuture(lastFailure);
            }
            started = new CompletableFuture<>();
            flight = started;
            held = current != null && current.isUsable(now) ? current.untilItEnds() : null;
        } finally {
            lock.unlock();
        }
        try {
            executor.execute(() -> issue(started));
        } catch (RuntimeException | Error e) {
            // Refused work, or a thread that could not be made: either way nobody is coming to end this flight.
            fail(started, IssuanceException.notStarted(e));
            if (e instanceof Error error) {
                throw error;
            }
        }
        return started;
    }

    private void await(CompletableFuture<Void> renewal) {
        if (Thread.currentThread() == issuing) {
            throw unavailable("its issuer asks for the very credential that it is to issue", null);
        }
        try {
            renewal.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unavailable("the caller was interrupted while it waited", e);
        } catch (ExecutionException e) {
            // One exception for each caller: a shared one would carry somebody else's stack.
            Throwable failure = Objects.requireNonNull(e.getCause());
            throw unavailable(failure.getMessage(), failure.getCause());
        }
    }

    /** One attempt, on the executor. However it goes, those who wait are told. */
    private void issue(CompletableFuture<Void> started) {
        try {
            succeed(started, ask());
        } catch (IssuanceException e) {
            fail(started, e);
        } catch (Throwable e) {
            fail(started, IssuanceException.issuerFailed(e));
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            if (e instanceof Error error) {
                throw error;
            }
        }
    }

    private HeldCredential<C> ask() throws Exception {
        issuing = Thread.currentThread();
        try {
            C credential = issuer.issue();
            if (credential == null) {
                throw new IllegalStateException("the issuer returned nothing");
            }
            // The ticker first: a pause between the two readings then shortens the credential's use.
            long issuedAt = ticker.read();
            long lifetime = RefreshSchedule.nanos(Duration.between(clock.instant(), credential.expiresAt()));
            if (lifetime < RefreshSchedule.LEAST_LIFETIME) {
                throw IssuanceException.endsTooSoon(credential.expiresAt());
            }
            CredentialEvent event = new CredentialEvent.Issued(scope, credential.id(), credential.expiresAt());
            try {
                listener.on(event);
            } catch (RuntimeException e) {
                throw IssuanceException.notRecorded(e);
            }
            return new HeldCredential<>(
                    credential,
                    lifetime,
                    issuedAt + schedule.refreshAfter(lifetime),
                    issuedAt + schedule.usableFor(lifetime));
        } finally {
            issuing = null;
        }
    }

    private void succeed(CompletableFuture<Void> started, HeldCredential<C> issued) {
        lock.lock();
        try {
            // After close the flight is no longer ours, and what it brought is dropped.
            if (flight == started) {
                flight = null;
                held = issued;
                lastLifetime = issued.lifetime();
                lastFailure = null;
                failures = 0;
            }
        } finally {
            lock.unlock();
        }
        started.complete(null);
    }

    private void fail(CompletableFuture<Void> started, IssuanceException failure) {
        try {
            listener.on(failure.event(scope));
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        } finally {
            lock.lock();
            try {
                if (flight == started) {
                    flight = null;
                    lastFailure = failure;
                    failures++;
                    retryAt = ticker.read() + schedule.backOff(failures, lastLifetime);
                    HeldCredential<C> current = held;
                    held = current == null ? null : current.untilRetryAt(retryAt);
                }
            } finally {
                lock.unlock();
            }
            started.completeExceptionally(failure);
        }
    }

    private CredentialUnavailableException unavailable(@Nullable String reason, @Nullable Throwable cause) {
        return new CredentialUnavailableException("no credential for " + scope + ": " + reason, cause);
    }
}
