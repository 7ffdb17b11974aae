package dev.secureruntime.benchmarks.http;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * A server that does as little as a server can: it reads requests to their end and gives each the same answer, over TLS, in
 * HTTP/1.1 or HTTP/2 (RFC 9113; header blocks are skipped, not decoded). What it takes is taken from bare and guarded alike.
 */
final class LoopbackServer implements AutoCloseable {

    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int WINDOW_UPDATE = 8;
    private static final int ACK = 1;
    private static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;

    private final SSLServerSocket listening;
    private final byte[] answer;
    private volatile long thinkNanos;

    /** A server that speaks {@code protocol} ({@code http/1.1} or {@code h2}) and answers with this JSON. */
    LoopbackServer(SSLContext tls, String protocol, String json) throws IOException {
        this.listening = (SSLServerSocket)
                tls.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        SSLParameters parameters = listening.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {protocol});
        listening.setSSLParameters(parameters);
        this.answer = json.getBytes(StandardCharsets.US_ASCII);
        start(this::accept, "server");
    }

    int port() {
        return listening.getLocalPort();
    }

    /** Waits so long before it answers, from now on. */
    void thinks(long nanos) {
        thinkNanos = nanos;
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                SSLSocket socket = (SSLSocket) listening.accept();
                start(() -> serve(socket), "connection");
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private static void start(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void serve(SSLSocket socket) {
        try (Socket closing = socket;
                DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 15))) {
            closing.setTcpNoDelay(true);
            socket.startHandshake();
            if (socket.getApplicationProtocol().equals("h2")) {
                serveHttp2(in, socket.getOutputStream());
            } else {
                serveHttp1(in, socket.getOutputStream());
            }
        } catch (IOException e) {
            // The client went away.
        }
    }

    private void think() {
        long until = System.nanoTime() + thinkNanos;
        for (long left = thinkNanos; left > 0; left = until - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private void serveHttp1(DataInputStream in, OutputStream out) throws IOException {
        byte[] head = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + answer.length
                        + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] whole = joined(head, answer);
        while (true) {
            int length = 0;
            String line = line(in);
            if (line.isEmpty()) {
                return;
            }
            while (!line.isEmpty()) {
                if (line.regionMatches(true, 0, "Content-Length:", 0, 15)) {
                    length = Integer.parseInt(line.substring(15).strip());
                }
                line = line(in);
            }
            in.skipNBytes(length);
            think();
            out.write(whole);
            out.flush();
        }
    }

    private static String line(DataInputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    private void serveHttp2(DataInputStream in, OutputStream out) throws IOException {
        in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
        out.write(frame(SETTINGS, 0, 0, new byte[0]));
        out.flush();
        byte[] headers = headers();
        while (true) {
            int lengthAndType = in.readInt();
            int flags = in.readUnsignedByte();
            int stream = in.readInt();
            byte[] payload = in.readNBytes(lengthAndType >>> 8);
            int type = lengthAndType & 0xff;
            if ((type == SETTINGS || type == PING) && (flags & ACK) == 0) {
                out.write(frame(type, ACK, 0, type == PING ? payload : new byte[0]));
                out.flush();
            } else if ((type == HEADERS || type == DATA) && (flags & END_STREAM) != 0) {
                think();
                ByteArrayOutputStream frames = new ByteArrayOutputStream();
                if (payload.length > 0 && type == DATA) {
                    byte[] credit =
                            ByteBuffer.allocate(4).putInt(payload.length).array();
                    frames.write(frame(WINDOW_UPDATE, 0, 0, credit));
                }
                frames.write(frame(HEADERS, END_HEADERS, stream, headers));
                frames.write(frame(DATA, END_STREAM, stream, answer));
                frames.writeTo(out);
                out.flush();
            } else if (type == DATA && payload.length > 0) {
                byte[] credit = ByteBuffer.allocate(4).putInt(payload.length).array();
                out.write(joined(frame(WINDOW_UPDATE, 0, 0, credit), frame(WINDOW_UPDATE, 0, stream, credit)));
                out.flush();
            }
        }
    }

    /** {@code :status: 200}, and type and length as literals that enter no table (RFC 7541, sections 6.1 and 6.2.2). */
    private byte[] headers() throws IOException {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        block.write(0x88);
        literal(block, 31, "application/json");
        literal(block, 28, Integer.toString(answer.length));
        return block.toByteArray();
    }

    private static void literal(ByteArrayOutputStream block, int nameIndex, String value) throws IOException {
        block.write(0x0f);
        block.write(nameIndex - 0x0f);
        block.write(value.length());
        block.write(value.getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] frame(int type, int flags, int stream, byte[] payload) {
        return ByteBuffer.allocate(9 + payload.length)
                .putInt(payload.length << 8 | type)
                .put((byte) flags)
                .putInt(stream)
                .put(payload)
                .array();
    }

    private static byte[] joined(byte[] first, byte[] second) {
        return ByteBuffer.allocate(first.length + second.length)
                .put(first)
                .put(second)
                .array();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
