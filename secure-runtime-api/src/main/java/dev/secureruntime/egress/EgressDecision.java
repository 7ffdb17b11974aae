package dev.secureruntime.egress;

import dev.secureruntime.error.ErrorCode;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The answer to an {@link EgressRequest}, with its reason. Each names the version of the policy that gave it; the hop is in
 * the request ({@link EgressRequest#redirectedFrom}).
 */
public sealed interface EgressDecision {

    /** The policy that gave the answer, as {@link dev.secureruntime.policy.PolicyVersion} prints it; empty outside a runtime. */
    String policyVersion();

    /**
     * It may be sent.
     *
     * @param rule the rule that allows it, as the policy writes it
     * @param policyVersion the policy that says so
     */
    record Allowed(String rule, String policyVersion) implements EgressDecision {

        /** An answer given outside of a runtime. */
        public Allowed(String rule) {
            this(rule, "");
        }
    }

    /**
     * The rules refuse it, and the component's mode lets it go: without credentials, and recorded.
     *
     * @param denied the refusal that it would be
     */
    record Reported(Denied denied) implements EgressDecision {

        @Override
        public String policyVersion() {
            return denied.policyVersion();
        }
    }

    /**
     * It may not be sent.
     *
     * @param code the stable code
     * @param reason why, for programs
     * @param detail why, for people; free of the request's path, query, headers and body
     * @param nearestName the allowed name that resembles the target most; null when none does
     * @param remedy what to do if the call is wanted
     * @param denyingRule the rule that denies it, as the policy writes it; null when it is refused because none allows it
     * @param layer where it was refused
     * @param policyVersion the policy that says so
     */
    record Denied(
            ErrorCode code,
            Reason reason,
            String detail,
            @Nullable String nearestName,
            String remedy,
            @Nullable String denyingRule,
            Layer layer,
            String policyVersion)
            implements EgressDecision {

        /** A refusal of a request by no particular rule, outside of a runtime. */
        public Denied(ErrorCode code, Reason reason, String detail, @Nullable String nearestName, String remedy) {
            this(code, reason, detail, nearestName, remedy, null, Layer.REQUEST, "");
        }

        /** The same, because of a rule that denies. */
        public Denied by(String rule) {
            return new Denied(code, reason, detail, nearestName, remedy, rule, layer, policyVersion);
        }

        /** The same, at another layer. */
        public Denied at(Layer where) {
            return new Denied(code, reason, detail, nearestName, remedy, denyingRule, where, policyVersion);
        }

        /** The same, said by a policy of this version. */
        public Denied under(String version) {
            return new Denied(code, reason, detail, nearestName, remedy, denyingRule, layer, version);
        }

        /** The same, with more said for people. */
        public Denied withDetail(String more) {
            return new Denied(code, reason, detail + more, nearestName, remedy, denyingRule, layer, policyVersion);
        }

        /** The rule that denies it. */
        public Optional<String> rule() {
            return Optional.ofNullable(denyingRule);
        }

        /** The allowed name that resembles the target most. */
        public Optional<String> nearest() {
            return Optional.ofNullable(nearestName);
        }
    }

    /** Where a request is refused. */
    enum Layer {
        /** Before its host was looked up. */
        REQUEST,
        /** By the addresses that its host has. */
        LOOKUP,
        /** By the address that was about to be connected to. */
        CONNECTION,
        /**
         * While it was under way: by a policy that came into force meanwhile, because a byte budget ran out, or by what its
         * body or a message held.
         */
        UNDER_WAY
    }

    /** Why a request is refused. */
    enum Reason {
        /** No rule allows the host. */
        HOST_NOT_ALLOWED,
        /** A rule allows the host, with another scheme. Up to the path, in the order in which a rule is compared. */
        SCHEME_NOT_ALLOWED,
        /** A rule allows the host, on another port. */
        PORT_NOT_ALLOWED,
        /** A rule allows the host, with another method. */
        METHOD_NOT_ALLOWED,
        /** A rule allows the host, under another path. */
        PATH_NOT_ALLOWED,
        /** A rule denies it. */
        DENY_RULE,
        /** The component asked for too many different names below one domain, as a tunnel through DNS does. */
        MANY_NAMES,
        /** A byte budget that covers the host is used up. */
        BUDGET_SPENT,
        /** The address is special, and no {@code cidr} rule opens it. */
        SPECIAL_ADDRESS,
        /** The host is written in a form that parsers disagree on. */
        MALFORMED_TARGET,
        /** A redirect would hand the request's body to another host. */
        REDIRECT_WITH_BODY,
        /** A secret that the runtime knows stands in it, and doesn't belong to its target. */
        SECRET_LEAVING,
        /** A canary stands in it: a secret that nobody may read. */
        CANARY_LEAVING,
        /** Its body can't be searched for secrets: it is not compressed as it says, or beyond what is searched. */
        BODY_UNSEARCHABLE,
        /** Plain http would show the whole request to the proxy that requests go through. */
        PLAIN_HTTP_THROUGH_PROXY,
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
