package dev.secureruntime.policy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A policy: which components there are, where each may talk, which secrets each may use. What is not allowed is denied.
 *
 * <p>Read from a file by the runtime's builder, or built here in code; both give the same model. Immutable and
 * thread-safe.
 */
public final class Policy {

    private final String source;
    private final Map<String, ComponentPolicy> components;
    private final Map<String, SecretPolicy> secrets;
    private final Map<String, CategoryPolicy> categories;
    private final List<BreakGlass> breakGlass;

    private Policy(Builder builder) {
        this.source = builder.source;
        this.components = Collections.unmodifiableMap(new LinkedHashMap<>(builder.components));
        this.secrets = Collections.unmodifiableMap(new LinkedHashMap<>(builder.secrets));
        this.categories = Collections.unmodifiableMap(new LinkedHashMap<>(builder.categories));
        this.breakGlass = List.copyOf(builder.breakGlass);
        for (BreakGlass grant : breakGlass) {
            if (!components.containsKey(grant.component())) {
                throw new IllegalArgumentException(
                        "a break-glass grant is for component \"" + grant.component() + "\", which there is not");
            }
        }
        for (Map.Entry<String, ComponentPolicy> component : components.entrySet()) {
            component.getValue().checkSecrets(component.getKey(), secrets);
        }
    }

    /** Starts an empty policy: no component, everything denied. */
    public static Builder builder() {
        return new Builder();
    }

    /** Where the policy came from, as it is named to people: a file name, or {@code code}. */
    public String source() {
        return source;
    }

    /** The components by name, in the order in which they were given. */
    public Map<String, ComponentPolicy> components() {
        return components;
    }

    /** What is said of secrets, by name. A secret that a component is entitled to need not be listed here. */
    public Map<String, SecretPolicy> secrets() {
        return secrets;
    }

    /** The categories that the policy defines or adds to, by name. Those that are built in need not be listed here. */
    public Map<String, CategoryPolicy> categories() {
        return categories;
    }

    /** The grants for emergencies, those that are over included; each has a beginning. */
    public List<BreakGlass> breakGlass() {
        return breakGlass;
    }

    @Override
    public String toString() {
        return "policy " + source + " " + components.keySet();
    }

    /** Collects a policy. Not thread-safe. */
    public static final class Builder {

        private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}");

        private static final int MAX_GRANTS = 64;

        private String source = "code";
        private final Map<String, ComponentPolicy> components = new LinkedHashMap<>();
        private final Map<String, SecretPolicy> secrets = new LinkedHashMap<>();
        private final Map<String, CategoryPolicy> categories = new LinkedHashMap<>();
        private final List<BreakGlass> breakGlass = new ArrayList<>();

        private Builder() {}

        /** Names are printed, logged and written into files: no blanks, no control characters, no quotes. */
        private static void requireName(String name) {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "a name is 1 to 128 letters, digits and . _ : / -," + " and starts with a letter or a digit");
            }
        }

        /** Names the policy's source to people. */
        public Builder source(String name) {
            this.source = name;
            return this;
        }

        /**
         * Adds a component.
         *
         * @throws IllegalArgumentException when the name is not 1 to 128 letters, digits and {@code . _ : / -}, starting
         *     with a letter or a digit
         */
        public Builder component(String name, ComponentPolicy component) {
            requireName(name);
            components.put(name, component);
            return this;
        }

        /** Says where a secret comes from and which hosts it is bound to. */
        public Builder secret(String name, SecretPolicy secret) {
            requireName(name);
            secrets.put(name, secret);
            return this;
        }

        /**
         * Defines a category, or adds to one that is built in.
         *
         * @throws IllegalArgumentException when the name is not lower-case letters and digits in groups with {@code -} between
         */
        public Builder category(String name, CategoryPolicy category) {
            EgressRule.category(name);
            categories.put(name, category);
            return this;
        }

        /**
         * Adds a grant for an emergency.
         *
         * @throws IllegalArgumentException when it has no beginning: read again, it would begin again
         */
        public Builder breakGlass(BreakGlass grant) {
            if (grant.from().isEmpty()) {
                throw new IllegalArgumentException("a break-glass grant in a policy names its beginning");
            }
            if (breakGlass.size() == MAX_GRANTS) {
                throw new IllegalArgumentException("a policy has at most " + MAX_GRANTS + " break-glass grants");
            }
            breakGlass.add(grant);
            return this;
        }

        /**
         * The finished policy.
         *
         * @throws IllegalArgumentException when a grant is for a component that there is not, two secrets of one component
         *     would be attached to the same header of the same host, or a component is entitled to a canary
         */
        public Policy build() {
            return new Policy(this);
        }
    }
}
