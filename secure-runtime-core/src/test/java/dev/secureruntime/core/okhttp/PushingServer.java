package dev.secureruntime.core.okhttp;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;

/**
 * A server that speaks as much HTTP/2 as it takes to push (RFC 9113, section 8.4): it answers a request with {@link #ASKED}, and
 * before that promises and sends {@link #PUSHED} as if another authority had been asked. All in one write, so that a client
 * gets the push whether it wants it or not. It remembers how the client refused: by its settings, or by resetting a stream.
 */
public final class PushingServer implements AutoCloseable {

    public static final String ASKED = "asked";
    public static final String PUSHED = "pushed";

    /** The client's settings say that it takes no push. */
    public static final String FORBIDDEN = "SETTINGS_ENABLE_PUSH=0";

    /** The client reset the promised stream. */
    public static final String RESET = "RST_STREAM";

    /** The first stream that a server may promise. */
    private static final int PROMISED_STREAM = 2;

    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PUSH_PROMISE = 5;
    private static final int SETTING_ENABLE_PUSH = 2;
    private static final int END_STREAM = 1;
    private static final int ACK = 1;
    private static final int END_HEADERS = 4;
    private static final int PREFACE_BYTES = 24;
    private static final byte[] STATUS_200 = {(byte) 0x88}; // RFC 7541, appendix A, entry 8

    private final String promisedAuthority;
    private final SSLServerSocket listening;
    private final AtomicInteger connections = new AtomicInteger();
    private final BlockingQueue<String> refusals = new LinkedBlockingQueue<>();

    public PushingServer(String promisedAuthority, String... names) throws IOException {
        this.promisedAuthority = promisedAuthority;
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
        SSLParameters parameters = listening.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {"h2"});
        listening.setSSLParameters(parameters);
        start(this::accept);
    }

    public int port() {
        return listening.getLocalPort();
    }

    public int connections() {
        return connections.get();
    }

    /** How a client refused: {@link #FORBIDDEN} or {@link #RESET}; null when it doesn't in time. */
    public String awaitRefusal() throws InterruptedException {
        return refusals.poll(20, TimeUnit.SECONDS);
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "pushing-server");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                SSLSocket socket = (SSLSocket) listening.accept();
                connections.incrementAndGet();
                start(() -> serve(socket));
            } catch (IOException e) {
                // Closed by the test's end.
            }
        }
    }

    private void serve(SSLSocket socket) {
        try (socket) {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            OutputStream out = socket.getOutputStream();
            in.readNBytes(PREFACE_BYTES);
            out.write(frame(SETTINGS, 0, 0, new byte[0]));
            while (true) {
                int length = in.readUnsignedShort() << 8 | in.readUnsignedByte();
                int type = in.readUnsignedByte();
                int flags = in.readUnsignedByte();
                int stream = in.readInt() & 0x7fff_ffff;
                byte[] payload = in.readNBytes(length);
                if (type == SETTINGS && flags != ACK) {
                    if (forbidsPush(payload)) {
                        refusals.add(FORBIDDEN);
                    }
                    out.write(frame(SETTINGS, ACK, 0, new byte[0]));
                } else if (type == HEADERS) {
                    out.write(pushAndAnswer(stream));
                } else if (type == RST_STREAM && stream == PROMISED_STREAM) {
                    refusals.add(RESET);
                }
                out.flush();
            }
        } catch (IOException e) {
            // The client closed.
        }
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
            promise.write(0); // a literal that is not indexed, with a name of its own (RFC 7541, section 6.2.2)
            text(promise, header.getKey());
            text(promise, header.getValue());
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(frame(PUSH_PROMISE, END_HEADERS, stream, promise.toByteArray()));
        all.write(frame(HEADERS, END_HEADERS, PROMISED_STREAM, STATUS_200));
        all.write(frame(DATA, END_STREAM, PROMISED_STREAM, PUSHED.getBytes(StandardCharsets.US_ASCII)));
        all.write(frame(HEADERS, END_HEADERS, stream, STATUS_200));
        all.write(frame(DATA, END_STREAM, stream, ASKED.getBytes(StandardCharsets.US_ASCII)));
        return all.toByteArray();
    }

    private static void text(ByteArrayOutputStream out, String text) throws IOException {
        out.write(text.length());
        out.write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] frame(int type, int flags, int stream, byte[] payload) throws IOException {
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
    public void close() throws IOException {
        listening.close();
    }
}
