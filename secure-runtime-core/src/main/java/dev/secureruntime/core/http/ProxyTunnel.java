package dev.secureruntime.core.http;

import dev.secureruntime.core.ApprovedProxy;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Asks the approved proxy for a tunnel to an origin ({@code CONNECT}, RFC 9110, section 9.3.6), with the proxy's login and
 * nothing of the request's.
 */
final class ProxyTunnel {

    /** How many characters a proxy may say before the tunnel. */
    static final int MAX_ANSWER = 16 * 1024;

    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] ([1-9][0-9]{2})(?: .*)?");

    private final ApprovedProxy proxy;
    private final String target;
    private final int timeoutMillis;

    /** A tunnel that the proxy has so long to open; 0 means no limit. */
    ProxyTunnel(ApprovedProxy proxy, Origin origin, int timeoutMillis) {
        this.proxy = proxy;
        this.target = origin.hostAndPort();
        this.timeoutMillis = timeoutMillis;
    }

    /**
     * Opens the tunnel on a connection to the proxy. What follows the proxy's answer is left for the reader of the tunnel.
     *
     * @throws SocketTimeoutException when it takes too long
     * @throws IOException when the proxy opens none, saying why; the message doesn't hold its login
     */
    void open(Socket socket) throws IOException {
        String login = proxy.authorization();
        String head = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
                + (login == null ? "" : "Proxy-Authorization: " + login + "\r\n") + "\r\n";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
        int status;
        try {
            status = status(timeoutMillis == 0 ? socket.getInputStream() : new Timed(socket, timeoutMillis));
        } catch (SocketTimeoutException e) {
            throw new SocketTimeoutException(failure("didn't answer in time"));
        } catch (ProtocolException | EOFException e) {
            throw new IOException(failure(String.valueOf(e.getMessage())));
        }
        if (status / 100 != 2) {
            throw new IOException(failure("answered " + status
                    + (status == 407 ? ": it wants another login" : ": have it allow this target")));
        }
        socket.setSoTimeout(0);
    }

    private String failure(String how) {
        return "no tunnel to " + target + ": the egress proxy " + proxy + " " + how;
    }

    /**
     * The status of the first final answer, whose head is read to its end and not a byte further.
     *
     * @throws ProtocolException when it is no HTTP/1 or too long
     * @throws EOFException when it ends before
     */
    static int status(InputStream in) throws IOException {
        int left = MAX_ANSWER;
        int status;
        do {
            String first = line(in, left);
            Matcher line = STATUS.matcher(first);
            if (!line.matches()) {
                throw new ProtocolException("answered what is no HTTP");
            }
            status = Integer.parseInt(line.group(1));
            left -= first.length();
            // Nothing that a proxy says of a tunnel changes what goes through it.
            for (String header = line(in, left); !header.isEmpty(); header = line(in, left)) {
                left -= header.length();
            }
        } while (status < 200);
        return status;
    }

    private static String line(InputStream in, int left) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("closed the connection");
            }
            if (line.length() >= left) {
                throw new ProtocolException("answered at too great length");
            }
            line.append((char) c);
        }
        int end = line.length() - 1;
        return end >= 0 && line.charAt(end) == '\r' ? line.substring(0, end) : line.toString();
    }

    /** Reads byte by byte, until a point in time: a proxy that says a little now and then doesn't hold up the caller. */
    private static final class Timed extends InputStream {
        private final Socket socket;
        private final InputStream in;
        private final long deadline;

        Timed(Socket socket, int timeoutMillis) throws IOException {
            this.socket = socket;
            this.in = socket.getInputStream();
            this.deadline = System.nanoTime() + timeoutMillis * 1_000_000L;
        }

        @Override
        public int read() throws IOException {
            long millis = (deadline - System.nanoTime()) / 1_000_000;
            if (millis <= 0) {
                throw new SocketTimeoutException();
            }
            socket.setSoTimeout((int) millis);
            return in.read();
        }
    }
}
