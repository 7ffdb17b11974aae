package dev.secureruntime.core.audit;

import dev.secureruntime.audit.LogKey;
import dev.secureruntime.core.audit.format.SignedNote;
import dev.secureruntime.core.audit.format.VerifierKey;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.security.SignatureException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A log key that lives elsewhere, asked with patience and checked before it is believed.
 *
 * <p>What fails, or is no signature of this key, is tried again with growing pauses until the patience ends. A call that
 * doesn't return by then is interrupted and left behind on a thread of its own: a second one beside it could reach the
 * device at the same time. Not thread-safe.
 */
final class DeviceKey implements LogSigner {

    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final LogKey key;
    private final VerifierKey verifier;
    private final Duration patience;

    private DeviceKey(LogKey key, VerifierKey verifier, Duration patience) {
        this.key = key;
        this.verifier = verifier;
        this.patience = patience;
    }

    /** The key under a log's origin. */
    static DeviceKey of(String origin, LogKey key, Duration patience) {
        try {
            return new DeviceKey(key, new VerifierKey(origin, key.publicKey()), patience);
        } catch (IllegalArgumentException e) {
            throw new SecureRuntimeException(
                    ErrorCode.RUNTIME_MISCONFIGURED,
                    "The public key of logKey(...) is not the 32 bytes of an Ed25519 key; the log's format needs one",
                    e);
        }
    }

    @Override
    public VerifierKey verifier() {
        return verifier;
    }

    @Override
    public SignedNote.Signature sign(byte[] text) throws IOException {
        long end = System.nanoTime() + patience.toNanos();
        long pause = FIRST_PAUSE_NANOS;
        while (true) {
            Throwable problem;
            try {
                return verified(text, call(text, end - System.nanoTime()));
            } catch (TimeoutException e) {
                throw unavailable("it didn't answer", e);
            } catch (SignatureException e) {
                problem = e;
            } catch (ExecutionException e) {
                problem = e.getCause() == null ? e : e.getCause();
            }
            if (end - System.nanoTime() <= pause) {
                throw unavailable(problem.toString(), problem);
            }
            rest(pause);
            pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        }
    }

    private byte[] call(byte[] text, long nanos) throws ExecutionException, TimeoutException, IOException {
        FutureTask<byte[]> task = new FutureTask<>(() -> key.sign(text.clone()));
        Thread thread = new Thread(task, "secure-runtime-audit-key");
        thread.setDaemon(true);
        thread.start();
        try {
            return task.get(Math.max(nanos, 0), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw interrupted();
        } finally {
            task.cancel(true);
        }
    }

    private SignedNote.Signature verified(byte[] text, byte[] signature) throws SignatureException {
        SignedNote.Signature line = verifier.line(signature);
        if (!verifier.signed(text, line)) {
            throw new SignatureException("what it returned is no signature of " + verifier);
        }
        return line;
    }

    private static void rest(long nanos) throws IOException {
        try {
            TimeUnit.NANOSECONDS.sleep(nanos);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private static IOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("interrupted while waiting for the log key");
    }

    private IOException unavailable(String why, Throwable cause) {
        return new IOException(
                "the log key did not sign within " + patience + ": " + why
                        + ". Bring its device back and open the log again; its records are kept, those above the newest"
                        + " checkpoint unsigned",
                cause);
    }

    @Override
    public void destroy() {
        // Nothing of the private key is here.
    }

    @Override
    public String toString() {
        return "device that signs as " + verifier;
    }
}
