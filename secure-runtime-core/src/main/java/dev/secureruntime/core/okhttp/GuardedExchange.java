package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.CallersFailure;
import dev.secureruntime.core.http.ClientRetries;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.http.Redirects;
import dev.secureruntime.core.okhttp.Hop.Timeouts;
import dev.secureruntime.egress.EgressDecision;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.ProtocolException;
import java.util.Optional;
import okhttp3.Call;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.Buffer;
import okio.ByteString;

/**
 * One logical call on the hardened client: hop by hop, redirects followed here and judged like the first request, one
 * record for all of it.
 */
final class GuardedExchange {

    private final HardenedClient hardened;
    private final Gate gate;
    private final Request callers;
    private final Call callersCall;
    private final CallRecord record;
    private ClientRetries retries = ClientRetries.NONE;
    private Hop hop;

    GuardedExchange(HardenedClient hardened, Request request, Call callersCall, Timeouts timeouts) {
        this.hardened = hardened;
        this.gate = hardened.gate();
        this.callers = request;
        this.callersCall = callersCall;
        this.hop = Hop.first(gate, request, timeouts);
        this.record = hop.record();
    }

    Response run() throws IOException {
        try {
            requireAllowed(callers); // before any code of the caller's runs, its body's included
            Request request = recorded(callers);
            retries = retriesOf(request);
            retries.repeated().ifPresent(record::continues);
            return follow(request);
        } catch (EgressDeniedException e) {
            Denied cut = hop.cut();
            if (cut == null) {
                record.denied(hop.outgoing().shown(), e.decision());
            } else {
                record.cut(hop.outgoing().shown(), cut, null);
            }
            throw new EgressDeniedException(hop.outgoing().shown(), e.decision());
        } catch (IOException | RuntimeException | Error e) {
            Denied cut = hop.cut();
            if (cut != null) { // the caller's body kept it to itself
                record.cut(hop.outgoing().shown(), cut, null);
                throw e;
            }
            if (e instanceof IOException && !callersCall.isCanceled()) {
                retries.key().ifPresent(key -> record.mayBeRepeated(key, ClientRetries.LONGEST_PAUSE));
            }
            record.failed(e);
            throw e;
        }
    }

    private Response follow(Request first) throws IOException {
        Request request = first;
        for (int redirects = 0; ; redirects++) {
            if (request.body() instanceof RecordedRequestBody body) {
                body.leavesWith(hop, request);
            }
            Generation generation = hardened.generation(hop.snapshot());
            Call call = generation
                    .clientFor(request.url())
                    .newCall(request.newBuilder().tag(Hop.class, hop).build());
            LiveExchange exchange =
                    generation.begin(hop, call::cancel, hardened.cancellations().watch(callersCall, call));
            boolean handedOver = false;
            try {
                Response response = execute(call, exchange);
                Optional<Request> next = FollowUp.of(response, request);
                if (next.isEmpty()) {
                    handedOver = true;
                    return handOver(response, exchange);
                }
                response.close();
                if (redirects == Redirects.MAX) {
                    throw new ProtocolException("more than " + Redirects.MAX + " redirects");
                }
                request = next.get();
                hop = hop.next(gate, request);
                EgressDecision decision = requireAllowed(request);
                if (request.body() != null) {
                    requireBodyStays(request.body(), decision);
                }
            } finally {
                if (!handedOver) {
                    exchange.close();
                }
            }
        }
    }

    private static Response execute(Call call, LiveExchange exchange) throws IOException {
        try {
            Response response = call.execute();
            if (exchange.cut() == null) {
                return response;
            }
            // OkHttp forgives a body its failure when the server had answered and asked for no more of it.
            response.close();
            throw new IOException("the call was cut");
        } catch (IOException e) {
            throw exchange.explained(e);
        }
    }

    private EgressDecision requireAllowed(Request request) throws EgressDeniedException {
        RequestParts.requireNoSecretLeaves(request, hop);
        EgressDecision decision = hardened.layers().decide(hop, request);
        if (decision instanceof Denied denied) {
            throw new EgressDeniedException(hop.asked(), denied);
        }
        return decision;
    }

    private void requireBodyStays(RequestBody body, EgressDecision decision) throws IOException {
        try {
            Redirects.requireBodyStays(hop.asked(), RequestParts.origin(callers.url()), body.contentLength());
        } catch (EgressDeniedException e) {
            hop.pass(decision); // it never comes to the interceptor that takes down what the rules say of a hop
            throw e;
        }
    }

    private Response handOver(Response response, LiveExchange exchange) {
        record.responded(response.code(), response.protocol().toString());
        retries.pauseAfter(response.code(), response::header)
                .ifPresent(pause -> retries.key().ifPresent(key -> record.mayBeRepeated(key, pause)));
        Response.Builder handed = HandedResponse.of(response, callers);
        if (response.body() != null) {
            boolean empty = callers.method().equals("HEAD") || response.code() == 204 || response.code() == 304;
            handed.body(new RecordedResponseBody(
                    response.body(), response.header("Content-Type"), empty, record, exchange));
        } else {
            exchange.close();
        }
        return handed.build();
    }

    private Request recorded(Request request) throws IOException {
        Request.Builder plain = RequestParts.withoutFraming(request);
        if (request.body() != null) {
            try {
                plain.method(request.method(), new RecordedRequestBody(request.body(), record));
            } catch (IOException e) {
                throw CallersFailure.of(e, null);
            }
        }
        return plain.build();
    }

    private static ClientRetries retriesOf(Request request) throws IOException {
        String number = request.header(ClientRetries.TRY_NUMBER);
        boolean again = request.body() == null || !request.body().isOneShot();
        return number != null && ClientRetries.isNumber(number) && again
                ? ClientRetries.numbered(number, fingerprint(request))
                : ClientRetries.NONE;
    }

    private static String fingerprint(Request request) throws IOException {
        Buffer named = new Buffer();
        named.writeUtf8(request.method() + " " + request.url() + "\n");
        if (request.body() instanceof RecordedRequestBody body) {
            byte[] held = body.held();
            if (held != null) {
                named.write(ByteString.of(held).sha256());
            } else {
                named.writeUtf8("length " + body.contentLength());
            }
        }
        return named.sha256().hex();
    }
}
