package dev.secureruntime.core.apache;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.OutgoingBody;
import dev.secureruntime.core.http.BodyWatch;
import dev.secureruntime.core.http.CallersFailure;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Set;
import org.apache.hc.core5.function.Supplier;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.jspecify.annotations.Nullable;

/**
 * A request's body as it really leaves: committed to while it is written, and held to what it announced.
 *
 * <p>An entity is code of the caller. What it says of itself is asked once; a body of at most {@value #HELD} bytes is
 * written to memory before the request begins, and a longer one writes to a stream that counts and leads nowhere else.
 */
final class RecordedRequestEntity implements HttpEntity {

    private static final long HELD = 1 << 20;

    private final HttpEntity entity;
    private final long length;
    private final @Nullable String type;
    private final @Nullable String encoding;
    private final boolean repeatable;
    private @Nullable CallRecord record;
    private @Nullable Hop hop;
    private String leavesAs = "";
    private byte @Nullable [] held;

    RecordedRequestEntity(HttpEntity entity) {
        this.entity = entity;
        long announced = entity.isChunked() ? -1 : entity.getContentLength();
        this.length = Math.max(announced, -1);
        this.type = entity.getContentType();
        this.encoding = entity.getContentEncoding();
        this.repeatable = entity.isRepeatable();
    }

    /** Runs the caller's code for a short body, now that the request is allowed. */
    void begin(CallRecord call) throws IOException {
        record = call;
        if (length >= 0 && length <= HELD) {
            ByteArrayOutputStream memory = new ByteArrayOutputStream((int) length);
            pass(memory, call, null);
            held = memory.toByteArray();
        }
    }

    /** It is about to leave with this hop, compressed as the header or itself says: a body that is held is looked at as a whole. */
    void leavesWith(Hop next, @Nullable String header) throws EgressDeniedException {
        hop = next;
        leavesAs = header != null ? header : encoding != null ? encoding : "";
        if (type != null) {
            next.outgoing().header("Content-Type", type);
        }
        if (encoding != null) {
            next.outgoing().header("Content-Encoding", encoding);
        }
        if (held != null) {
            next.outgoing().body(held, leavesAs);
        }
    }

    @Override
    public void writeTo(OutputStream target) throws IOException {
        if (held != null) {
            target.write(held);
            return;
        }
        if (record == null || hop == null) {
            throw new IOException("SR-EGRESS-005 a body without a hop; nothing of it was sent");
        }
        boolean written = false;
        try {
            pass(target, record, hop.outgoing().passing(leavesAs));
            written = true;
        } finally {
            if (!written) {
                hop.breakOff(); // Apache would write the last chunk, and a part of a body would look like all of it
            }
        }
    }

    private void pass(OutputStream target, CallRecord call, @Nullable OutgoingBody outgoing) throws IOException {
        BodyWatch watch = BodyWatch.ofRequest(call);
        Bounded bounded = new Bounded(target, length, watch, outgoing);
        try {
            entity.writeTo(bounded);
        } catch (IOException e) {
            throw CallersFailure.of(e, bounded.failure());
        } catch (RuntimeException | Error e) {
            if (hop != null) {
                hop.brokeUnder(bounded.failure());
            }
            throw e;
        } finally {
            bounded.close();
        }
        bounded.finish();
        call.requestBody(watch.digest());
    }

    @Override
    public boolean isRepeatable() {
        return held != null || repeatable;
    }

    @Override
    public long getContentLength() {
        return length;
    }

    @Override
    public boolean isChunked() {
        return length < 0;
    }

    @Override
    public @Nullable String getContentType() {
        return type;
    }

    @Override
    public @Nullable String getContentEncoding() {
        return encoding;
    }

    @Override
    public InputStream getContent() throws IOException {
        if (held == null) {
            throw new IOException("this body is written, not read");
        }
        return new ByteArrayInputStream(held);
    }

    @Override
    public boolean isStreaming() {
        return held == null;
    }

    /** None: they would be headers that nobody judged. */
    @Override
    public @Nullable Supplier<List<? extends Header>> getTrailers() {
        return null;
    }

    @Override
    public Set<String> getTrailerNames() {
        return Set.of();
    }

    @Override
    public void close() throws IOException {
        entity.close();
    }

    /** What a caller's entity writes to: lets through what was announced, and is shut when the entity had its turn. */
    private static final class Bounded extends OutputStream {

        private final OutputStream target;
        private final long length;
        private final OutputStream watch;
        private final @Nullable OutgoingBody outgoing;
        private long written;
        private boolean shut;
        private @Nullable IOException failure;

        Bounded(OutputStream target, long length, OutputStream watch, @Nullable OutgoingBody outgoing) {
            this.target = target;
            this.length = length;
            this.watch = watch;
            this.outgoing = outgoing;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] buffer, int offset, int count) throws IOException {
            if (shut) {
                throw new IOException("the request's body was written already");
            }
            if (length >= 0 && count > length - written) {
                throw new IOException("the request's body is longer than the " + length + " bytes that it announced");
            }
            byte[] copy = new byte[count]; // the caller's code could change the bytes between our look and the sending
            System.arraycopy(buffer, offset, copy, 0, count);
            watch.write(copy, 0, count);
            written += count;
            try {
                target.write(outgoing == null ? copy : outgoing.pass(copy));
            } catch (IOException e) {
                failure = failure == null ? e : failure;
                throw e;
            }
        }

        /** What was thrown through the entity first; null when nothing was. */
        synchronized @Nullable IOException failure() {
            return failure;
        }

        @Override
        public synchronized void flush() throws IOException {
            if (!shut) {
                target.flush();
            }
        }

        /** A body doesn't close the connection. */
        @Override
        public synchronized void close() {
            shut = true;
        }

        /** Nothing more comes: fails when something is missing, or did not pass and the entity kept it to itself. */
        synchronized void finish() throws IOException {
            if (failure != null) {
                throw failure;
            }
            if (length >= 0 && written != length) {
                throw new IOException("the request's body has " + written + " bytes and announced " + length);
            }
            if (outgoing != null) {
                target.write(outgoing.end());
            }
        }
    }
}
