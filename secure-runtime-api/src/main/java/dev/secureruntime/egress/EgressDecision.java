package dev.secureruntime.egress;

import dev.secureruntime.error.ErrorCode;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The answer to an {@link EgressRequest}, with its reason. */
public sealed interface EgressDecision {

    /**
     * It may be sent.
     *
     * @param rule the rule that allows it, as the policy writes it
     */
    record Allowed(String rule) implements EgressDecision {}

    /**
     * It may not be sent.
     *
     * @param code the stable code
     * @param reason why, for programs
     * @param detail why, for people; free of the request's path, query, headers and body
     * @param nearestName the allowed name that resembles the target most; null when none does
     * @param remedy what to do if the call is wanted
     */
    record Denied(ErrorCode code, Reason reason, String detail, @Nullable String nearestName, String remedy)
            implements EgressDecision {

        /** The allowed name that resembles the target most. */
        public Optional<String> nearest() {
            return Optional.ofNullable(nearestName);
        }
    }

    /** Why a request is refused. */
    enum Reason {
        /** No rule allows the host. */
        HOST_NOT_ALLOWED,
        /** A rule allows the host, on another port. */
        PORT_NOT_ALLOWED,
        /** A rule allows the host, with another scheme. */
        SCHEME_NOT_ALLOWED,
        /** A rule allows the host, with another method. */
        METHOD_NOT_ALLOWED,
        /** A rule allows the host, under another path. */
        PATH_NOT_ALLOWED,
        /** A rule denies it. */
        DENY_RULE,
        /** The component asked for too many different names below one domain, as a tunnel through DNS does. */
        MANY_NAMES,
        /** The address is special, and no {@code cidr} rule opens it. */
        SPECIAL_ADDRESS,
        /** The host is written in a form that parsers disagree on. */
        MALFORMED_TARGET,
        /** A redirect would hand the request's body to another host. */
        REDIRECT_WITH_BODY,
        /** The request would leave through something other than the guard. */
        GUARD_BYPASSED,
        /** The audit log can't be written, and the runtime was told to refuse then. */
        AUDIT_UNWRITABLE,
        /** The credential that the policy binds to the host can't be had. */
        CREDENTIAL_UNAVAILABLE,
        /** The runtime was closed. */
        RUNTIME_CLOSED
    }
}
