package dev.secureruntime.audit;

import java.util.Arrays;
import java.util.List;

/** What an anchor gives for a checkpoint that it took. Immutable and thread-safe. */
public sealed interface AnchorEvidence {

    /**
     * A copy is kept; there is nothing to check offline but the copy itself.
     *
     * @param place where, for people
     */
    record Kept(String place) implements AnchorEvidence {}

    /**
     * A witness has cosigned it.
     *
     * @param lines signature lines of C2SP signed-note, without line feeds
     */
    record Cosigned(List<String> lines) implements AnchorEvidence {
        public Cosigned {
            lines = List.copyOf(lines);
        }
    }

    /**
     * An authority has time-stamped it.
     *
     * @param token the time-stamp token of RFC 3161, DER, over the SHA-256 of the checkpoint's signed text
     */
    record TimeStamped(byte[] token) implements AnchorEvidence {
        public TimeStamped {
            token = token.clone();
        }

        @Override
        public byte[] token() {
            return token.clone();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof TimeStamped that && Arrays.equals(token, that.token);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(token);
        }

        @Override
        public String toString() {
            return "time-stamp token of " + token.length + " bytes";
        }
    }
}
