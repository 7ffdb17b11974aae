package dev.secureruntime.core.genai;

/**
 * Watches a stream of server-sent events (WHATWG HTML, section 9.2) and shows the JSON of each {@code data} line to an
 * observer. Nothing is buffered: bytes are handed on as they come. Model providers send one JSON text per line.
 *
 * <p>Not thread-safe.
 */
final class ServerSentEvents implements BodyObserver {

    private static final byte[] DATA = {'d', 'a', 't', 'a', ':'};

    private final JsonObserver json;
    private int matched;
    private boolean inData;
    private boolean skipLine;

    ServerSentEvents(JsonObserver json) {
        this.json = json;
    }

    @Override
    public void observe(byte[] buffer, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            byte b = buffer[i];
            if (b == '\n' || b == '\r') {
                endOfLine();
            } else if (inData) {
                json.feed(b);
            } else if (!skipLine) {
                match(b);
            }
        }
    }

    private void match(byte b) {
        if (b != DATA[matched]) {
            skipLine = true;
            return;
        }
        matched++;
        if (matched == DATA.length) {
            inData = true;
            json.reset();
        }
    }

    private void endOfLine() {
        if (inData) {
            // Ends a literal that stands last, such as the 1 of "data: 1".
            json.feed((byte) '\n');
        }
        matched = 0;
        inData = false;
        skipLine = false;
    }
}
