package dev.secureruntime.core.okhttp;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;

/** A server on loopback that speaks HTTP/2 frame by frame (RFC 9113, section 4), so that a test decides what comes when. */
abstract class Http2Server implements AutoCloseable {

    static final int DATA = 0;
    static final int HEADERS = 1;
    static final int RST_STREAM = 3;
    static final int SETTINGS = 4;
    static final int PUSH_PROMISE = 5;
    static final int WINDOW_UPDATE = 8;
    static final int END_STREAM = 1;
    static final int ACK = 1;
    static final int END_HEADERS = 4;
    static final byte[] STATUS_200 = {(byte) 0x88}; // RFC 7541, appendix A, entry 8
    private static final int PREFACE_BYTES = 24;

    private final SSLServerSocket listening;
    private final AtomicInteger connections = new AtomicInteger();

    /** A frame that came. */
    record Frame(int type, int flags, int stream, byte[] payload) {}

    Http2Server(String... names) throws IOException {
        HeldCertificate.Builder certificate =
                new HeldCertificate.Builder().signedBy(LoopbackServer.ROOT).commonName(names[0]);
        for (String name : names) {
            certificate.addSubjectAlternativeName(name);
        }
        listening = (SSLServerSocket) new HandshakeCertificates.Builder()
                .heldCertificate(certificate.build())
                .build()
                .sslContext()
                .getServerSocketFactory()
                .createServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
        offer("h2");
    }

    final void offer(String protocol) {
        SSLParameters parameters = listening.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {protocol});
        listening.setSSLParameters(parameters);
    }

    /** Begins to accept connections; called once the server is made. */
    final void start() {
        start(this::accept);
    }

    public final int port() {
        return listening.getLocalPort();
    }

    public final int connections() {
        return connections.get();
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "http2-server");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                SSLSocket socket = (SSLSocket) listening.accept();
                connections.incrementAndGet();
                start(() -> {
                    try (socket) {
                        serve(socket);
                    } catch (IOException e) {
                        disconnected();
                    }
                });
            } catch (IOException e) {
                // Closed by the test's end.
            }
        }
    }

    void serve(SSLSocket socket) throws IOException {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        OutputStream out = socket.getOutputStream();
        in.readNBytes(PREFACE_BYTES);
        out.write(frame(SETTINGS, 0, 0, new byte[0]));
        while (true) {
            int length = in.readUnsignedShort() << 8 | in.readUnsignedByte();
            int type = in.readUnsignedByte();
            int flags = in.readUnsignedByte();
            int stream = in.readInt() & 0x7fff_ffff;
            Frame frame = new Frame(type, flags, stream, in.readNBytes(length));
            if (type == SETTINGS && flags != ACK) {
                out.write(frame(SETTINGS, ACK, 0, new byte[0]));
            }
            out.write(answer(frame));
            out.flush();
        }
    }

    /** What is sent when this came; possibly nothing. */
    abstract byte[] answer(Frame frame) throws IOException;

    /** A client closed its connection. */
    void disconnected() {}

    /** A header that is not indexed, with a name of its own (RFC 7541, section 6.2.2). */
    static void header(ByteArrayOutputStream out, String name, String value) throws IOException {
        out.write(0);
        for (String text : new String[] {name, value}) {
            out.write(text.length());
            out.write(text.getBytes(StandardCharsets.US_ASCII));
        }
    }

    static byte[] frame(int type, int flags, int stream, byte[] payload) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeByte(payload.length >> 16);
        out.writeShort(payload.length);
        out.writeByte(type);
        out.writeByte(flags);
        out.writeInt(stream);
        out.write(payload);
        return bytes.toByteArray();
    }

    @Override
    public final void close() throws IOException {
        listening.close();
    }
}
