package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.OutgoingBody;
import dev.secureruntime.core.http.BodyWatch;
import java.io.IOException;
import java.io.OutputStream;
import okio.Buffer;
import okio.Sink;
import okio.Source;
import okio.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * Shows bytes that pass to a commitment and an observer. What is read is shown in place; what is written is copied.
 *
 * <p>Its sink and source are classes of its own. Those of Okio tell what they write to or read from, and so would lead a
 * caller past the check, down to the connection.
 */
final class Passing {

    private final BodyWatch watchers;

    Passing(BodyWatch watchers) {
        this.watchers = watchers;
    }

    /**
     * A sink that lets exactly {@code length} bytes through to {@code target}; any number where the length is negative. What is
     * {@code outgoing} is held back as far as a secret may have begun in it.
     */
    BoundedSink to(OutputStream target, long length, @Nullable OutgoingBody outgoing) {
        return new BoundedSink(target, length, watchers, outgoing);
    }

    /** A source that shows what is read from it, and tells {@code end} of its end. */
    Source from(Source source, End end) {
        return new WatchedSource(source, watchers, end);
    }

    /** Told how a source ends; the first call counts. */
    interface End {
        void ended(boolean readToEnd) throws IOException;

        /** What the reader is told instead of the failure; the same, where there is nothing better. */
        IOException brokeOff(IOException failure);
    }

    /** The end of what a request's body writes to: counts, and is shut when the body has had its turn. */
    static final class BoundedSink implements Sink {

        private static final long CHUNK = 64 * 1024;

        private final OutputStream target;
        private final long length;
        private final OutputStream watchers;
        private final @Nullable OutgoingBody outgoing;
        private long written;
        private boolean shut;
        private @Nullable IOException failure;

        private BoundedSink(OutputStream target, long length, OutputStream watchers, @Nullable OutgoingBody outgoing) {
            this.target = target;
            this.length = length;
            this.watchers = watchers;
            this.outgoing = outgoing;
        }

        @Override
        public synchronized void write(Buffer source, long byteCount) throws IOException {
            if (shut) {
                throw new IOException("the request's body was written already");
            }
            if (length >= 0 && byteCount > length - written) {
                throw new IOException("the request's body is longer than the " + length + " bytes that it announced");
            }
            // Copied first, and sent before the caller's code goes on: it may have kept the memory that Okio pools, and
            // would
            // change there what was looked at already.
            long left = byteCount;
            while (left > 0) {
                byte[] copy = source.readByteArray(Math.min(left, CHUNK));
                watchers.write(copy);
                written += copy.length;
                left -= copy.length;
                try {
                    send(outgoing == null ? copy : outgoing.pass(copy));
                } catch (IOException e) {
                    failure = failure == null ? e : failure;
                    throw e;
                }
            }
        }

        /** What was thrown through the body first; null when nothing was. */
        synchronized @Nullable IOException failure() {
            return failure;
        }

        private void send(byte[] bytes) throws IOException {
            if (bytes.length > 0) {
                target.write(bytes);
                target.flush();
            }
        }

        @Override
        public void flush() {
            // What was written was flushed.
        }

        @Override
        public Timeout timeout() {
            return Timeout.NONE;
        }

        /** A body doesn't close the connection. */
        @Override
        public synchronized void close() {
            shut = true;
        }

        /** Nothing more comes: fails when something is missing, or did not pass and the body kept it to itself. */
        synchronized void finish() throws IOException {
            if (failure != null) {
                throw failure;
            }
            if (length >= 0 && written != length) {
                throw new IOException("the request's body has " + written + " bytes and announced " + length);
            }
            if (outgoing != null) {
                send(outgoing.end());
            }
        }
    }

    private static final class WatchedSource implements Source {

        private final Source source;
        private final OutputStream watchers;
        private final End end;

        WatchedSource(Source source, OutputStream watchers, End end) {
            this.source = source;
            this.watchers = watchers;
            this.end = end;
        }

        @Override
        public long read(Buffer sink, long byteCount) throws IOException {
            long read;
            try {
                read = source.read(sink, byteCount);
            } catch (IOException e) {
                throw end.brokeOff(e);
            }
            if (read == -1) {
                end.ended(true);
            } else {
                sink.copyTo(watchers, sink.size() - read, read);
            }
            return read;
        }

        @Override
        public Timeout timeout() {
            return Timeout.NONE;
        }

        @Override
        public void close() throws IOException {
            try {
                source.close();
            } finally {
                end.ended(false);
            }
        }
    }
}
