package dev.secureruntime.core;

import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.core.credential.Ticker;
import dev.secureruntime.core.egress.ByteLedger;
import dev.secureruntime.core.egress.ByteLedger.Level;
import dev.secureruntime.core.egress.ByteLedger.Notice;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDecision.Reason;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EnforcementMode;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A component's byte budgets: refuses what does not fit, and tells the audit log and the developer's log once per window when a
 * budget is nearly and when it is altogether used up. In report mode it tells and refuses nothing. Thread-safe.
 */
final class ComponentBudgets {

    private static final Logger LOG = LoggerFactory.getLogger("dev.secureruntime");

    private final String component;
    private final EventLine events;
    private final ByteLedger ledger;
    private final Supplier<PolicySnapshot> policy;
    private volatile @Nullable PolicySnapshot followed;

    ComponentBudgets(String component, Supplier<PolicySnapshot> policy, EventLine events, Ticker ticker) {
        this.component = component;
        this.policy = policy;
        this.events = events;
        this.ledger = new ByteLedger(ticker::read);
    }

    /** The limits are those of the policy in force; what was counted stays, whichever policy set them before. */
    private ByteLedger followed() {
        if (policy.get() != followed) {
            follow();
        }
        return ledger;
    }

    private synchronized void follow() {
        PolicySnapshot now = policy.get();
        ComponentPolicy rules = now.policy().components().get(component);
        if (rules == null) {
            ledger.inForce(List.of(), EnforcementMode.ENFORCE);
        } else {
            ledger.inForce(rules.budgets(), rules.mode());
        }
        followed = now;
    }

    ConnectionBudget of(EgressRequest connection) {
        return new ConnectionBudget(this, ledger.account(connection.host()), connection);
    }

    /** Takes bytes off that are about to be written; throws when they don't fit. */
    void spend(ByteLedger.Account account, int bytes, EgressRequest connection) throws EgressDeniedException {
        followed();
        Notice notice = account.spend(bytes);
        if (notice != null) {
            tell(notice, account.mode(), connection);
        }
    }

    /** Why a request to a host may not begin; null when its budgets have room. */
    @Nullable
    Denied spent(String host) {
        Notice notice = followed().spent(host);
        if (notice == null) {
            return null;
        }
        return notice.first() && !report(notice, EnforcementMode.ENFORCE, host)
                ? GuardedComponent.unwritable()
                : denied(notice, Layer.REQUEST);
    }

    /** Throws when a budget that covers the connection's host is used up. */
    void requireRoom(EgressRequest connection) throws EgressDeniedException {
        Denied spent = spent(connection.host());
        if (spent != null) {
            throw new EgressDeniedException(
                    connection,
                    spent.at(Layer.UNDER_WAY).under(policy.get().version().toString()));
        }
    }

    private void tell(Notice notice, EnforcementMode mode, EgressRequest connection) throws EgressDeniedException {
        if (notice.first() && !report(notice, mode, connection.host())) {
            throw new EgressDeniedException(
                    connection, GuardedComponent.unwritable().at(Layer.UNDER_WAY));
        }
        if (notice.level() == Level.SPENT && mode == EnforcementMode.ENFORCE) {
            throw new EgressDeniedException(
                    connection,
                    denied(notice, Layer.UNDER_WAY).under(policy.get().version().toString()));
        }
    }

    private Denied denied(Notice notice, Layer layer) {
        return new Denied(
                        ErrorCode.EGRESS_BUDGET_SPENT,
                        Reason.BUDGET_SPENT,
                        "the " + notice.budget().describe() + " is used up (" + notice.used() + " sent)",
                        null,
                        "wait until bytes come free, or raise \"bytes\" of this budget under components." + component
                                + ".egress.budgets; find out first what is sent")
                .by(notice.budget().describe())
                .at(layer);
    }

    /** False when it could not be recorded, and nothing may be sent for that reason. */
    private boolean report(Notice notice, EnforcementMode mode, String host) {
        boolean refuses = notice.level() == Level.SPENT && mode == EnforcementMode.ENFORCE;
        LOG.warn(
                "component \"{}\" has sent {} bytes of its {}{}",
                component,
                notice.used(),
                notice.budget().describe(),
                refuses ? ": what follows is refused until bytes come free" : "");
        try {
            events.publish(AuditEvent.of("egress.budget")
                    .component(component)
                    .attribute("secure_runtime.action", refuses ? "block" : "report")
                    .attribute("secure_runtime.rule", notice.budget().describe())
                    .attribute(
                            "secure_runtime.budget.level", notice.level().name().toLowerCase(Locale.ROOT))
                    .attribute("secure_runtime.budget.sent", notice.used())
                    .attribute("secure_runtime.budget.bytes", notice.budget().bytes())
                    .attribute(
                            "secure_runtime.budget.window_s",
                            notice.budget().window().toSeconds())
                    .attribute("server.address", host)
                    .build());
            return true;
        } catch (SecureRuntimeException e) {
            LOG.error("a byte budget's state could not be recorded", e);
            return false;
        }
    }
}
