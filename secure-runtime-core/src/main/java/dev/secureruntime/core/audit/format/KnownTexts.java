package dev.secureruntime.core.audit.format;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Short texts that stand in record after record, with what is written for them: looking one up takes a fraction of checking
 * and writing it. One that comes twice in a row at a place takes that place from the text before; the number of places is
 * fixed. A name remembers the value that mostly follows it, so that both are one look-up. Not thread-safe.
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
        /** How often in a row a value has to follow before it is remembered: one that changes all the time isn't worth it. */
        private static final int TIMES = 4;

        final int length;
        private final String text;
        private final byte[] bytes;
        private final long first;
        private final long second;
        private final long third;
        private final long fourth;
        private final long fifth;
        private final long sixth;
        private final long seventh;
        private final long eighth;
        /** What is written for this text and the value behind it. */
        private @Nullable Form followed;

        private int lastValue;
        private int times;

        Form(String text, byte[] buffer, int from, int to) {
            this.text = text;
            length = to - from;
            bytes = Arrays.copyOfRange(buffer, from, to);
            byte[] words = Arrays.copyOf(bytes, 2 * WORDS);
            first = Swar.word(words, 0);
            second = Swar.word(words, 8);
            third = Swar.word(words, 16);
            fourth = Swar.word(words, 24);
            fifth = Swar.word(words, 32);
            sixth = Swar.word(words, 40);
            seventh = Swar.word(words, 48);
            eighth = Swar.word(words, 56);
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
                Swar.put(target, at + 32, fifth);
                Swar.put(target, at + 40, sixth);
                Swar.put(target, at + 48, seventh);
                Swar.put(target, at + 56, eighth);
                if (length > 2 * WORDS) {
                    System.arraycopy(bytes, 2 * WORDS, target, at + 2 * WORDS, length - 2 * WORDS);
                }
            }
            return at + length;
        }

        /** What is written for this text with {@code value} behind it; null where it isn't known. */
        @Nullable
        Form with(String value) {
            Form form = followed;
            return form != null && form.text.equals(value) ? form : null;
        }

        /** Remembers, when it has happened a few times, that the bytes are written for this text with {@code value} behind it. */
        void keepWith(String value, byte[] buffer, int from, int to) {
            int hash = value.hashCode();
            times = hash == lastValue ? times + 1 : 1;
            lastValue = hash;
            if (times == TIMES && mayKnow(value)) {
                followed = new Form(value, buffer, from, to);
            }
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
