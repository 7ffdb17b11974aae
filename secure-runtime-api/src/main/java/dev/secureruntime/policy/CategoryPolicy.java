package dev.secureruntime.policy;

/**
 * A category that a policy defines, or adds to.
 *
 * @param kind whether it is the policy's own or adds to one that is built in
 * @param hosts the hosts
 */
public record CategoryPolicy(Kind kind, HostList hosts) {

    /** What the hosts are. */
    public enum Kind {
        /** A category of the policy's own. */
        OWN,
        /** Hosts that a category which is built in has besides its own. */
        ADDITION
    }

    /** A category of the policy's own. */
    public static CategoryPolicy own(HostList hosts) {
        return new CategoryPolicy(Kind.OWN, hosts);
    }

    /** Hosts for a category that is built in. */
    public static CategoryPolicy addition(HostList hosts) {
        return new CategoryPolicy(Kind.ADDITION, hosts);
    }
}
