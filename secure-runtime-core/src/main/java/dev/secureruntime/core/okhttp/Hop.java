package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.GuardedComponent;
import dev.secureruntime.egress.EgressRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import okhttp3.HttpUrl;
import okhttp3.Request;

/**
 * One hop of a logical call, carried through OkHttp as a request's tag.
 *
 * @param asked the question put to the policy
 * @param record the call's record
 * @param timeouts the caller's time-outs; {@link Timeouts#INHERITED} for WebSockets
 */
record Hop(EgressRequest asked, CallRecord record, Timeouts timeouts) {

    /**
     * Time-outs in milliseconds.
     *
     * @param connect to open a connection; negative: as the client has it
     * @param read between two reads
     * @param write between two writes
     */
    record Timeouts(int connect, int read, int write) {
        static final Timeouts INHERITED = new Timeouts(-1, -1, -1);
    }

    static Hop first(GuardedComponent component, Request request) {
        EgressRequest asked = ask(component, request, List.of());
        return new Hop(asked, component.begin(asked), Timeouts.INHERITED);
    }

    Hop with(Timeouts callers) {
        return new Hop(asked, record, callers);
    }

    /** The hop that follows a redirect. */
    Hop next(GuardedComponent component, Request request) {
        List<String> from = new ArrayList<>(asked.redirectedFrom());
        from.add(asked.host());
        return new Hop(ask(component, request, from), record, timeouts);
    }

    private static EgressRequest ask(GuardedComponent component, Request request, List<String> redirectedFrom) {
        HttpUrl url = request.url();
        return new EgressRequest(
                component.id().name(),
                request.method().toUpperCase(Locale.ROOT),
                url.scheme(),
                url.host(),
                url.port(),
                url.encodedPath(),
                redirectedFrom);
    }
}
