package dev.secureruntime.core.egress;

import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.Policy;

/** Finds the component that is to be exported. */
final class ComponentRules {

    private ComponentRules() {}

    static ComponentPolicy of(Policy policy, String component) {
        ComponentPolicy rules = policy.components().get(component);
        if (rules == null) {
            throw new IllegalArgumentException("the policy has no component \"" + component + "\"");
        }
        return rules;
    }
}
