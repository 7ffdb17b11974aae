package dev.secureruntime.core.audit;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Short texts that stand in record after record, with what is written for them: looking one up takes a fraction of checking
 * and writing it. One that comes twice in a row at a place takes that place from the text before; the number of places is
 * fixed. Not thread-safe.
 */
final class KnownTexts {

    private static final int PLACES = 256;
    private static final int MAX_LENGTH = 48;

    private final @Nullable Form[] forms = new Form[PLACES];
    /** The hash of the text that was last seen there; only one that comes again takes the place. */
    private final int[] seen = new int[PLACES];

    /** Bytes to be written; the first of them as words, which takes no loop. */
    static final class Form {
        private static final int WORDS = 4 * Long.BYTES;

        final int length;
        private final String text;
        private final byte[] bytes;
        private final long first;
        private final long second;
        private final long third;
        private final long fourth;

        Form(String text, byte[] buffer, int from, int to) {
            this.text = text;
            length = to - from;
            bytes = Arrays.copyOfRange(buffer, from, to);
            byte[] words = Arrays.copyOf(bytes, WORDS);
            first = Swar.word(words, 0);
            second = Swar.word(words, 8);
            third = Swar.word(words, 16);
            fourth = Swar.word(words, 24);
        }

        static Form of(byte[] bytes) {
            return new Form("", bytes, 0, bytes.length);
        }

        /** Writes the bytes, and up to 31 that mean nothing behind them. Returns the place behind the bytes. */
        int write(byte[] target, int at) {
            Swar.put(target, at, first);
            Swar.put(target, at + 8, second);
            Swar.put(target, at + 16, third);
            Swar.put(target, at + 24, fourth);
            if (length > WORDS) {
                System.arraycopy(bytes, WORDS, target, at + WORDS, length - WORDS);
            }
            return at + length;
        }
    }

    /** Whether a text is short enough; the others take the longer, the longer they are. */
    static boolean mayKnow(String text) {
        return text.length() <= MAX_LENGTH;
    }

    /** What is written for {@code text}; null where it isn't known. */
    @Nullable
    Form form(String text) {
        int place = place(text.hashCode());
        Form form = forms[place];
        return form != null && form.text.equals(text) ? form : null;
    }

    /** Remembers that the bytes from {@code from} to {@code to} are written for {@code text}. */
    void keep(String text, byte[] buffer, int from, int to) {
        int hash = text.hashCode();
        int place = place(hash);
        if (seen[place] != hash) {
            seen[place] = hash;
        } else if (mayKnow(text)) {
            forms[place] = new Form(text, buffer, from, to);
        }
    }

    private static int place(int hash) {
        return (hash ^ hash >>> 8 ^ hash >>> 16) & PLACES - 1;
    }
}
