package dev.secureruntime.core.okhttp;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A server that speaks as much HTTP/2 as it takes to push (RFC 9113, section 8.4): it answers a request with {@link #ASKED}, and
 * before that promises and sends {@link #PUSHED} as if another authority had been asked. All in one write, so that a client
 * gets the push whether it wants it or not. It remembers how the client refused: by its settings, or by resetting a stream.
 */
public final class PushingServer extends Http2Server {

    public static final String ASKED = "asked";
    public static final String PUSHED = "pushed";

    /** The client's settings say that it takes no push. */
    public static final String FORBIDDEN = "SETTINGS_ENABLE_PUSH=0";

    /** The client reset the promised stream. */
    public static final String RESET = "RST_STREAM";

    /** The first stream that a server may promise. */
    private static final int PROMISED_STREAM = 2;

    private static final int SETTING_ENABLE_PUSH = 2;

    private final String promisedAuthority;
    private final BlockingQueue<String> refusals = new LinkedBlockingQueue<>();

    public PushingServer(String promisedAuthority, String... names) throws IOException {
        super(names);
        this.promisedAuthority = promisedAuthority;
        start();
    }

    /** How a client refused: {@link #FORBIDDEN} or {@link #RESET}; null when it doesn't in time. */
    public String awaitRefusal() throws InterruptedException {
        return refusals.poll(20, TimeUnit.SECONDS);
    }

    @Override
    byte[] answer(Frame frame) throws IOException {
        if (frame.type() == HEADERS) {
            return pushAndAnswer(frame.stream());
        }
        if (frame.type() == SETTINGS && frame.flags() != ACK && forbidsPush(frame.payload())) {
            refusals.add(FORBIDDEN);
        } else if (frame.type() == RST_STREAM && frame.stream() == PROMISED_STREAM) {
            refusals.add(RESET);
        }
        return new byte[0];
    }

    private static boolean forbidsPush(byte[] settings) {
        ByteBuffer each = ByteBuffer.wrap(settings);
        while (each.remaining() >= Short.BYTES + Integer.BYTES) {
            if (each.getShort() == SETTING_ENABLE_PUSH & each.getInt() == 0) {
                return true;
            }
        }
        return false;
    }

    private byte[] pushAndAnswer(int stream) throws IOException {
        ByteArrayOutputStream promise = new ByteArrayOutputStream();
        new DataOutputStream(promise).writeInt(PROMISED_STREAM);
        Map<String, String> request =
                Map.of(":method", "GET", ":scheme", "https", ":authority", promisedAuthority, ":path", "/pushed");
        for (Map.Entry<String, String> header : request.entrySet()) {
            header(promise, header.getKey(), header.getValue());
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(frame(PUSH_PROMISE, END_HEADERS, stream, promise.toByteArray()));
        all.write(frame(HEADERS, END_HEADERS, PROMISED_STREAM, STATUS_200));
        all.write(frame(DATA, END_STREAM, PROMISED_STREAM, PUSHED.getBytes(StandardCharsets.US_ASCII)));
        all.write(frame(HEADERS, END_HEADERS, stream, STATUS_200));
        all.write(frame(DATA, END_STREAM, stream, ASKED.getBytes(StandardCharsets.US_ASCII)));
        return all.toByteArray();
    }
}
