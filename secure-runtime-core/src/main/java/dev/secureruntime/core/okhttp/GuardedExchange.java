package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.GuardedComponent;
import dev.secureruntime.core.okhttp.CancellationRelay.Watch;
import dev.secureruntime.core.okhttp.Hop.Timeouts;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.ProtocolException;
import java.util.Optional;
import okhttp3.Call;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/**
 * One logical call on the hardened client: hop by hop, redirects followed here and judged like the first request, one
 * record for all of it.
 */
final class GuardedExchange {

    private static final int MAX_REDIRECTS = 10;

    private final HardenedClient hardened;
    private final GuardedComponent component;
    private final Request callers;
    private final Call callersCall;
    private final ClientRetries retries;
    private final CallRecord record;
    private Hop hop;

    GuardedExchange(HardenedClient hardened, Request request, Call callersCall, Timeouts timeouts) {
        this.hardened = hardened;
        this.component = hardened.component();
        this.callers = request;
        this.callersCall = callersCall;
        this.retries = new ClientRetries(request);
        this.hop = Hop.first(component, request).with(timeouts);
        this.record = hop.record();
    }

    Response run() throws IOException {
        try {
            retries.key().filter(key -> key.attempt() > 0).ifPresent(key -> record.continues(key.previous()));
            return follow();
        } catch (EgressDeniedException e) {
            record.denied(hop.asked(), e.decision());
            throw new EgressDeniedException(hop.asked(), e.decision());
        } catch (IOException | RuntimeException e) {
            if (!callersCall.isCanceled()) {
                retries.key().ifPresent(key -> record.mayBeRepeated(key, ClientRetries.LONGEST_PAUSE));
            }
            record.failed(e);
            throw e;
        }
    }

    private Response follow() throws IOException {
        Request request = recorded(callers);
        for (int redirects = 0; ; redirects++) {
            Call call = hardened.clientFor(request.url())
                    .newCall(request.newBuilder().tag(Hop.class, hop).build());
            Watch watch = hardened.cancellations().watch(callersCall, call);
            boolean handedOver = false;
            try {
                Response response = call.execute();
                Optional<Request> next = Redirects.next(response, request);
                if (next.isEmpty()) {
                    handedOver = true;
                    return handOver(response, watch);
                }
                response.close();
                if (redirects == MAX_REDIRECTS) {
                    throw new ProtocolException("more than " + MAX_REDIRECTS + " redirects");
                }
                request = next.get();
                hop = hop.next(component, request);
                if (component.decide(hop.asked()) instanceof Denied denied) {
                    throw new EgressDeniedException(hop.asked(), denied);
                }
                Redirects.requireBodyStays(request, hop, callers.url());
            } finally {
                if (!handedOver) {
                    watch.close();
                }
            }
        }
    }

    /**
     * The response as the caller gets it: with the request that the caller made, not the one that carried the credential,
     * and a body that completes the record.
     */
    private Response handOver(Response response, Watch watch) {
        record.responded(response.code(), response.protocol().toString());
        retries.pauseAfter(response)
                .ifPresent(pause -> retries.key().ifPresent(key -> record.mayBeRepeated(key, pause)));
        Response.Builder handed = response.newBuilder()
                .request(callers)
                .networkResponse(null)
                .cacheResponse(null)
                .priorResponse(null);
        if (response.body() != null) {
            handed.body(new RecordedResponseBody(response.body(), record, watch));
        }
        return handed.build();
    }

    private Request recorded(Request request) {
        RequestBody body = request.body();
        if (body == null) {
            return request;
        }
        return request.newBuilder()
                .method(request.method(), new RecordedRequestBody(body, record))
                .build();
    }
}
