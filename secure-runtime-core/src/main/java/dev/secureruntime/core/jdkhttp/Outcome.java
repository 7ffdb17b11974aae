package dev.secureruntime.core.jdkhttp;

import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
     */
    record Redirected<T>(SentRequest next) implements Outcome<T> {

        /** Reads nothing of the redirect's body: it could have no end. */
        BodySubscriber<Outcome<T>> unread() {
            return new BodySubscriber<>() {
                @Override
                public CompletionStage<Outcome<T>> getBody() {
                    return CompletableFuture.completedFuture(Redirected.this);
                }

                @Override
                public void onSubscribe(Subscription subscription) {
                    subscription.cancel();
                }

                @Override
                public void onNext(List<ByteBuffer> parts) {
                    // Not asked for.
                }

                @Override
                public void onError(Throwable failure) {
                    // Of a body that nobody reads.
                }

                @Override
                public void onComplete() {
                    // Of a body that nobody reads.
                }
            };
        }
    }
}
