package dev.secureruntime.core.jdkhttp;

import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import org.jspecify.annotations.Nullable;

/** What a response turned out to be: the caller's, or one that leads on. */
sealed interface Outcome<T> {

    /**
     * What the caller's subscriber made of the body.
     *
     * @param value null where it makes nothing of it
     */
    record Body<T>(@Nullable T value) implements Outcome<T> {}

    /**
     * A redirect that is followed.
     *
     * @param next the request that it asks for
     * @param status its status
     * @param headers its headers
     * @param version the version that it came by
     */
    record Redirected<T>(SentRequest next, int status, HttpHeaders headers, Version version) implements Outcome<T> {}

    /**
     * Waits for nothing of a body, which could have no end. A short one is read in passing, so that its connection can be used
     * again.
     */
    final class Unread<T> implements BodySubscriber<Outcome<T>> {

        private static final long MOST_READ = 64 * 1024;

        private final CompletionStage<Outcome<T>> outcome;
        private @Nullable Subscription connection;
        private long read;

        /** The answer's outcome, whatever its body says. */
        Unread(CompletionStage<Outcome<T>> outcome) {
            this.outcome = outcome;
        }

        @Override
        public CompletionStage<Outcome<T>> getBody() {
            return outcome;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            connection = subscription;
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(List<ByteBuffer> parts) {
            for (ByteBuffer part : parts) {
                read += part.remaining();
            }
            if (read > MOST_READ && connection != null) {
                connection.cancel();
            }
        }

        @Override
        public void onError(Throwable failure) {
            // Of a body that nobody reads.
        }

        @Override
        public void onComplete() {
            // Of a body that nobody reads.
        }
    }
}
