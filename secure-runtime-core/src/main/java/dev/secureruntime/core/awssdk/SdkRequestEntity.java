package dev.secureruntime.core.awssdk;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpRequest;

/**
 * A body of the SDK's, with the length that the SDK announced and signed. It is written once: the SDK repeats requests
 * itself.
 */
final class SdkRequestEntity extends AbstractHttpEntity {

    private final ContentStreamProvider content;
    private final long length;

    private SdkRequestEntity(ContentStreamProvider content, long length) {
        super((String) null, null, length < 0);
        this.content = content;
        this.length = length;
    }

    static SdkRequestEntity of(ContentStreamProvider content, SdkHttpRequest request) throws IOException {
        String announced = request.firstMatchingHeader("Content-Length").orElse(null);
        if (announced != null) {
            return new SdkRequestEntity(content, length(announced));
        }
        if (request.firstMatchingHeader("Transfer-Encoding").isPresent()) {
            return new SdkRequestEntity(content, -1);
        }
        byte[] all;
        try (InputStream stream = content.newStream()) {
            all = stream.readAllBytes();
        }
        return new SdkRequestEntity(() -> new ByteArrayInputStream(all), all.length);
    }

    private static long length(String announced) throws IOException {
        if (!announced.matches("[0-9]{1,18}")) {
            throw new IOException("Content-Length is no number");
        }
        return Long.parseLong(announced);
    }

    @Override
    public void writeTo(OutputStream target) throws IOException {
        try (InputStream stream = content.newStream()) {
            // Not one byte more than announced: streams of the SDK's may go on behind the part that is sent.
            byte[] buffer = new byte[16 * 1024];
            long left = length < 0 ? Long.MAX_VALUE : length;
            while (left > 0) {
                int read = stream.read(buffer, 0, (int) Math.min(buffer.length, left));
                if (read < 0) {
                    return;
                }
                target.write(buffer, 0, read);
                left -= read;
            }
        }
    }

    @Override
    public InputStream getContent() {
        return content.newStream();
    }

    @Override
    public long getContentLength() {
        return length;
    }

    @Override
    public boolean isStreaming() {
        return true;
    }

    @Override
    public boolean isRepeatable() {
        return false;
    }

    @Override
    public void close() {
        // Streams are closed when they were written.
    }
}
