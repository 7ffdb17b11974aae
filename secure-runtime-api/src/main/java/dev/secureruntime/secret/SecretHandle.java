package dev.secureruntime.secret;

/**
 * A secret that a component is entitled to, readable for the moment of a call and never by accident.
 *
 * <p>What holds: the handle doesn't print, serialize or compare its secret by value; what {@link #use} lends is a private
 * copy that is overwritten when the call returns, also by exception. What does not: code in the same process that uses
 * reflection or a debugger can reach the bytes; a {@code String} made of them stays until it is collected.
 *
 * <p>Thread-safe.
 */
public interface SecretHandle extends AutoCloseable {

    /** The secret's name in the policy. */
    String name();

    /**
     * Lends the secret to {@code reader}, in a copy that is overwritten afterwards.
     *
     * @throws SecretDeniedException after {@link #close}
     */
    <T, X extends Exception> T use(Reader<T, X> reader) throws X;

    /** Whether the secret equals {@code candidate}, in time that depends on the length alone. */
    boolean matches(byte[] candidate);

    /** Overwrites the handle's copy; the handle can't be used any more. */
    @Override
    void close();

    /** Reads a secret that is lent for the time of the call. */
    @FunctionalInterface
    interface Reader<T, X extends Exception> {
        /** Reads; the array must not be kept. */
        T read(byte[] secret) throws X;
    }
}
