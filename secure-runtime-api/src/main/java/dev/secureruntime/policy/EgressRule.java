package dev.secureruntime.policy;

import java.util.Set;

/** One rule of a component's egress policy. */
public sealed interface EgressRule {

    /** The rule as a policy file would write it, for explanations. */
    String describe();

    /** What the rule says of ports, schemes, methods and paths. */
    Scope scope();

    /** Https on port 443, any method, any path. */
    static EgressRule host(String pattern) {
        return new Host(pattern, Scope.HTTPS);
    }

    /** A host with its scope. */
    static EgressRule host(String pattern, Scope scope) {
        return new Host(pattern, scope);
    }

    /** All hosts of a category. */
    static EgressRule category(String name) {
        return new Category(name, Scope.HTTPS);
    }

    /** All hosts of a category, with a scope. */
    static EgressRule category(String name, Scope scope) {
        return new Category(name, scope);
    }

    /** Addresses, such as {@code 10.1.2.0/24}, on the given ports. */
    static EgressRule cidr(String block, Scope scope) {
        return new Cidr(block, scope);
    }

    /**
     * What a rule is limited to.
     *
     * @param ports the ports; never empty
     * @param schemes the schemes, {@code https} or {@code http}; never empty
     * @param methods the methods in upper case; empty means all
     * @param paths the path patterns, where {@code *} stands for anything within a segment and {@code **} for anything at
     *     all; empty means all
     */
    record Scope(Set<Integer> ports, Set<String> schemes, Set<String> methods, Set<String> paths) {

        /** Https on 443, any method and path: what a bare string in a policy means. */
        public static final Scope HTTPS = new Scope(Set.of(443), Set.of("https"), Set.of(), Set.of());

        public Scope {
            ports = Set.copyOf(ports);
            schemes = Set.copyOf(schemes);
            methods = Set.copyOf(methods);
            paths = Set.copyOf(paths);
            if (ports.isEmpty() || schemes.isEmpty()) {
                throw new IllegalArgumentException("a rule needs a port and a scheme");
            }
            for (int port : ports) {
                if (port < 1 || port > 65_535) {
                    throw new IllegalArgumentException("a port is 1 to 65535, not " + port);
                }
            }
            for (String scheme : schemes) {
                if (!scheme.equals("https") && !scheme.equals("http")) {
                    throw new IllegalArgumentException("a scheme is \"https\" or \"http\", not \"" + scheme + "\"");
                }
            }
            for (String method : methods) {
                if (!method.matches("[A-Z]+")) {
                    throw new IllegalArgumentException("a method is written in upper case, not \"" + method + "\"");
                }
            }
            for (String path : paths) {
                if (!path.startsWith("/")) {
                    throw new IllegalArgumentException("a path pattern starts with \"/\", not \"" + path + "\"");
                }
            }
        }

        /** The same scope on one port. */
        public Scope onPort(int port) {
            return new Scope(Set.of(port), schemes, methods, paths);
        }
    }

    /** A rule for an exact host or a {@code *.suffix}. */
    record Host(String pattern, Scope scope) implements EgressRule {
        public Host {
            pattern = HostPattern.require(pattern);
        }

        @Override
        public String describe() {
            return pattern;
        }
    }

    /** A rule for the hosts of a category. */
    record Category(String name, Scope scope) implements EgressRule {
        public Category {
            if (!name.matches("[a-z0-9]+(-[a-z0-9]+)*")) {
                throw new IllegalArgumentException("\"" + name + "\" is no category's name");
            }
        }

        @Override
        public String describe() {
            return "category " + name;
        }
    }

    /** A rule for addresses; only such a rule opens special addresses (private, loopback, link-local, ...). */
    record Cidr(String block, Scope scope) implements EgressRule {
        public Cidr {
            CidrBlock.parse(block);
        }

        @Override
        public String describe() {
            return "cidr " + block;
        }
    }
}
