package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A real Squid on loopback, for a test that says that it was skipped where there is none. */
public final class Squid implements AutoCloseable {

    private static final Path PROGRAM = Path.of("/usr/sbin/squid");

    private final Process process;
    private final int port;

    /**
     * Starts it.
     *
     * @param folder for what it reads and writes
     * @param names the hosts that it knows, and their addresses
     * @param nameServer whom it asks about others
     * @param rules lines of its configuration
     */
    public Squid(Path folder, Map<String, String> names, String nameServer, String rules)
            throws IOException, InterruptedException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        StringBuilder hosts = new StringBuilder();
        names.forEach((name, address) ->
                hosts.append(address).append(' ').append(name).append('\n'));
        Files.writeString(folder.resolve("hosts"), hosts);
        Files.writeString(folder.resolve("rules.conf"), rules);
        Path configuration = Files.writeString(
                folder.resolve("squid.conf"),
                """
                http_port 127.0.0.1:%d
                hosts_file %s/hosts
                dns_nameservers %s
                dns_timeout 1 second
                cache deny all
                pid_filename none
                access_log none
                cache_log %s/cache.log
                shutdown_lifetime 1 second
                include %s/rules.conf
                """
                        .formatted(port, folder, nameServer, folder, folder));
        // Started as root, Squid goes on as another user.
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        process = new ProcessBuilder(PROGRAM.toString(), "-N", "-f", configuration.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!isListening()) {
            boolean ended = process.waitFor(50, TimeUnit.MILLISECONDS);
            if (ended || System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new AssertionError("Squid did not start: " + Files.readString(folder.resolve("output")));
            }
        }
    }

    public static boolean isInstalled() {
        return Files.isExecutable(PROGRAM);
    }

    public int port() {
        return port;
    }

    private boolean isListening() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            return true;
        } catch (IOException notYet) {
            return false;
        }
    }

    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(5, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
    }

    /** The status of its answer to a request. */
    public int ask(EgressRequest request) throws IOException {
        return ask(request, "");
    }

    /** The same with a header more, which ends its line. */
    int ask(EgressRequest request, String header) throws IOException {
        String host = request.host().indexOf(':') >= 0 ? "[" + request.host() + "]" : request.host();
        String authority = host + ":" + request.port();
        String target = request.scheme().equals("https") ? authority : "http://" + authority + request.path();
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream()
                    .write((request.method() + " " + target + " HTTP/1.1\r\nHost: " + authority + "\r\n" + header
                                    + "Content-Length: 0\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            BufferedReader reply =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            String status = reply.readLine();
            if (status == null) {
                throw new IOException("no answer to " + target);
            }
            return Integer.parseInt(status.split(" ")[1]);
        }
    }
}
