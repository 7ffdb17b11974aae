package dev.secureruntime.core;

import dev.secureruntime.core.egress.ByteLedger;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import dev.secureruntime.egress.EgressRequest;

/**
 * What one connection takes off its component's byte budgets. An adapter gets it with {@link Gate#budget}, asks
 * {@link #requireRoom} before it connects, and calls {@link #spend} before each write to the socket, beneath TLS; when that throws, it writes nothing and closes the connection. The budgets are
 * those of the policy in force, whichever the connection was opened under. Thread-safe.
 */
public final class ConnectionBudget {

    private final ComponentBudgets budgets;
    private final ByteLedger.Account account;
    private final EgressRequest connection;

    ConnectionBudget(ComponentBudgets budgets, ByteLedger.Account account, EgressRequest connection) {
        this.budgets = budgets;
        this.account = account;
        this.connection = connection;
    }

    /**
     * Asked before the connection is opened.
     *
     * @throws EgressDeniedException {@code SR-EGRESS-007} with the layer {@link Layer#UNDER_WAY} when a budget is used up
     */
    public void requireRoom() throws EgressDeniedException {
        budgets.requireRoom(connection);
    }

    /**
     * Takes bytes that are about to be written off the budgets that cover the connection's host.
     *
     * @throws EgressDeniedException {@code SR-EGRESS-007} with the layer {@link Layer#UNDER_WAY} when they don't fit
     */
    public void spend(int bytes) throws EgressDeniedException {
        budgets.spend(account, bytes, connection);
    }
}
