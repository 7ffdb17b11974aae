package dev.secureruntime.core.text;

import dev.secureruntime.core.text.SecretMatcher.Slot;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks for registered secrets in a body that comes in pieces, twice: as it is, and, once it has line breaks, without them, as
 * base64 is wrapped in mails and key files. Constant memory. Not thread-safe.
 */
public final class BodyScan {

    private static final int WRAPPED_AT = 32;
    private static final EitherByte LINE_BREAK = new EitherByte('\n', '\r');

    private final SecretScan plain;
    private @Nullable SecretScan unwrapped;

    BodyScan(SecretScan plain) {
        this.plain = plain;
    }

    /** The slots of a secret that was found, in this piece or before; null as long as none was. */
    public @Nullable Set<Slot> update(byte[] bytes, int offset, int length) {
        if (plain.looksForNothing()) {
            return null;
        }
        int first = unwrapped == null ? LINE_BREAK.find(bytes, offset, offset + length) : offset;
        if (first < offset + length && unwrapped == null) {
            unwrapped = plain.copy(); // up to here, with and without line breaks is the same
        }
        if (plain.update(bytes, offset, length)) {
            return plain.owners();
        }
        if (unwrapped == null) {
            return null;
        }
        byte[] lines = new byte[length];
        int kept = 0;
        for (int i = offset; i < offset + length; i++) {
            if (bytes[i] != '\n' && bytes[i] != '\r') {
                lines[kept++] = bytes[i];
            }
        }
        unwrapped.update(lines, 0, kept);
        return unwrapped.owners();
    }

    /** How many of the last bytes may be the beginning of a secret that is still to end, in lines of 64 characters or more. */
    public int reach() {
        int reach = plain.reach();
        return reach == 0 ? 0 : reach + reach / WRAPPED_AT + 2;
    }
}
