package dev.secureruntime.core.egress;

import dev.secureruntime.policy.EgressRule;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a rule is limited to, with its defaults spelled out, for exports.
 *
 * @param ports the ports, sorted; empty means all, and only in a rule that denies
 * @param https whether it speaks of https
 * @param http whether it speaks of http
 * @param inside whether it is limited to methods or paths, which no tool sees within https
 */
record ExportScope(Set<Integer> ports, boolean https, boolean http, boolean inside) {

    static ExportScope ofAllow(EgressRule.Scope scope) {
        boolean https = scope.schemes().isEmpty() || scope.schemes().contains("https");
        boolean http = scope.schemes().contains("http");
        Set<Integer> ports = new TreeSet<>(scope.ports());
        if (ports.isEmpty()) {
            if (https) {
                ports.add(443);
            }
            if (http) {
                ports.add(80);
            }
        }
        return new ExportScope(ports, https, http, isInside(scope));
    }

    static ExportScope ofDeny(EgressRule.Scope scope) {
        boolean any = scope.schemes().isEmpty();
        return new ExportScope(
                new TreeSet<>(scope.ports()),
                any || scope.schemes().contains("https"),
                any || scope.schemes().contains("http"),
                isInside(scope));
    }

    private static boolean isInside(EgressRule.Scope scope) {
        return !scope.methods().isEmpty() || !scope.paths().isEmpty();
    }

    boolean coversPort(int port) {
        return ports.isEmpty() || ports.contains(port);
    }

    /** Whether it speaks of a port, and of a scheme that the other speaks of too. */
    boolean meets(int port, ExportScope other) {
        return coversPort(port) && ((https && other.https) || (http && other.http));
    }

    /** Whether it speaks of https on port 443. */
    boolean coversHttps443() {
        return https && coversPort(443);
    }
}
