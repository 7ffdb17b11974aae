package dev.secureruntime.core;

import dev.secureruntime.core.text.BodyScan;
import dev.secureruntime.core.text.PieceInflater;
import dev.secureruntime.core.text.SecretMatcher.Slot;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.DataFormatException;
import org.jspecify.annotations.Nullable;

/**
 * A request's body on its way past {@link OutgoingScan}: pieces go in, and what may leave comes out. As many of the last bytes
 * are held back as the longest known secret has in its longest form, so that no byte of a secret that is found has left; in a
 * body that is compressed, as many pieces as hold these bytes. Constant memory.
 *
 * <p>Once it has thrown, nothing more may be sent and the connection - on HTTP/2 the stream - must be broken off. Not thread-safe.
 */
public final class OutgoingBody {

    private static final byte[] NOTHING = new byte[0];
    private static final int MOST_HELD = 1 << 20;

    private final OutgoingScan scan;
    private final Layer layer;
    private final BodyScan sent;
    private final BodyScan meant;
    private final @Nullable PieceInflater inflater;
    private final ArrayDeque<Piece> compressed = new ArrayDeque<>();
    private long waiting;
    private byte[] tail = NOTHING;
    private long out;
    private @Nullable Set<Slot> found;
    private @Nullable EgressDeniedException refused;

    /** A compressed piece that waits, and how much had come out when it was looked at. */
    private record Piece(byte[] bytes, long outBy) {}

    OutgoingBody(OutgoingScan scan, @Nullable String contentEncoding, Layer layer) throws EgressDeniedException {
        this.scan = scan;
        this.layer = layer;
        this.sent = scan.scanBody();
        this.meant = scan.scanBody();
        try {
            this.inflater = contentEncoding == null || scan.nothingKnown()
                    ? null
                    : PieceInflater.of(contentEncoding, this::inflated);
        } catch (DataFormatException e) {
            throw scan.unsearchable(String.valueOf(e.getMessage()), layer);
        }
    }

    /**
     * Looks at the next piece. The array must not be changed afterwards; where no secret is known, it is given back itself.
     *
     * @return what may be sent now, possibly nothing
     * @throws EgressDeniedException when a secret was found, or the body can't be searched
     */
    public byte[] pass(byte[] piece) throws EgressDeniedException {
        look(piece);
        int reach = inflater == null ? sent.reach() : meant.reach() + PieceInflater.LONGEST_SYMBOL;
        if (inflater != null) {
            compressed.add(new Piece(piece, out));
            waiting += piece.length;
            return freed(out - reach);
        }
        if (reach == 0 && tail.length == 0) {
            return piece;
        }
        byte[] all = Arrays.copyOf(tail, tail.length + piece.length);
        System.arraycopy(piece, 0, all, tail.length, piece.length);
        int free = Math.max(0, all.length - reach);
        tail = Arrays.copyOfRange(all, free, all.length);
        return free == all.length ? all : Arrays.copyOf(all, free);
    }

    /** The pieces of which everything had come out by then. */
    private byte[] freed(long by) throws EgressDeniedException {
        ByteArrayOutputStream free = new ByteArrayOutputStream();
        while (!compressed.isEmpty() && compressed.element().outBy() <= by) {
            free.writeBytes(compressed.remove().bytes());
        }
        waiting -= free.size();
        if (compressed.size() > 1 && waiting - compressed.getLast().bytes().length > MOST_HELD) {
            throw unsearchable(new DataFormatException("too little comes out of what is sent"));
        }
        return free.toByteArray();
    }

    /**
     * Looks at the end.
     *
     * @return what is left to be sent
     * @throws EgressDeniedException when the body can't be searched to its end
     */
    public byte[] end() throws EgressDeniedException {
        requireNotRefused();
        if (inflater == null) {
            byte[] rest = tail;
            tail = NOTHING;
            return rest;
        }
        try {
            inflater.end();
        } catch (DataFormatException e) {
            throw unsearchable(e);
        }
        return freed(Long.MAX_VALUE);
    }

    void look(byte[] piece) throws EgressDeniedException {
        requireNotRefused();
        found = sent.update(piece, 0, piece.length);
        if (found == null && inflater != null) {
            try {
                inflater.update(piece);
            } catch (DataFormatException e) {
                throw unsearchable(e);
            }
        }
        if (found != null) {
            throw refuse(scan.refused(found, "body", layer));
        }
    }

    private void requireNotRefused() throws EgressDeniedException {
        if (refused != null) {
            throw refused;
        }
    }

    private void inflated(byte[] bytes, int offset, int length) {
        out += length;
        if (found == null) {
            found = meant.update(bytes, offset, length);
        }
    }

    private EgressDeniedException unsearchable(DataFormatException e) {
        String why = e.getMessage();
        return refuse(scan.unsearchable(why == null ? "its compression is damaged" : why, layer));
    }

    private EgressDeniedException refuse(EgressDeniedException refusal) {
        refused = refusal;
        tail = NOTHING;
        compressed.clear();
        if (inflater != null) {
            inflater.close();
        }
        return refusal;
    }
}
