package dev.secureruntime.core.jdkhttp;

import dev.secureruntime.core.http.JudgedSocket;
import dev.secureruntime.core.http.Origin;
import dev.secureruntime.core.http.Target;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Bytes between the JDK's client and a server. Ends with whichever ends first. Thread-safe. */
final class Tunnel implements AutoCloseable {

    private static final int CHUNK = 16 * 1024;

    private final Socket client;
    private final JudgedSocket server;
    private final Generation generation;

    Tunnel(Socket client, JudgedSocket server, Generation generation) {
        this.client = client;
        this.server = server;
        this.generation = generation;
    }

    Generation generation() {
        return generation;
    }

    /** Hands bytes back and forth until either side closes. */
    void run(Executor threads, InputStream in) throws IOException {
        threads.execute(this::answer);
        OutputStream out = server.getOutputStream();
        try {
            byte[] chunk = new byte[CHUNK];
            for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
                out.write(chunk, 0, read);
            }
        } catch (IOException e) {
            note(e);
            drain(in);
        }
    }

    /** Sends requests in the clear, one after the other, as long as {@code admitted} says that each belongs here. */
    void runPlain(Executor threads, InputStream in, RelayedHead first, Admitted admitted) throws IOException {
        threads.execute(this::answer);
        OutputStream out = server.getOutputStream();
        try {
            RelayedHead head = first;
            for (Target.Read target = admitted.target(head); target != null; target = admitted.target(head)) {
                out.write(head.forwarded(target));
                PlainBody.of(head).copy(in, out);
                head = RelayedHead.read(in);
            }
        } catch (EOFException e) {
            return; // the client has no more to send
        } catch (IOException e) {
            note(e);
            drain(in);
        }
    }

    /** Knows where a request in the clear may go. */
    @FunctionalInterface
    interface Admitted {

        /** The target of a request that may go where this connection leads; null when it may not. */
        Target.@Nullable Read target(RelayedHead head);
    }

    private void answer() {
        try {
            InputStream in = server.getInputStream();
            OutputStream out = client.getOutputStream();
            byte[] chunk = new byte[CHUNK];
            for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
                out.write(chunk, 0, read);
            }
            client.shutdownOutput(); // not closed: that would throw away what the client has not read yet
        } catch (IOException e) {
            note(e);
            close();
        }
    }

    /** Takes what the client still sends, so that it can read what the server said last. */
    private static void drain(InputStream in) throws IOException {
        byte[] chunk = new byte[CHUNK];
        while (in.read(chunk) >= 0) {
            // Not for anybody any more.
        }
    }

    /** A connection that the policy closed: calls on it are told so. */
    private void note(IOException failure) {
        if (failure instanceof EgressDeniedException denied) {
            generation.closedByPolicy(Origin.of(denied.request()), denied.decision());
            close();
        }
    }

    @Override
    public void close() {
        close(server);
        close(client);
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // Closed for whoever reads or writes, whatever the system says of it.
        }
    }
}
