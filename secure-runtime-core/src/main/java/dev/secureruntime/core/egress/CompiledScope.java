package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.EgressRule.Scope;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a rule is limited to, in the form that requests are compared with. Matching allocates nothing. */
final class CompiledScope {

    private static final int HTTPS_PORT = 443;
    private static final int HTTP_PORT = 80;

    private final boolean allows;
    private final boolean schemesSaid;
    private final boolean https;
    private final boolean http;
    /** Sorted; empty means all, and only in a rule that denies. */
    private final int[] ports;

    /** Https on 443 and nothing else said, as most rules are. */
    private final boolean plainHttps;

    private final Set<String> methods;
    private final List<PathPattern> paths;

    private CompiledScope(Scope scope, boolean allows) {
        this.allows = allows;
        this.schemesSaid = !scope.schemes().isEmpty();
        this.https = scope.schemes().contains("https") || !schemesSaid;
        this.http = scope.schemes().contains("http") || (!schemesSaid && !allows);
        this.ports = scope.ports().isEmpty()
                ? defaultPorts()
                : scope.ports().stream().mapToInt(Integer::intValue).sorted().toArray();
        this.methods = scope.methods();
        this.paths = scope.paths().stream()
                .sorted()
                .map(path -> new PathPattern(allows ? path : PathForm.resolved(path)))
                .toList();
        this.plainHttps =
                https && !http && ports.length == 1 && ports[0] == HTTPS_PORT && methods.isEmpty() && paths.isEmpty();
    }

    /** The scope of a rule that allows: what it does not say is https, and the default ports of its schemes. */
    static CompiledScope ofAllow(Scope scope) {
        return new CompiledScope(scope, true);
    }

    /** The scope of a rule that denies: what it does not say is everything. */
    static CompiledScope ofDeny(Scope scope) {
        return new CompiledScope(scope, false);
    }

    private int[] defaultPorts() {
        if (!allows) {
            return new int[0];
        }
        if (http && https) {
            return new int[] {HTTP_PORT, HTTPS_PORT};
        }
        return new int[] {http ? HTTP_PORT : HTTPS_PORT};
    }

    boolean matches(EgressRequest request) {
        if (plainHttps) {
            return request.port() == HTTPS_PORT && request.scheme().equals("https");
        }
        return mismatch(request) == null;
    }

    /** Why the request is outside this scope; null when it is inside. */
    @Nullable
    Reason mismatch(EgressRequest request) {
        if (!coversScheme(request.scheme())) {
            return Reason.SCHEME_NOT_ALLOWED;
        }
        if (!coversPort(request.port())) {
            return Reason.PORT_NOT_ALLOWED;
        }
        if (!methods.isEmpty() && !methods.contains(request.method())) {
            return Reason.METHOD_NOT_ALLOWED;
        }
        if (!paths.isEmpty() && !coversPath(request.path())) {
            return Reason.PATH_NOT_ALLOWED;
        }
        return null;
    }

    /**
     * Whether an address may be connected to at the request's port. The rule of the name has already judged scheme,
     * method and path; a scheme counts here only where this rule names one.
     */
    boolean opensAddressFor(EgressRequest request) {
        return coversPort(request.port()) && (!schemesSaid || coversScheme(request.scheme()));
    }

    /** Whether a rule that denies covers a connection: one connection carries all methods and paths, so they don't count. */
    boolean coversConnection(EgressRequest request) {
        return coversScheme(request.scheme()) && coversPort(request.port());
    }

    boolean coversPort(int port) {
        if (ports.length == 1) {
            return ports[0] == port;
        }
        return ports.length == 0 ? !allows : Arrays.binarySearch(ports, port) >= 0;
    }

    private boolean coversScheme(String scheme) {
        return scheme.equals("https") ? https : scheme.equals("http") && http;
    }

    /**
     * On a path that servers read differently, no rule that allows matches, and every rule that denies does. A rule that
     * denies holds however its path is escaped; one that allows takes the path as it is sent.
     */
    private boolean coversPath(String path) {
        String whole = path.isEmpty() ? "/" : path;
        if (PathForm.isAmbiguous(whole)) {
            return !allows;
        }
        if (!allows) {
            whole = PathForm.resolved(whole.replace("*", "%2A"));
        }
        for (int i = 0; i < paths.size(); i++) {
            if (paths.get(i).matches(whole)) {
                return true;
            }
        }
        return false;
    }
}
