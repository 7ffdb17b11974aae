package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.PolicyExport.Effect;
import dev.secureruntime.core.egress.PolicyExport.Gap;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import dev.secureruntime.policy.Policy;
import java.util.ArrayList;
import java.util.List;

/** What a policy says of a component beside its rules. No tool outside the process can hold it; each is a gap. */
final class UnexportedMembers {

    /** A comment for every export: the tool is never told of secrets, so that this is no gap of one policy. */
    static final String SECRETS =
            "Secrets and the hosts that they are bound to, and canaries, are judged in the process alone.";

    private UnexportedMembers() {}

    static List<Gap> of(Policy policy, String component) {
        ComponentPolicy rules = ComponentRules.of(policy, component);
        List<Gap> gaps = new ArrayList<>();
        if (rules.mode() == EnforcementMode.REPORT) {
            String why = "the tool refuses what the policy would only record";
            gaps.add(new Gap(component, "mode report", Effect.LEFT_OUT, why));
        }
        rules.budgets()
                .forEach(budget ->
                        gaps.add(new Gap(component, budget.describe(), Effect.WIDER, "the tool counts no bytes")));
        if (rules.onManyNames() == OnManyNames.BLOCK) {
            gaps.add(new Gap(component, "onManyNames block", Effect.WIDER, "the tool counts no names"));
        }
        policy.breakGlass().stream()
                .filter(grant -> grant.component().equals(component))
                .forEach(grant -> gaps.add(new Gap(
                        component,
                        "break-glass to " + grant.target() + " until " + grant.until(),
                        Effect.LEFT_OUT,
                        "it has an end, which the tool would not keep")));
        return gaps;
    }
}
