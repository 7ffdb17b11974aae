package dev.secureruntime.core.audit;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One POST to a service that anchors: no redirect is followed, no proxy is used, no cookie or credential is sent, and answer
 * and time are bounded. The answers are authenticated by their signatures, so plain HTTP is allowed. Thread-safe.
 */
final class AnchorHttp {

    private final HttpClient client;
    private final URI target;
    private final Duration limit;

    /** An answer of any status. */
    record Answer(int status, String contentType, byte[] body) {}

    /** Requires an address without user, query or fragment, so that no message can repeat a secret of it. */
    AnchorHttp(URI target, Duration limit) {
        boolean http = "https".equalsIgnoreCase(target.getScheme()) || "http".equalsIgnoreCase(target.getScheme());
        if (!http
                || target.getHost() == null
                || target.getRawUserInfo() != null
                || target.getRawQuery() != null
                || target.getRawFragment() != null) {
            throw new IllegalArgumentException(
                    "expected an http or https address with a host, and without user, query or fragment");
        }
        this.target = target;
        this.limit = limit;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .proxy(HttpClient.Builder.NO_PROXY)
                .connectTimeout(limit)
                .build();
    }

    Answer post(String contentType, byte[] body, int mostBytes) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(target)
                .timeout(limit)
                .header("Content-Type", contentType)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
        CompletableFuture<HttpResponse<byte[]>> answered =
                client.sendAsync(request, head -> new BoundedBody(mostBytes));
        try {
            // The request's own time-out ends with the head of the answer; this one holds for the body too.
            HttpResponse<byte[]> answer = answered.get(limit.toNanos(), TimeUnit.NANOSECONDS);
            String type = answer.headers().firstValue("Content-Type").orElse("");
            return new Answer(answer.statusCode(), type, answer.body());
        } catch (TimeoutException e) {
            answered.cancel(true);
            throw new IOException(target.getHost() + " gave no whole answer within " + limit.toMillis() + " ms", e);
        } catch (ExecutionException e) {
            throw new IOException(target.getHost() + " can't be reached: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            answered.cancel(true);
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    String host() {
        return target.getHost();
    }

    /** Collects a body, and refuses it once it is too long. */
    private static final class BoundedBody implements HttpResponse.BodySubscriber<byte[]> {

        private final CompletableFuture<byte[]> body = new CompletableFuture<>();
        private final java.io.ByteArrayOutputStream collected = new java.io.ByteArrayOutputStream();
        private final int most;
        private Flow.@Nullable Subscription subscription;

        BoundedBody(int most) {
            this.most = most;
        }

        @Override
        public CompletionStage<byte[]> getBody() {
            return body;
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription = given;
            given.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            for (ByteBuffer buffer : buffers) {
                if (collected.size() + buffer.remaining() > most) {
                    if (subscription != null) {
                        subscription.cancel();
                    }
                    body.completeExceptionally(new IOException("the answer has more than " + most + " bytes"));
                    return;
                }
                byte[] part = new byte[buffer.remaining()];
                buffer.get(part);
                collected.write(part, 0, part.length);
            }
        }

        @Override
        public void onError(Throwable failure) {
            body.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            body.complete(collected.toByteArray());
        }
    }
}
