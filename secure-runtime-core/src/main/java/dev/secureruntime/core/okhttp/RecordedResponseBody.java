package dev.secureruntime.core.okhttp;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.okhttp.CancellationRelay.Watch;
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

    private final ResponseBody body;
    private final CallRecord record;
    private final Watch watch;
    private final Commitment.Digest digest = Commitment.digest("http.response.body");
    private final BufferedSource source;
    private boolean ended;

    RecordedResponseBody(ResponseBody body, CallRecord record, Watch watch) {
        this.body = body;
        this.record = record;
        this.watch = watch;
        MediaType type = body.contentType();
        Passing passing = new Passing(digest, record.responseObserver(type == null ? null : type.toString()));
        this.source = Okio.buffer(passing.from(body.source(), this));
    }

    @Override
    public @Nullable MediaType contentType() {
        return body.contentType();
    }

    @Override
    public long contentLength() {
        return body.contentLength();
    }

    @Override
    public BufferedSource source() {
        return source;
    }

    @Override
    public void ended(boolean readToEnd) throws IOException {
        if (ended) {
            return;
        }
        ended = true;
        watch.close();
        try {
            record.ended(digest.commitment(), readToEnd);
        } catch (SecureRuntimeException e) {
            // An answer whose record can't be kept is not given out as if nothing had happened.
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public void brokeOff(IOException failure) {
        if (ended) {
            return;
        }
        ended = true;
        watch.close();
        try {
            record.brokeOff(failure, digest.commitment());
        } catch (SecureRuntimeException e) {
            failure.addSuppressed(e);
        }
    }
}
