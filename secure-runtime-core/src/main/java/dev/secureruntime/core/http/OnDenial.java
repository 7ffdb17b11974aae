package dev.secureruntime.core.http;

/** How a refusal reaches the caller. */
public enum OnDenial {
    /** As an {@code EgressDeniedException}: for direct callers. */
    THROW,
    /**
     * As a synthetic response 403: for client libraries, which would take an {@code IOException} for a fault of the network
     * and try again.
     */
    RESPOND
}
