package dev.secureruntime.core.apache;

import dev.secureruntime.core.http.DenialAnswer;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;

/** A response as a caller gets it: what the server said, built anew, and nothing of how it was asked. */
final class HandedResponse {

    private HandedResponse() {}

    /** What {@code response} says, without a body. */
    static ClassicHttpResponse of(ClassicHttpResponse response) {
        BasicClassicHttpResponse handed = new BasicClassicHttpResponse(response.getCode(), response.getReasonPhrase());
        handed.setVersion(response.getVersion());
        for (Header header : response.getHeaders()) {
            // Only the guard says that it denied something.
            if (!header.getName().equalsIgnoreCase(DenialAnswer.HEADER)) {
                handed.addHeader(header.getName(), header.getValue());
            }
        }
        return handed;
    }

    /** A refusal. */
    static ClassicHttpResponse denial(EgressDeniedException denial) {
        DenialAnswer answer = DenialAnswer.to(denial);
        BasicClassicHttpResponse handed = new BasicClassicHttpResponse(DenialAnswer.STATUS, DenialAnswer.REASON);
        handed.addHeader("Content-Type", DenialAnswer.CONTENT_TYPE);
        handed.addHeader(DenialAnswer.HEADER, answer.code());
        handed.addHeader(DenialAnswer.RETRY_HEADER, "false");
        handed.setEntity(new StringEntity(answer.json(), ContentType.APPLICATION_JSON));
        return handed;
    }

    /** The body of a response that a server sent. */
    static final class Entity extends AbstractHttpEntity {

        private final RecordedContent content;
        private final long length;

        Entity(HttpEntity entity, RecordedContent content) {
            super(entity.getContentType(), entity.getContentEncoding(), entity.isChunked());
            this.content = content;
            this.length = entity.getContentLength();
        }

        @Override
        public InputStream getContent() {
            return content;
        }

        @Override
        public boolean isStreaming() {
            return true;
        }

        @Override
        public long getContentLength() {
            return length;
        }

        @Override
        public void close() throws IOException {
            content.close();
        }
    }
}
