package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.Gate;
import dev.secureruntime.core.http.BodyWatch;
import dev.secureruntime.core.http.CallersFailure;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.core.http.Redirects;
import dev.secureruntime.core.http.Target;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.URI;
import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.ResponseInfo;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * One logical call on the JDK's client: hop by hop, redirects followed here and judged like the first request, one record for
 * all of it. Its result is told once.
 */
final class GuardedSend<T> {

    private final JdkTransport transport;
    private final Gate gate;
    private final ClientSettings settings;
    private final HttpRequest callers;
    private final SentRequest first;
    private final Origin home;
    private final BodyHandler<T> handler;
    private final @Nullable Duration timeout;
    private final long startNanos = System.nanoTime();
    private final CompletableFuture<HttpResponse<T>> result = new CompletableFuture<>();
    private final CallRecord record;
    private volatile JdkHop hop;
    private volatile @Nullable CompletableFuture<?> sending;
    private volatile @Nullable RecordedSubscriber<T> receiving;
    private volatile Outcome.@Nullable Redirected<T> leading;
    private volatile boolean cancelled;
    private volatile boolean handed;
    private @Nullable HandedResponse<T> previous;

    GuardedSend(JdkTransport transport, ClientSettings settings, HttpRequest request, BodyHandler<T> handler) {
        this.transport = transport;
        this.gate = transport.gate();
        this.settings = settings;
        this.callers = request;
        this.handler = handler;
        this.timeout = request.timeout().orElse(null);
        this.first = SentRequest.of(request);
        this.hop = JdkHop.first(gate, first, settings.connectTimeoutOrOwn());
        this.record = hop.record();
        this.home = Origin.of(hop.asked());
    }

    /** The response, or why there is none; completed on a thread of ours or the JDK's. */
    CompletableFuture<HttpResponse<T>> result() {
        return result;
    }

    /** Whether the caller's body handler was asked already. */
    boolean isHanded() {
        return handed;
    }

    /** Begins. Returns when the first request is on its way, or the result is known. */
    void start() {
        send(first, 0);
    }

    /** Ends it, for the caller's reasons or the policy's. */
    void cancel() {
        cancelled = true;
        RecordedSubscriber<T> reading = receiving;
        if (reading != null) {
            reading.cut();
        }
        CompletableFuture<?> waiting = sending;
        if (waiting != null) {
            waiting.cancel(true);
        }
    }

    private void send(SentRequest request, int redirects) {
        JdkHop now = hop;
        LiveExchange exchange = null;
        try {
            request.judge(now); // before any code of the caller's runs, its body's included
            if (redirects > 0 && request.body() != null) {
                Redirects.requireBodyStays(now.asked(), home, -1); // an empty one was left behind
            }
            Generation generation = transport.entered(now.snapshot());
            exchange = generation.begin(now, this::cancel);
            HttpRequest equipped = request.equipped(now, timeLeft());
            LiveExchange begun = exchange;
            record.sent();
            CompletableFuture<HttpResponse<Outcome<T>>> answer =
                    generation.send(settings, now, equipped, info -> receive(request, info, begun, generation));
            sending = answer;
            if (cancelled) {
                answer.cancel(true);
            }
            answer.whenComplete((response, failure) -> {
                try {
                    Outcome.Redirected<T> redirected = leading;
                    if (redirected != null && now.cut() == null && !cancelled) {
                        follow(request, redirected, redirects, begun); // what became of its body is of no matter
                    } else if (failure != null || redirected != null) {
                        fail(failure == null ? new CancellationException() : failure, begun, generation);
                    } else {
                        Outcome.Body<T> body = (Outcome.Body<T>) response.body();
                        result.complete(handed(
                                request, response.statusCode(), response.headers(), response.version(), body.value()));
                    }
                } catch (Throwable e) {
                    fail(e, begun, generation);
                }
            });
        } catch (Throwable e) {
            fail(e, exchange, null);
        }
    }

    private Optional<Duration> timeLeft() throws HttpTimeoutException {
        if (timeout == null) {
            return Optional.empty();
        }
        Duration left = timeout.minusNanos(System.nanoTime() - startNanos);
        if (left.isNegative() || left.isZero()) {
            throw new HttpTimeoutException("request timed out");
        }
        return Optional.of(left);
    }

