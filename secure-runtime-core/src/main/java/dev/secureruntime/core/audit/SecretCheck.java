package dev.secureruntime.core.audit;

import dev.secureruntime.audit.AuditEvent;

/**
 * Says whether something that is about to be recorded or stored holds a registered secret. The log asks before it encodes
 * anything of an event.
 *
 * <p>Implementations are thread-safe, and keep nothing of what they are shown.
 */
public interface SecretCheck {

    /** Knows of no secrets. */
    SecretCheck NONE = new SecretCheck() {
        @Override
        public boolean occursIn(AuditEvent event) {
            return false;
        }

        @Override
        public boolean occursIn(byte[] content) {
            return false;
        }
    };

    /** Whether a name, a value, the type or the component of {@code event} holds a registered secret; not its content. */
    boolean occursIn(AuditEvent event);

    /** Whether {@code content} holds a registered secret. */
    boolean occursIn(byte[] content);
}
