package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.http.BodyWatch;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublisher;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;

/**
 * A request's body as it really leaves: copied, committed to while it is sent, and held to the length that it announced.
 * The caller's publisher sees a subscriber of ours, and asked for bytes when the connection takes more.
 */
final class RecordedPublisher implements BodyPublisher {

    private final BodyPublisher body;
    private final CallRecord record;
    private final long length;

    RecordedPublisher(BodyPublisher body, CallRecord record) {
        this.body = body;
        this.record = record;
        this.length = Math.max(body.contentLength(), -1); // asked once: it is code of the caller's
    }

    @Override
    public long contentLength() {
        return length;
    }

    @Override
    public void subscribe(Subscriber<? super ByteBuffer> connection) {
        body.subscribe(new Passing(connection));
    }

    private final class Passing implements Subscriber<ByteBuffer>, Subscription {

        private final Subscriber<? super ByteBuffer> connection;
        private final BodyWatch watch = BodyWatch.ofRequest(record);
        private Subscription callers = this;
        private long written;
        private boolean over;

        Passing(Subscriber<? super ByteBuffer> connection) {
            this.connection = connection;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            callers = subscription;
            connection.onSubscribe(this);
        }

        @Override
        public void request(long n) {
            if (callers != this) {
                callers.request(n);
            }
        }

        @Override
        public void cancel() {
            if (callers != this) {
                callers.cancel();
            }
        }

        @Override
        public synchronized void onNext(ByteBuffer part) {
            if (over) {
                return;
            }
            // Copied first: the caller could change afterwards what was looked at already.
            byte[] copy = new byte[part.remaining()];
            part.get(copy);
            if (length >= 0 && copy.length > length - written) {
                cancel();
                fail("the request's body is longer than the " + length + " bytes that it announced");
                return;
            }
            watch.write(copy, 0, copy.length);
            written += copy.length;
            connection.onNext(ByteBuffer.wrap(copy));
        }

        @Override
        public synchronized void onError(Throwable failure) {
            if (!over) {
                over = true;
                connection.onError(failure);
            }
        }

        @Override
        public synchronized void onComplete() {
            if (over) {
                return;
            }
            if (length >= 0 && written != length) {
                fail("the request's body has " + written + " bytes and announced " + length);
                return;
            }
            over = true;
            record.requestBody(watch.digest());
            connection.onComplete();
        }

        private void fail(String why) {
            over = true;
            connection.onError(new IOException(why));
        }
    }
}
