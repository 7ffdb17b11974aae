package dev.secureruntime.core.okhttp;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A real HTTP proxy on loopback: leads every tunnel to the port that was asked for on loopback, and keeps what it was told. */
public final class TunnelProxy implements AutoCloseable {

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    private final @Nullable String login;
    private final List<String> heads = new CopyOnWriteArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();

    public TunnelProxy() throws IOException {
        this(null);
    }

    /** A proxy that wants this value of {@code Proxy-Authorization}. */
    public TunnelProxy(@Nullable String login) throws IOException {
        this.login = login;
        daemon(this::accept);
    }

    public int port() {
        return server.getLocalPort();
    }

    /** Everything that was said to the proxy itself, a head for each request. */
    public List<String> heads() {
        return heads;
    }

    public int connections() {
        return connections.get();
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work, "tunnel-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                connections.incrementAndGet();
                daemon(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            while (true) {
                String head = head(client.getInputStream());
                if (head.isEmpty()) {
                    return;
                }
                heads.add(head);
                OutputStream out = client.getOutputStream();
                if (login != null && !head.contains("Proxy-Authorization: " + login + "\r\n")) {
                    out.write(ascii("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"p\"\r\n"
                            + "Content-Length: 0\r\n\r\n"));
                } else if (head.startsWith("CONNECT ")) {
                    out.write(ascii("HTTP/1.1 200 Connected\r\n\r\n"));
                    relay(client, Integer.parseInt(head.split(" ")[1].replaceAll(".*:", "")));
                    return;
                } else {
                    out.write(ascii("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
                }
            }
        } catch (IOException e) {
            // The other end went away.
        }
    }

    private static void relay(Socket client, int port) throws IOException {
        try (Socket target = new Socket(InetAddress.getByName("127.0.0.1"), port)) {
            daemon(() -> copy(target, client));
            client.getInputStream().transferTo(target.getOutputStream());
        }
    }

    private static void copy(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException e) {
            // The other end went away.
        }
    }

    private static String head(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        for (int b = in.read(); b >= 0; b = in.read()) {
            head.write(b);
            if (b == 4 || b == 5) {
                return ""; // SOCKS: that it came here is all there is to know
            }
            if (b == '\n' && head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
                break;
            }
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
