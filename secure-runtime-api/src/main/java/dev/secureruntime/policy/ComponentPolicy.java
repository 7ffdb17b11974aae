package dev.secureruntime.policy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What one component may do.
 *
 * @param allow the egress rules of which one must match
 * @param deny the egress rules of which none may match; deny beats allow
 * @param secrets the names of the secrets that the component is entitled to
 * @param onManyNames what happens when it asks for conspicuously many names below one domain
 * @param mode what follows when the rules refuse
 * @param budgets how many bytes it may send, besides what the rules say
 */
public record ComponentPolicy(
        List<EgressRule> allow,
        List<EgressRule> deny,
        Set<String> secrets,
        OnManyNames onManyNames,
        EnforcementMode mode,
        List<ByteBudget> budgets) {

    /** The budgets that a component may have. */
    public static final int MAX_BUDGETS = 64;

    public ComponentPolicy {
        allow = List.copyOf(allow);
        deny = List.copyOf(deny);
        secrets = Collections.unmodifiableSet(new LinkedHashSet<>(secrets));
        budgets = List.copyOf(budgets);
        checkBudgets(budgets);
    }

    private static void checkBudgets(List<ByteBudget> budgets) {
        if (budgets.size() > MAX_BUDGETS) {
            throw new IllegalArgumentException("a component has at most " + MAX_BUDGETS + " budgets");
        }
        Set<List<Object>> seen = new HashSet<>();
        for (ByteBudget budget : budgets) {
            if (!seen.add(List.of(budget.pattern(), budget.window()))) {
                throw new IllegalArgumentException("two budgets "
                        + budget.pattern().map(host -> "for " + host).orElse("for everything") + " have the window "
                        + budget.window());
            }
        }
    }

    /** A component whose rules are enforced, and whose many names are reported and not blocked. */
    public ComponentPolicy(List<EgressRule> allow, List<EgressRule> deny, Set<String> secrets) {
        this(allow, deny, secrets, OnManyNames.REPORT, EnforcementMode.ENFORCE, List.of());
    }

    /** Starts a component that may do nothing. */
    public static Builder builder() {
        return new Builder();
    }

    void checkSecrets(String component, Map<String, SecretPolicy> policies) {
        Map<String, String> taken = new HashMap<>();
        for (String name : secrets) {
            SecretPolicy policy = policies.get(name);
            if (policy == null) {
                continue;
            }
            if (policy.isCanary()) {
                throw new IllegalArgumentException("component \"" + component + "\" is entitled to \"" + name
                        + "\", which is a canary: nobody may read one");
            }
            policy.attachment().ifPresent(attachment -> {
                for (HostPort target : attachment.hosts()) {
                    String place = target + " " + attachment.header().toLowerCase(Locale.ROOT);
                    String other = taken.putIfAbsent(place, name);
                    if (other != null) {
                        throw new IllegalArgumentException("component \"" + component + "\" would have both \"" + other
                                + "\" and \"" + name + "\" attached as " + attachment.header() + " to " + target);
                    }
                }
            });
        }
    }

    /** Collects a component's policy. Not thread-safe. */
    public static final class Builder {

        private final List<EgressRule> allow = new ArrayList<>();
        private final List<EgressRule> deny = new ArrayList<>();
        private final Set<String> secrets = new LinkedHashSet<>();
        private OnManyNames onManyNames = OnManyNames.REPORT;
        private EnforcementMode mode = EnforcementMode.ENFORCE;
        private final List<ByteBudget> budgets = new ArrayList<>();

        private Builder() {}

        /** Allows https on port 443 of a host, or of a {@code *.suffix}. */
        public Builder allowHost(String pattern) {
            return allow(EgressRule.host(pattern));
        }

        /** Adds a rule that allows. */
        public Builder allow(EgressRule rule) {
            allow.add(rule);
            return this;
        }

        /** Adds a rule that denies. */
        public Builder deny(EgressRule rule) {
            deny.add(rule);
            return this;
        }

        /** Entitles the component to a secret. */
        public Builder secret(String name) {
            secrets.add(name);
            return this;
        }

        /** Says what happens when the component asks for conspicuously many names below one domain. */
        public Builder onManyNames(OnManyNames then) {
            onManyNames = then;
            return this;
        }

        /** Says what follows when the rules refuse; {@link EnforcementMode#ENFORCE} unless said otherwise. */
        public Builder mode(EnforcementMode mode) {
            this.mode = mode;
            return this;
        }

        /** Limits the bytes that it may send. */
        public Builder budget(ByteBudget budget) {
            budgets.add(budget);
            return this;
        }

        /**
         * The finished component.
         *
         * @throws IllegalArgumentException when there are more than {@value #MAX_BUDGETS} budgets, or two for one host and window
         */
        public ComponentPolicy build() {
            return new ComponentPolicy(allow, deny, secrets, onManyNames, mode, budgets);
        }
    }
}
