package dev.secureruntime.core.okhttp;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A server's end of a connection that tells when the other end is gone, or this one closed: MockWebServer doesn't close what
 * broke off.
 */
public final class CountedSocket extends Socket {

    private final Runnable whenOver;
    private final AtomicBoolean over = new AtomicBoolean();

    public CountedSocket(Runnable whenOver) {
        this.whenOver = whenOver;
    }

    private void over() {
        if (over.compareAndSet(false, true)) {
            whenOver.run();
        }
    }

    @Override
    public void close() throws IOException {
        super.close();
        over();
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new FilterInputStream(super.getInputStream()) {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                try {
                    int read = in.read(buffer, offset, length);
                    if (read < 0) {
                        over();
                    }
                    return read;
                } catch (SocketTimeoutException e) {
                    throw e;
                } catch (IOException e) {
                    over();
                    throw e;
                }
            }
        };
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
        return new FilterOutputStream(super.getOutputStream()) {
            @Override
            public void write(byte[] buffer, int offset, int length) throws IOException {
                try {
                    out.write(buffer, offset, length);
                } catch (IOException e) {
                    over();
                    throw e;
                }
            }
        };
    }
}
