package dev.secureruntime.core.okhttp;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.OutgoingBody;
import dev.secureruntime.core.http.BodyWatch;
import dev.secureruntime.core.http.CallersFailure;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import okhttp3.MediaType;
import okhttp3.Request;
import okhttp3.RequestBody;
import okio.BufferedSink;
import okio.Okio;
import org.jspecify.annotations.Nullable;

/**
 * A request's body as it really leaves: committed to while it is written, and held to what it announced.
 *
 * <p>A body is code of the caller. It could announce one length to the header and another to the codec, and smuggle a second
 * request behind the first; or look around in Okio's pooled memory while the headers, with the credential, are being
 * written. So its type and length are asked once; a body of at most {@value #HELD} bytes is written to memory before the
 * request begins; and a longer one writes to a sink that counts and looks for secrets, after the headers were flushed and their memory wiped.
 */
final class RecordedRequestBody extends RequestBody {

    static final long HELD = 1 << 20;

    private final RequestBody body;
    private final CallRecord record;
    private final @Nullable MediaType type;
    private final long length;
    private final boolean oneShot;
    private final byte @Nullable [] held;
    private @Nullable Hop hop;
    private @Nullable String encoding;

    RecordedRequestBody(RequestBody body, CallRecord record) throws IOException {
        if (body.isDuplex()) {
            throw new IOException("duplex request bodies can't be guarded");
        }
        this.body = body;
        this.record = record;
        this.type = body.contentType();
        this.length = Math.max(body.contentLength(), -1);
        this.oneShot = body.isOneShot();
        this.held = length >= 0 && length <= HELD ? hold() : null;
    }

    /** It is about to leave with this hop: a body that is held is looked at as a whole. */
    void leavesWith(Hop next, Request request) throws EgressDeniedException {
        hop = next;
        encoding = String.join(",", request.headers("Content-Encoding"));
        if (type != null) {
            next.outgoing().header("Content-Type", type.toString());
        }
        if (held != null) {
            next.outgoing().body(held, encoding);
        }
    }

    private byte[] hold() throws IOException {
        Memory memory = new Memory((int) length);
        pass(memory, null);
        return memory.whole();
    }

    /** Memory of the announced length, which a body that has passed has filled; given away as it is. */
    private static final class Memory extends ByteArrayOutputStream {

        Memory(int length) {
            super(length);
        }

        byte[] whole() {
            return buf.length == count ? buf : toByteArray();
        }
    }

    @Override
    public @Nullable MediaType contentType() {
        return type;
    }

    @Override
    public long contentLength() {
        return length;
    }

    @Override
    public boolean isOneShot() {
        return held == null && oneShot;
    }

    /** The body, where it is held; null where it is long or of unknown length. Not to be changed. */
    byte @Nullable [] held() {
        return held;
    }

    @Override
    public void writeTo(BufferedSink sink) throws IOException {
        if (held != null) {
            sink.write(held);
            return;
        }
        sink.flush();
        SegmentPool.wipe();
        if (hop == null) {
            throw new IOException("SR-EGRESS-005 a body without a hop; nothing of it was sent");
        }
        pass(sink.outputStream(), hop.outgoing().passing(encoding));
    }

    private void pass(OutputStream target, @Nullable OutgoingBody outgoing) throws IOException {
        BodyWatch watch = BodyWatch.ofRequest(record);
        Passing.BoundedSink bounded = new Passing(watch).to(target, length, outgoing);
        BufferedSink callers = Okio.buffer(bounded);
        try {
            body.writeTo(callers);
            if (callers.isOpen()) {
                callers.emit();
            }
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
        record.requestBody(watch.digest());
    }
}
