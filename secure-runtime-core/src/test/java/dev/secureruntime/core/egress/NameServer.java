package dev.secureruntime.core.egress;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Counts what it is asked and answers nothing. Squid asks on port 53 alone. */
final class NameServer implements AutoCloseable {

    private final DatagramSocket socket;
    private final Set<String> names = ConcurrentHashMap.newKeySet();

    private NameServer(DatagramSocket socket) {
        this.socket = socket;
        Thread thread = new Thread(this::count, "name server");
        thread.setDaemon(true);
        thread.start();
    }

    static NameServer start() throws IOException {
        try {
            return new NameServer(new DatagramSocket(new InetSocketAddress("127.0.53.77", 53)));
        } catch (SocketException e) {
            assumeTrue(false, "port 53 can't be taken: " + e.getMessage());
            throw e;
        }
    }

    private void count() {
        try {
            for (int i = 0; i < 1000; i++) {
                DatagramPacket query = new DatagramPacket(new byte[512], 512);
                socket.receive(query);
                // The name begins behind 12 bytes of header; a length stands before each label.
                names.add(new String(query.getData(), 13, query.getLength() - 17, StandardCharsets.US_ASCII)
                        .replaceAll("[^!-~]", "."));
            }
        } catch (IOException closed) {
            // The test is over.
        }
    }

    String address() {
        return "127.0.53.77";
    }

    Set<String> asked() {
        return names;
    }

    @Override
    public void close() {
        socket.close();
    }
}
