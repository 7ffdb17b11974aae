package dev.secureruntime.core;

import dev.secureruntime.core.text.SecretMatcher.Slot;
import dev.secureruntime.core.text.SecretScan;
import dev.secureruntime.egress.EgressDecision.Layer;
import dev.secureruntime.egress.EgressDeniedException;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A request's body on its way past {@link OutgoingScan}: pieces go in, and what may leave comes out. As many of the last bytes
 * are held back as the longest known secret has in its longest form, so that no byte of a secret that is found has left.
 *
 * <p>Once it has thrown, nothing more may be sent and the connection - on HTTP/2 the stream - must be broken off. Not thread-safe.
 */
public final class OutgoingBody {

    private static final byte[] NOTHING = new byte[0];

    private final OutgoingScan scan;
    private final SecretScan plain;
    private final Layer layer;
    private byte[] held = NOTHING;

    OutgoingBody(OutgoingScan scan, @Nullable String contentEncoding, Layer layer) {
        this.scan = scan;
        this.plain = scan.scanBody();
        this.layer = layer;
    }

    /**
     * Looks at the next piece. The array is not kept; where nothing is held back, it is given back itself.
     *
     * @return what may be sent now, possibly nothing
     * @throws EgressDeniedException when a secret was found
     */
    public byte[] pass(byte[] piece) throws EgressDeniedException {
        plain.update(piece, 0, piece.length);
        Set<Slot> found = plain.owners();
        if (found != null) {
            throw scan.refused(found, "body", layer);
        }
        int reach = plain.reach();
        if (reach == 0 && held.length == 0) {
            return piece;
        }
        byte[] all = Arrays.copyOf(held, held.length + piece.length);
        System.arraycopy(piece, 0, all, held.length, piece.length);
        int free = Math.max(0, all.length - reach);
        held = Arrays.copyOfRange(all, free, all.length);
        return free == all.length ? all : Arrays.copyOf(all, free);
    }

    /**
     * Looks at the end.
     *
     * @return what is left to be sent
     * @throws EgressDeniedException when the body can't be searched to its end
     */
    public byte[] end() throws EgressDeniedException {
        byte[] rest = held;
        held = NOTHING;
        return rest;
    }
}
