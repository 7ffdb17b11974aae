package dev.secureruntime.core.apache;

import dev.secureruntime.core.CallRecord;
import dev.secureruntime.core.http.BodyWatch;
import dev.secureruntime.core.http.LiveExchange;
import dev.secureruntime.egress.EgressDecision.Denied;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A response's body that is committed to and observed while the caller reads it, and that completes the call's record at
 * its end or when it is closed, whichever comes first. It never reads ahead of the caller. When it is closed, what little is
 * left and there already is read, as Apache's own streams do without a limit: the connection can then be used again.
 */
final class RecordedContent extends InputStream {

    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int LITTLE = 16 * 1024;

    private final InputStream source;
    private final long length;
    private final CallRecord record;
    private final LiveExchange exchange;
    private final Wire wire;
    private final Consumer<Boolean> release;
    private final BodyWatch watch;
    private long read;
    private boolean ended;

    /**
     * The content {@code source} of a response.
     *
     * @param length as announced; negative when it wasn't
     * @param release told whether the connection can be used again
     */
    RecordedContent(
            InputStream source,
            long length,
            BodyWatch watch,
            CallRecord record,
            LiveExchange exchange,
            Wire wire,
            Consumer<Boolean> release) {
        this.source = source;
        this.length = length;
        this.watch = watch;
        this.record = record;
        this.exchange = exchange;
        this.wire = wire;
        this.release = release;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public synchronized int read(byte[] buffer, int offset, int count) throws IOException {
        if (ended || count == 0) {
            return ended ? -1 : 0;
        }
        int got;
        try {
            got = source.read(buffer, offset, count);
        } catch (IOException e) {
            throw brokeOff(e);
        }
        if (got < 0) {
            end(true);
            return -1;
        }
        read += got;
        watch.write(buffer, offset, got);
        if (read == length) {
            end(true);
        }
        return got;
    }

    @Override
    public synchronized int available() throws IOException {
        return ended ? 0 : source.available();
    }

    @Override
    public synchronized void close() throws IOException {
        if (!ended) {
            end(read == length || drain());
        }
    }

    /** Reads what little is left; false when it is not little, or not there. */
    private boolean drain() {
        if (length - read > LITTLE) {
            return false;
        }
        byte[] buffer = new byte[LITTLE];
        long end = System.nanoTime() + PATIENCE_NANOS;
        try {
            for (int drained = 0; drained < LITTLE; ) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    return false;
                }
                wire.readTimeout((int) left);
                int got = source.read(buffer, 0, LITTLE - drained);
                if (got < 0) {
                    return true;
                }
                drained += got;
                read += got;
                watch.write(buffer, 0, got);
                if (read == length) {
                    return true;
                }
            }
        } catch (IOException e) {
            // It is not there: the connection is closed, and the record says that the answer is not whole.
        }
        return false;
    }

    private void end(boolean whole) throws IOException {
        ended = true;
        release.accept(whole);
        try {
            exchange.recordEnd(watch.digest(), whole);
        } catch (SecureRuntimeException e) {
            // An answer whose record can't be kept is not given out as if nothing had happened.
            throw new IOException(e.getMessage(), e);
        }
    }

    private IOException brokeOff(IOException failure) {
        IOException told = exchange.explained(failure);
        ended = true;
        release.accept(false);
        try {
            Denied cut = exchange.cut();
            if (cut != null) {
                record.cut(exchange.hop().asked(), cut, watch.digest());
            } else {
                record.brokeOff(told, watch.digest());
            }
        } catch (SecureRuntimeException e) {
            told.addSuppressed(e);
        }
        return told;
    }
}
