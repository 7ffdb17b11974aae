package dev.secureruntime.egress;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/**
 * Finds the addresses of a host that the policy has already allowed. Its answers are judged like any other: a special
 * address needs a {@code cidr} rule, whoever names it. Implementations must be thread-safe.
 */
@FunctionalInterface
public interface HostResolver {

    /** The platform's resolver. */
    HostResolver SYSTEM = host -> List.of(InetAddress.getAllByName(host));

    /** All addresses of {@code host}, best first. */
    List<InetAddress> resolve(String host) throws UnknownHostException;
}
