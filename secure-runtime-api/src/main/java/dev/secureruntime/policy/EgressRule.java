package dev.secureruntime.policy;

import java.util.Set;
import java.util.stream.Collectors;

/** One rule of a component's egress policy. */
public sealed interface EgressRule {

    /** The rule as a policy file would write it, for explanations. */
    String describe();

    /** What the rule says of ports, schemes, methods and paths. */
    Scope scope();

    /** The same rule for all methods and paths. */
    EgressRule ofAnyRequest();

    /** A host in the default scope: where it allows, https on port 443; where it denies, everything. */
    static EgressRule host(String pattern) {
        return new Host(pattern, Scope.DEFAULT);
    }

    /** A host with its scope. */
    static EgressRule host(String pattern, Scope scope) {
        return new Host(pattern, scope);
    }

    /** All hosts of a category in the default scope: where it allows, https on port 443; where it denies, everything. */
    static EgressRule category(String name) {
        return new Category(name, Scope.DEFAULT);
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
     * What a rule is limited to. Where nothing is said of ports or schemes, a rule that denies covers all of them, and a
     * rule that allows covers the least: https, and the ports that its schemes have by default.
     *
     * @param ports the ports; empty when nothing is said of them
     * @param schemes the schemes, {@code https} or {@code http}; empty when nothing is said of them
     * @param methods the methods in upper case; empty means all
     * @param paths the path patterns, where {@code *} stands for anything within a segment and {@code **} for anything at
     *     all; printable ASCII, as paths are sent; empty means all
     */
    record Scope(Set<Integer> ports, Set<String> schemes, Set<String> methods, Set<String> paths) {

        /** Nothing is said: what a bare string in a policy means. */
        public static final Scope DEFAULT = new Scope(Set.of(), Set.of(), Set.of(), Set.of());

        /** Https on 443, any method and path. */
        public static final Scope HTTPS = new Scope(Set.of(443), Set.of("https"), Set.of(), Set.of());

        public Scope {
            ports = Set.copyOf(ports);
            schemes = Set.copyOf(schemes);
            methods = Set.copyOf(methods);
            paths = Set.copyOf(paths);
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
                if (!path.matches("/[!-~&&[^?#]]*")) {
                    throw new IllegalArgumentException("a path pattern starts with \"/\" and is printable ASCII without"
                            + " blanks and without a query, others percent-encoded, not \"" + path + "\"");
                }
            }
        }

        /** The same scope for all methods and paths. */
        Scope ofAnyRequest() {
            return methods.isEmpty() && paths.isEmpty() ? this : new Scope(ports, schemes, Set.of(), Set.of());
        }

        /** What is said, in words that go behind a rule; empty where nothing is. */
        public String describe() {
            return said("ports", ports) + said("schemes", schemes) + said("methods", methods) + said("paths", paths);
        }

        private static String said(String what, Set<?> values) {
            return values.isEmpty()
                    ? ""
                    : values.stream()
                            .map(String::valueOf)
                            .sorted()
                            .collect(Collectors.joining(", ", " " + what + " ", ""));
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
        public EgressRule ofAnyRequest() {
            return new Host(pattern, scope.ofAnyRequest());
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
        public EgressRule ofAnyRequest() {
            return new Category(name, scope.ofAnyRequest());
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
        public EgressRule ofAnyRequest() {
            return new Cidr(block, scope.ofAnyRequest());
        }

        @Override
        public String describe() {
            return "cidr " + block;
        }
    }
}
