package dev.secureruntime.core.okhttp;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import okhttp3.Protocol;

/**
 * A server that answers a request as soon as its head is there, whole, and goes on reading its body (RFC 9113, section 8.1). What arrives
 * of bodies is kept.
 */
public final class EarlyServer extends Http2Server {

    public static final String ANSWER = "early";

    /** How a request's body ended. */
    public enum End {
        WHOLE,
        RESET,
        DISCONNECTED
    }

    /** What is said behind the answer. */
    public enum Then {
        /** Nothing; the body is read. */
        READS,
        /** That the rest of the body isn't wanted, RST_STREAM with NO_ERROR; both once a first piece of it is there. HTTP/2. */
        ASKS_TO_STOP
    }

    private final boolean http2;
    private final Then then;
    private final StringBuilder arrived = new StringBuilder();
    private final BlockingQueue<End> ends = new LinkedBlockingQueue<>();
    private final Set<Integer> stopped = ConcurrentHashMap.newKeySet();

    public EarlyServer(Protocol protocol, Then then, String... names) throws IOException {
        super(names);
        this.http2 = protocol == Protocol.HTTP_2;
        this.then = then;
        offer(protocol.toString());
        start();
    }

    /** How the next body ended; null when it doesn't in time. */
    public End awaitEnd() throws InterruptedException {
        return ends.poll(20, TimeUnit.SECONDS);
    }

    /** Waits until this arrived as a part of a body; false when it doesn't in time. */
    public boolean awaitArrived(String part) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        synchronized (arrived) {
            while (arrived.indexOf(part) < 0) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    return false;
                }
                arrived.wait(left);
            }
            return true;
        }
    }

    /** What arrived of bodies. */
    public String arrived() {
        synchronized (arrived) {
            return arrived.toString();
        }
    }

    private void arrives(byte[] bytes, int length) {
        synchronized (arrived) {
            arrived.append(new String(bytes, 0, length, StandardCharsets.ISO_8859_1));
            arrived.notifyAll();
        }
    }

    @Override
    void serve(SSLSocket socket) throws IOException {
        if (http2) {
            super.serve(socket);
        }
        InputStream in = socket.getInputStream();
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                return;
            }
            head.append((char) next);
        }
        socket.getOutputStream()
                .write(("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + ANSWER).getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
        byte[] chunk = new byte[16 * 1024];
        for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
            arrives(chunk, read);
        }
        ends.add(End.DISCONNECTED);
    }

    @Override
    byte[] answer(Frame frame) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (frame.type() == HEADERS && then == Then.READS) {
            out.write(whole(frame.stream()));
        } else if (frame.type() == DATA) {
            if (then == Then.ASKS_TO_STOP && stopped.add(frame.stream())) {
                out.write(whole(frame.stream()));
                out.write(frame(RST_STREAM, 0, frame.stream(), new byte[Integer.BYTES]));
            }
            byte[] bytes = frame.payload();
            arrives(bytes, bytes.length);
            if (bytes.length > 0) {
                out.write(moreWindow(0, bytes.length));
                out.write(moreWindow(frame.stream(), bytes.length));
            }
            if ((frame.flags() & END_STREAM) != 0) {
                ends.add(End.WHOLE);
            }
        } else if (frame.type() == RST_STREAM) {
            ends.add(End.RESET);
        }
        return out.toByteArray();
    }

    private byte[] whole(int stream) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(frame(HEADERS, END_HEADERS, stream, STATUS_200));
        out.write(frame(DATA, END_STREAM, stream, ANSWER.getBytes(StandardCharsets.US_ASCII)));
        return out.toByteArray();
    }

    private static byte[] moreWindow(int stream, int bytes) throws IOException {
        ByteArrayOutputStream payload = new ByteArrayOutputStream();
        new DataOutputStream(payload).writeInt(bytes);
        return frame(WINDOW_UPDATE, 0, stream, payload.toByteArray());
    }

    @Override
    void disconnected() {
        ends.add(End.DISCONNECTED);
    }
}
