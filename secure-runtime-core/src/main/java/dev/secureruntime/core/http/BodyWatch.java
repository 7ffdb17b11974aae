package dev.secureruntime.core.http;

import dev.secureruntime.audit.Commitment;
import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.genai.BodyObserver;
import java.io.OutputStream;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a body's bytes are shown to as they pass: its commitment, and the observer that reads token usage. */
public final class BodyWatch extends OutputStream {

    private final Commitment.Digest digest;
    private final Optional<BodyObserver> observer;

    private BodyWatch(Commitment.Digest digest, Optional<BodyObserver> observer) {
        this.digest = digest;
        this.observer = observer;
    }

    /** Over a request's body; each sending of it has one of its own. */
    public static BodyWatch ofRequest(CallRecord record) {
        return new BodyWatch(record.digest("http.request.body"), record.requestObserver());
    }

    /** Over a response's body. */
    public static BodyWatch ofResponse(CallRecord record, @Nullable String mediaType) {
        return new BodyWatch(record.digest("http.response.body"), record.responseObserver(mediaType));
    }

    @Override
    public void write(int b) {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] buffer, int offset, int length) {
        digest.update(buffer, offset, length);
        observer.ifPresent(watching -> watching.observe(buffer, offset, length));
    }

    /** The commitment to what has passed. */
    public Commitment.Digest digest() {
        return digest;
    }
}
