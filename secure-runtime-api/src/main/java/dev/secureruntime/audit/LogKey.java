package dev.secureruntime.audit;

import java.io.IOException;
import java.security.GeneralSecurityException;

/**
 * An Ed25519 key that signs a log's checkpoints and may live where it can't be copied from: a smart card, an HSM, a key
 * management service.
 *
 * <p>What holds with a key that never leaves its device: who steals every file and all memory of the process can't sign for
 * the log once the device is out of reach. What does not: while it is in reach, whoever controls the process can have
 * anything signed. The log checks each signature with {@link #publicKey} before it uses it, so a device that returns garbage
 * delays the log and never spoils it.
 *
 * <p>Thread safety: the log calls {@link #sign} from one thread at a time, but not always the same. After a time-out it
 * interrupts the call and makes no other.
 *
 * <p>Failure: what {@code sign} throws, and a wrong signature, is tried again until the log's patience ends ({@link
 * AuditSettings#logKey(LogKey, java.time.Duration)}). Until then records are still taken and forced to the disk, unsigned.
 * Then the log fails closed with {@code SR-AUDIT-002}; the next start continues from the records that are there.
 *
 * <p>Source: RFC 8032, pure Ed25519, without context and without pre-hash.
 */
public interface LogKey {

    /** The 32 bytes of the public key (RFC 8032, section 5.1.5). Never changes. */
    byte[] publicKey();

    /**
     * Signs a checkpoint's text: the message itself, not a hash of it.
     *
     * @return the 64 bytes of the signature
     * @throws IOException when the device can't be reached
     * @throws GeneralSecurityException when it refuses
     */
    byte[] sign(byte[] text) throws IOException, GeneralSecurityException;
}
