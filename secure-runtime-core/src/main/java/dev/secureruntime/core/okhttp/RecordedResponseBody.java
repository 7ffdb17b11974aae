package dev.secureruntime.core.okhttp;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.http.BodyWatch;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import okhttp3.MediaType;
import okhttp3.ResponseBody;
import okio.BufferedSource;
import okio.Okio;
import org.jspecify.annotations.Nullable;

/**
 * A response's body that is committed to and observed while the caller reads it, and that completes the call's record at
 * its end or when it is closed, whichever comes first. It never reads ahead of the caller or to the end of its own accord.
 */
final class RecordedResponseBody extends ResponseBody implements Passing.End {

    private final CallRecord record;
    private final LiveExchange exchange;
    private final ResponseBody body;
    private final long length;
    private final boolean empty;
    private final Commitment.Digest digest;
    private final BufferedSource source;
    private boolean ended;

    /**
     * The body {@code body}, whose {@code Content-Type} is {@code type}; {@code empty} says that by method or status there is
     * nothing to read (RFC 9110, 6.4.1).
     */
    RecordedResponseBody(
            ResponseBody body, @Nullable String type, boolean empty, CallRecord record, LiveExchange exchange) {
        this.record = record;
        this.exchange = exchange;
        this.body = body;
        this.length = body.contentLength();
        this.empty = empty || length == 0;
        BodyWatch watch = BodyWatch.ofResponse(record, type);
        this.digest = watch.digest();
        this.source = Okio.buffer(new Passing(watch).from(body.source(), this));
    }

    @Override
    public @Nullable MediaType contentType() {
        return body.contentType(); // parsed for who asks
    }

    @Override
    public long contentLength() {
        return length;
    }

    @Override
    public BufferedSource source() {
        return source;
    }

    @Override
    public synchronized void ended(boolean readToEnd) throws IOException {
        if (ended) {
            return;
        }
        ended = true;
        exchange.close();
        try {
            exchange.recordEnd(digest, readToEnd || empty);
        } catch (SecureRuntimeException e) {
            // An answer whose record can't be kept is not given out as if nothing had happened.
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public synchronized IOException brokeOff(IOException failure) {
        IOException told = exchange.explained(failure);
        if (ended) {
            return told;
        }
        ended = true;
        exchange.close();
        try {
            Denied cut = exchange.cut();
            if (cut != null) {
                record.cut(exchange.hop().asked(), cut, digest);
            } else {
                record.brokeOff(told, digest);
            }
        } catch (SecureRuntimeException e) {
            told.addSuppressed(e);
        }
        return told;
    }
}
