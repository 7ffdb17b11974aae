package dev.secureruntime.secret;

/** The secrets of one component. Thread-safe. */
public interface Secrets {

    /**
     * Opens a secret that the component is entitled to. Granted or denied, the access is recorded in the audit log.
     *
     * @throws SecretDeniedException {@code SR-SECRET-001} when the component is not entitled to it, {@code SR-SECRET-002}
     *     when it can't be read, {@code SR-SECRET-003} when it is only ever attached to requests
     * @throws dev.secureruntime.error.SecureRuntimeException {@code SR-RUNTIME-002} when the runtime was closed, {@code
     *     SR-AUDIT-002} when the opening can't be recorded and the runtime was not told to go on then
     */
    SecretHandle open(String name);
}
