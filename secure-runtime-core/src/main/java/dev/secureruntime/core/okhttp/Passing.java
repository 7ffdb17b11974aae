package dev.secureruntime.core.okhttp;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.genai.BodyObserver;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;
import okio.Buffer;
import okio.ForwardingSink;
import okio.ForwardingSource;
import okio.Sink;
import okio.Source;

/** Shows bytes that pass to a commitment and an observer, in place: Okio lends its segments, nothing is copied. */
final class Passing {

    private final OutputStream watchers;

    Passing(Commitment.Digest digest, Optional<BodyObserver> observer) {
        this.watchers = new OutputStream() {
            @Override
            public void write(int b) {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] buffer, int offset, int length) {
                digest.update(buffer, offset, length);
                observer.ifPresent(watching -> watching.observe(buffer, offset, length));
            }
        };
    }

    Sink to(Sink sink) {
        return new ForwardingSink(sink) {
            @Override
            public void write(Buffer source, long byteCount) throws IOException {
                source.copyTo(watchers, 0, byteCount);
                super.write(source, byteCount);
            }
        };
    }

    /** What {@code from} appended to {@code sink} in its last read. */
    void show(Buffer sink, long byteCount) throws IOException {
        sink.copyTo(watchers, sink.size() - byteCount, byteCount);
    }

    /** A source that shows what is read from it, and tells {@code end} of its end. */
    Source from(Source source, End end) {
        return new ForwardingSource(source) {
            @Override
            public long read(Buffer sink, long byteCount) throws IOException {
                long read;
                try {
                    read = super.read(sink, byteCount);
                } catch (IOException e) {
                    end.brokeOff(e);
                    throw e;
                }
                if (read == -1) {
                    end.ended(true);
                } else {
                    show(sink, read);
                }
                return read;
            }

            @Override
            public void close() throws IOException {
                try {
                    super.close();
                } finally {
                    end.ended(false);
                }
            }
        };
    }

    /** Told how a source ends; the first call counts. */
    interface End {
        void ended(boolean readToEnd) throws IOException;

        void brokeOff(IOException failure);
    }
}
