package dev.secureruntime.secret;

import dev.secureruntime.error.ErrorCode;

/** Whether a component may read a secret. */
public sealed interface SecretDecision {

    /** It may. */
    record Granted() implements SecretDecision {}

    /**
     * It may not.
     *
     * @param code the stable code
     * @param detail why
     * @param remedy what to do if the access is wanted
     */
    record Denied(ErrorCode code, String detail, String remedy) implements SecretDecision {}
}
