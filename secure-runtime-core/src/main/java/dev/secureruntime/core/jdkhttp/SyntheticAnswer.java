package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.DenialAnswer;
import dev.secureruntime.egress.EgressDeniedException;
import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.atomic.AtomicBoolean;

/** A refusal as a response, read by the caller's own body handler. */
final class SyntheticAnswer {

    private SyntheticAnswer() {}

    static <T> CompletableFuture<HttpResponse<T>> to(
            EgressDeniedException denial, HttpRequest request, BodyHandler<T> handler) {
        DenialAnswer answer = DenialAnswer.to(denial);
        HttpHeaders headers = HttpHeaders.of(
                Map.of(
                        "content-type",
                        List.of(DenialAnswer.CONTENT_TYPE),
                        DenialAnswer.HEADER,
                        List.of(answer.code()),
                        DenialAnswer.RETRY_HEADER,
                        List.of("false")),
                (name, value) -> true);
        CompletableFuture<HttpResponse<T>> response = new CompletableFuture<>();
        try {
            BodySubscriber<T> subscriber = handler.apply(new Head(DenialAnswer.STATUS, headers, Version.HTTP_1_1));
            subscriber.getBody().whenComplete((body, failure) -> {
                if (failure == null) {
                    response.complete(new HandedResponse<>(
                            request, DenialAnswer.STATUS, request.uri(), headers, Version.HTTP_1_1, null, body));
                } else {
                    response.completeExceptionally(failure);
                }
            });
            subscriber.onSubscribe(new Once<>(subscriber, answer.json().getBytes(StandardCharsets.UTF_8)));
        } catch (RuntimeException e) {
            response.completeExceptionally(e);
        }
        return response;
    }

    private record Head(int statusCode, HttpHeaders headers, Version version) implements ResponseInfo {}

    /** Gives the whole body at the first request for some of it. */
    private static final class Once<T> implements Subscription {

        private final BodySubscriber<T> subscriber;
        private final byte[] body;
        private final AtomicBoolean over = new AtomicBoolean();

        Once(BodySubscriber<T> subscriber, byte[] body) {
            this.subscriber = subscriber;
            this.body = body;
        }

        @Override
        public void request(long n) {
            if (over.compareAndSet(false, true)) {
                if (n <= 0) {
                    subscriber.onError(new IllegalArgumentException("at least one is asked for"));
                    return;
                }
                subscriber.onNext(List.of(ByteBuffer.wrap(body).asReadOnlyBuffer()));
                subscriber.onComplete();
            }
        }

        @Override
        public void cancel() {
            over.set(true);
        }
    }
}
