package dev.secureruntime.core.okhttp;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.genai.BodyObserver;
import java.io.IOException;
import java.util.Optional;
import okhttp3.MediaType;
import okhttp3.RequestBody;
import okio.BufferedSink;
import okio.Okio;
import org.jspecify.annotations.Nullable;

/** A request's body that is committed to while it is written; each writing starts anew. Nothing is buffered. */
final class RecordedRequestBody extends RequestBody {

    private final RequestBody body;
    private final CallRecord record;

    RecordedRequestBody(RequestBody body, CallRecord record) {
        this.body = body;
        this.record = record;
    }

    @Override
    public @Nullable MediaType contentType() {
        return body.contentType();
    }

    @Override
    public long contentLength() throws IOException {
        return body.contentLength();
    }

    @Override
    public boolean isDuplex() {
        return body.isDuplex();
    }

    @Override
    public boolean isOneShot() {
        return body.isOneShot();
    }

    @Override
    public void writeTo(BufferedSink sink) throws IOException {
        Commitment.Digest digest = Commitment.digest("http.request.body");
        Optional<BodyObserver> observer = record.requestObserver();
        Passing passing = new Passing(digest, observer);
        BufferedSink tee = Okio.buffer(passing.to(sink));
        body.writeTo(tee);
        if (!body.isDuplex()) {
            tee.emit();
            record.requestBody(digest.commitment());
        }
    }
}
