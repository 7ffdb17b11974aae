package dev.secureruntime.core.apache;

import dev.secureruntime.core.ComponentSnapshot;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.GuardedHop;
import dev.secureruntime.core.http.JudgedConnector;
import dev.secureruntime.core.http.JudgedSocket;
import dev.secureruntime.core.http.RequestForm;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One hop of a logical call, and the connection that it runs over. Thread-safe. */
final class Hop extends GuardedHop implements JudgedConnector.Caller {

    private @Nullable Wire wire;
    private @Nullable JudgedSocket opening;
    private boolean cancelled;

    private Hop(Gate gate, Outgoing request) {
        super(gate, request.asked(gate.name(), List.of()));
    }

    private Hop(Gate gate, Outgoing request, Hop before) {
        super(gate, request.asked(gate.name(), before.redirectedFrom()), before);
    }

    /** The first hop of a call. */
    static Hop first(Gate gate, Outgoing request) {
        return new Hop(gate, request);
    }

    /** The hop that follows a redirect. */
    Hop next(Gate gate, Outgoing request) {
        return new Hop(gate, request, this);
    }

    /** Asks about the request: whether a secret would leave with it, then its form, then the policy. */
    void judge(Outgoing request, @Nullable String detour) throws EgressDeniedException {
        requireNoSecretLeaves(request.method(), request.url(), request.lines());
        String fault = request.fault();
        Denied neverSent = RequestForm.refusalOfMethod(request.method());
        EgressDecision decision;
        if (neverSent != null) {
            decision = neverSent.under(snapshot().version());
        } else if (fault != null) {
            decision = RequestForm.malformed(fault).under(snapshot().version());
        } else if (detour != null) {
            decision = RequestForm.bypassed(detour).under(snapshot().version());
        } else {
            decision = decide();
        }
        pass(decision);
    }

    /** A socket is about to be connected for this hop; closed at once when the hop was cancelled. */
    @Override
    public void connects(JudgedSocket socket) throws IOException {
        synchronized (this) {
            opening = socket;
            if (!cancelled) {
                return;
            }
        }
        end(socket);
        throw new InterruptedIOException("the request was cancelled");
    }

    /** The connection that the request is about to be written to; closed at once when the hop was cancelled. */
    void runsOver(Wire connection) throws IOException {
        synchronized (this) {
            wire = connection;
            opening = null;
            if (!cancelled) {
                return;
            }
        }
        connection.abort();
        throw new InterruptedIOException("the request was cancelled");
    }

    /** The connection is another request's from now on. */
    synchronized void leavesWire() {
        wire = null;
    }

    /** Breaks off what is being sent, before anything that would make it look whole. */
    void breakOff() {
        Wire running;
        synchronized (this) {
            running = wire;
        }
        if (running != null) {
            running.abort();
        }
    }

    /** Ends the hop, wherever it is. */
    void cancel() {
        Wire running;
        JudgedSocket connecting;
        synchronized (this) {
            cancelled = true;
            running = wire;
            connecting = opening;
        }
        if (running != null) {
            running.abort();
        }
        if (connecting != null) {
            end(connecting);
        }
    }

    @Override
    public boolean triesNext(IOException failure) {
        return !isCancelled();
    }

    synchronized boolean isCancelled() {
        return cancelled;
    }

    private static void end(JudgedSocket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // Closed for whoever connects, whatever the system says of it.
        }
    }

    @Override
    public Optional<Denied> deniedConnection(ComponentSnapshot inForce, Gate gate) {
        Wire running;
        synchronized (this) {
            running = wire;
        }
        return running == null ? Optional.empty() : running.denied(inForce);
    }
}
