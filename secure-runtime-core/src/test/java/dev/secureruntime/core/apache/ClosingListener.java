package dev.secureruntime.core.apache;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hc.core5.http.HttpHost;

/** Something that listens, and closes whatever connects to it. */
final class ClosingListener implements AutoCloseable {

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final CountDownLatch connected = new CountDownLatch(1);

    ClosingListener() throws IOException {
        Thread accepting = new Thread(() -> {
            while (!server.isClosed()) {
                try {
                    server.accept().close();
                    connected.countDown();
                } catch (IOException e) {
                    return;
                }
            }
        });
        accepting.setDaemon(true);
        accepting.start();
    }

    int port() {
        return server.getLocalPort();
    }

    HttpHost host() {
        return new HttpHost("http", "127.0.0.1", port());
    }

    int connections() {
        return 1 - (int) connected.getCount();
    }

    boolean awaitConnection() throws InterruptedException {
        return connected.await(30, TimeUnit.SECONDS);
    }

    ProxySelector selector() {
        return new ProxySelector() {
            @Override
            public List<Proxy> select(URI uri) {
                return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", port())));
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException failure) {
                // tried once
            }
        };
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