    private BodySubscriber<Outcome<T>> receive(
            SentRequest request, ResponseInfo info, LiveExchange exchange, Generation generation) {
        IOException unconnected = ((JdkHop) exchange.hop()).unconnected();
        if (unconnected != null) {
            // Over plain http the relay's refusal comes as an answer, and isn't the target's.
            return new Outcome.Unread<>(CompletableFuture.failedFuture(unconnected));
        }
        Optional<SentRequest> next = request.redirected(info.statusCode(), info.headers(), settings.redirects());
        if (next.isPresent()) {
            Outcome.Redirected<T> redirected =
                    new Outcome.Redirected<>(next.get(), info.statusCode(), info.headers(), info.version());
            leading = redirected;
            return new Outcome.Unread<>(CompletableFuture.completedFuture(redirected));
        }
        record.responded(info.statusCode(), protocol(info));
        handed = true;
        HttpHeaders headers = HandedResponse.headers(info.headers());
        BodySubscriber<T> callersSubscriber = handler.apply(new HandedInfo(info.statusCode(), headers, info.version()));
        int status = info.statusCode();
        boolean empty = request.method().equals("HEAD") || status == 204 || status == 304;
        RecordedSubscriber<T> recorded = new RecordedSubscriber<>(
                callersSubscriber,
                empty,
                record,
                BodyWatch.ofResponse(record, headers.firstValue("Content-Type").orElse(null)),
                exchange,
                failure -> explained(failure, exchange, generation));
        receiving = recorded;
        if (cancelled) {
            recorded.cut();
        }
        return recorded;
    }

    private static String protocol(ResponseInfo info) {
        return info.version() == Version.HTTP_2 ? "h2" : "http/1.1";
    }

    private void follow(SentRequest request, Outcome.Redirected<T> redirected, int redirects, LiveExchange exchange)
            throws IOException {
        leading = null;
        exchange.close();
        if (redirects == Redirects.MAX) {
            throw new ProtocolException("more than " + Redirects.MAX + " redirects");
        }
        previous = handed(request, redirected.status(), redirected.headers(), redirected.version(), null);
        hop = hop.next(gate, redirected.next());
        send(redirected.next(), redirects + 1);
    }

    private HandedResponse<T> handed(
            SentRequest request, int status, HttpHeaders headers, Version version, @Nullable T body) {
        URI uri = request.target() instanceof Target.Read read ? URI.create(read.url()) : callers.uri();
        return new HandedResponse<>(callers, status, uri, HandedResponse.headers(headers), version, previous, body);
    }

    private void fail(Throwable failure, @Nullable LiveExchange exchange, @Nullable Generation generation) {
        Throwable told = failure;
        while (told instanceof CompletionException && told.getCause() != null) {
            told = told.getCause();
        }
        if (told instanceof CancellationException && !result.isCancelled()) {
            told = new IOException(transport.isClosed() ? "the runtime was closed" : "the call was cancelled");
        }
        if (exchange != null) {
            if (told instanceof IOException broken) {
                told = explained(broken, exchange, generation);
            }
            exchange.close();
        }
        result.completeExceptionally(recorded(told, hop));
    }

    /** Records a failure, and says it as callers are told: a refusal anew, without what led to it. */
    static Throwable recorded(Throwable told, JdkHop hop) {
        CallRecord record = hop.record();
        try {
            Denied cut = hop.cut();
            if (cut != null) {
                record.cut(hop.outgoing().shown(), cut, null);
                return new EgressDeniedException(hop.outgoing().shown(), cut);
            }
            if (told instanceof EgressDeniedException denial) {
                record.denied(hop.outgoing().shown(), denial.decision());
                return new EgressDeniedException(hop.outgoing().shown(), denial.decision());
            }
            record.failed(told);
        } catch (RuntimeException unrecorded) {
            told.addSuppressed(unrecorded);
        }
        return told;
    }

    /** What a failure really was: the policy's word or the relay's, where there is one. */
    static IOException explained(IOException failure, LiveExchange exchange, @Nullable Generation generation) {
        JdkHop failed = (JdkHop) exchange.hop();
        IOException unconnected = failed.unconnected();
        Denied closed = generation == null ? null : generation.closedUnder(failed);
        if (failed.cut() == null && closed != null && unconnected == null) {
            failed.cut(closed);
        }
        if (generation != null && failed.cut() == null && unconnected == null) {
            return CallersFailure.of(failure, null); // once it is on its way, a refusal is the relay's or the hop's
        }
        return exchange.explained(unconnected == null ? failure : unconnected);
    }

    /** A response's head as the caller's handler gets it. */
    private record HandedInfo(int statusCode, HttpHeaders headers, Version version) implements ResponseInfo {}
}
