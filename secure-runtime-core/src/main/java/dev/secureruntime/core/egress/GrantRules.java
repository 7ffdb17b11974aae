package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.policy.BreakGlass;
import dev.secureruntime.policy.CidrBlock;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A break-glass grant, compiled to be asked where the policy refused. It opens its own target and nothing else, and knows no time:
 * whoever asks has made sure that it is in force. Immutable and thread-safe.
 */
public final class GrantRules {

    private static final String RULE = "break-glass ";

    private final BreakGlass grant;
    private final String id;
    private final EgressPolicy rules;
    private final @Nullable CidrBlock address;

    private GrantRules(BreakGlass grant, String id, EgressPolicy rules) {
        this.grant = grant;
        this.id = id;
        this.rules = rules;
        this.address = grant.rule() instanceof EgressRule.Cidr cidr ? CidrBlock.parse(cidr.block()) : null;
    }

    /** Compiles a grant whose uses carry {@code id}. */
    public static GrantRules compile(BreakGlass grant, String id) {
        ComponentPolicy only = ComponentPolicy.builder().allow(grant.rule()).build();
        Policy policy = Policy.builder().component(grant.component(), only).build();
        return new GrantRules(grant, id, EgressPolicy.compile(policy));
    }

    /** The answer of the first grant that opens what the policy refused; empty when none does. */
    public static Optional<Allowed> opening(List<GrantRules> grants, EgressRequest request, Denied refused) {
        boolean byRules =
                refused.code() == ErrorCode.EGRESS_DENIED || refused.code() == ErrorCode.EGRESS_ADDRESS_DENIED;
        if (!byRules || refused.layer() != Layer.REQUEST) {
            return Optional.empty();
        }
        return grants.stream()
                .filter(each -> each.rules.decide(request) instanceof Allowed)
                .map(each -> new Allowed(RULE + each.id, refused.policyVersion()))
                .findFirst();
    }

    /** The name of the grant whose answer this is; empty when it is a rule's. */
    public static Optional<String> grantOf(Allowed allowed) {
        return allowed.rule().startsWith(RULE)
                ? Optional.of(allowed.rule().substring(RULE.length()))
                : Optional.empty();
    }

    /** Whether the grant opens a connection to this very address, whichever the host. */
    public boolean opensAddress(EgressRequest connection, InetAddress target) {
        return address != null
                && grant.component().equals(connection.component())
                && grant.rule().scope().ports().contains(connection.port())
                && grant.rule().scope().schemes().contains(connection.scheme())
                && address.contains(target);
    }
}
