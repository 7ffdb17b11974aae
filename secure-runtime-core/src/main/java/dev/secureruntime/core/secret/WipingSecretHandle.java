package dev.secureruntime.core.secret;

import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.secret.SecretDeniedException;
import dev.secureruntime.secret.SecretHandle;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * A handle that keeps its secret in one array, lends copies of it that are overwritten, and overwrites the array on
 * {@link #close}.
 *
 * <p>Thread-safe. A reader that runs while the handle is closed keeps its own copy until it returns; nobody ever reads a
 * half-wiped secret. Equality is identity, so that comparing two handles says nothing of their secrets.
 */
final class WipingSecretHandle implements SecretHandle {

    private final String name;
    private final Object lock = new Object();
    private final byte[] value;
    private boolean closed;

    /** Takes the array over: the caller must neither keep nor change it. */
    WipingSecretHandle(String name, byte[] value) {
        this.name = name;
        this.value = value;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public <T, X extends Exception> T use(Reader<T, X> reader) throws X {
        byte[] copy = copy();
        try {
            return reader.read(copy);
        } finally {
            Arrays.fill(copy, (byte) 0);
        }
    }

    @Override
    public boolean matches(byte[] candidate) {
        synchronized (lock) {
            requireOpen();
            return MessageDigest.isEqual(value, candidate);
        }
    }

    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            Arrays.fill(value, (byte) 0);
        }
    }

    @Override
    public String toString() {
        return "SecretHandle[" + name + "]";
    }

    private byte[] copy() {
        synchronized (lock) {
            requireOpen();
            return value.clone();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new SecretDeniedException(
                    ErrorCode.SECRET_UNAVAILABLE,
                    "the handle of secret \"" + name + "\" is closed; open the secret again");
        }
    }
}
