package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.OutgoingBody;
import dev.secureruntime.core.http.BodyWatch;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublisher;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import org.jspecify.annotations.Nullable;

/**
 * A request's body as it really leaves: copied, searched for secrets, committed to while it is sent, and held to the length
 * that it announced. The caller's publisher sees a subscriber of ours, and is asked for bytes when the connection takes more.
 *
 * <p>Of a body that is still under way when its hop is over, nothing more is taken: it is broken off. The JDK's client gets there
 * when the server has answered and asked for no more of it; every other answer is handed out behind the body.
 */
final class RecordedPublisher implements BodyPublisher {

    private final BodyPublisher body;
    private final JdkHop hop;
    private final @Nullable String contentEncoding;
    private final long length;

    RecordedPublisher(BodyPublisher body, JdkHop hop, @Nullable String contentEncoding) {
        this.body = body;
        this.hop = hop;
        this.contentEncoding = contentEncoding;
        this.length = Math.max(body.contentLength(), -1); // asked once: it is code of the caller's
    }

    @Override
    public long contentLength() {
        return length;
    }

    @Override
    public void subscribe(Subscriber<? super ByteBuffer> connection) {
        OutgoingBody outgoing;
        try {
            outgoing = hop.outgoing().passing(contentEncoding);
        } catch (EgressDeniedException e) {
            connection.onSubscribe(new Subscription() {
                @Override
                public void request(long n) {
                    connection.onError(e);
                }

                @Override
                public void cancel() {
                    // Nothing was asked for.
                }
            });
            return;
        }
        body.subscribe(new Passing(connection, outgoing));
    }

    private final class Passing implements Subscriber<ByteBuffer>, Subscription {

        private final Subscriber<? super ByteBuffer> connection;
        private final OutgoingBody outgoing;
        private final BodyWatch watch = BodyWatch.ofRequest(hop.record());
        private volatile @Nullable Subscription callers;
        private long written;
        private long asked;
        private byte @Nullable [] last;
        private boolean over;
        private volatile boolean cancelled;

        Passing(Subscriber<? super ByteBuffer> connection, OutgoingBody outgoing) {
            this.connection = connection;
            this.outgoing = outgoing;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            callers = subscription;
            connection.onSubscribe(this);
        }

        @Override
        public void request(long n) {
            synchronized (this) {
                asked = n > Long.MAX_VALUE - asked ? Long.MAX_VALUE : asked + n;
                if (last != null) {
                    finish();
                    return;
                }
            }
            askForMore(n);
        }

        private void askForMore(long n) {
            Subscription publisher = callers;
            if (publisher != null) {
                publisher.request(n);
            }
        }

        @Override
        public void cancel() {
            cancelled = true;
            Subscription publisher = callers;
            if (publisher != null) {
                publisher.cancel();
            }
        }

        @Override
        public void onNext(ByteBuffer part) {
            if (!pass(part)) {
                askForMore(1); // all of it is held back, and the connection still waits for a part
            }
        }

        private synchronized boolean pass(ByteBuffer part) {
            if (takesNoMore()) {
                return true;
            }
            // Copied first: the caller could change afterwards what was looked at already.
            byte[] copy = new byte[part.remaining()];
            part.get(copy);
            if (length >= 0 && copy.length > length - written) {
                cancel();
                fail(new IOException("the request's body is longer than the " + length + " bytes that it announced"));
                return true;
            }
            watch.write(copy, 0, copy.length);
            written += copy.length;
            try {
                byte[] free = outgoing.pass(copy);
                if (free.length > 0) {
                    send(free);
                }
                return free.length > 0;
            } catch (EgressDeniedException e) {
                cancel();
                fail(e);
                return true;
            }
        }

        private void send(byte[] bytes) {
            asked--;
            connection.onNext(ByteBuffer.wrap(bytes));
        }

        @Override
        public synchronized void onError(Throwable failure) {
            if (!over) {
                fail(failure);
            }
        }

        @Override
        public synchronized void onComplete() {
            if (takesNoMore()) {
                return;
            }
            over = true;
            if (length >= 0 && written != length) {
                fail(new IOException("the request's body has " + written + " bytes and announced " + length));
                return;
            }
            try {
                last = outgoing.end();
            } catch (EgressDeniedException e) {
                fail(e);
                return;
            }
            if (last.length == 0 || asked > 0) {
                finish();
            }
        }

        /** Sends what was held back to the end. */
        private void finish() {
            byte[] rest = last;
            last = null;
            if (cancelled) {
                return;
            }
            if (hop.isOver()) {
                fail(tooLate());
                return;
            }
            hop.record().requestBody(watch.digest());
            if (rest != null && rest.length > 0) {
                send(rest);
            }
            connection.onComplete();
        }

        /** Whether nothing more is taken; a body that outlives its hop is broken off here. */
        private boolean takesNoMore() {
            if (!over && !cancelled && hop.isOver()) {
                cancel();
                fail(tooLate());
            }
            return over || cancelled;
        }

        private static IOException tooLate() {
            return new IOException("the request is over; no more of its body was sent");
        }

        private void fail(Throwable why) {
            over = true;
            connection.onError(why);
        }
    }
}
