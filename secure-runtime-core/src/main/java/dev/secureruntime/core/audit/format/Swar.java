package dev.secureruntime.core.audit.format;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Checks on eight bytes at a time, for the loops that pass over every byte of a log ("SIMD within a register").
 *
 * <p>Each method may look at {@value #SLACK} bytes behind what it is asked about: the array must have them.
 */
public final class Swar {

    /** How many bytes an array must have behind the last one of interest. */
    static final int SLACK = 31;

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGH = ONES << 7;
    private static final int HEX_WORDS = RecordParser.HASH_DIGITS / Long.BYTES;

    private Swar() {}

    static long word(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    static void put(byte[] bytes, int at, long word) {
        LONG.set(bytes, at, word);
    }

    /** Whether {@code length} bytes at two places are the same; at least eight. */
    static boolean same(byte[] a, int i, byte[] b, int j, int length) {
        int last = length - Long.BYTES;
        for (int k = 0; k < last; k += Long.BYTES) {
            if (word(a, i + k) != word(b, j + k)) {
                return false;
            }
        }
        return word(a, i + last) == word(b, j + last);
    }

    /** The same for two places in one array and any length above 0. */
    static boolean sameText(byte[] bytes, int i, int j, int length) {
        if (length < Long.BYTES) {
            return (word(bytes, i) ^ word(bytes, j)) << (Long.SIZE - length * Byte.SIZE) == 0;
        }
        return same(bytes, i, bytes, j, length);
    }

    /** How many bytes from {@code i} on are those from {@code j} on, of which those before {@code end} count. */
    static int common(byte[] bytes, int i, int j, int end) {
        int ahead = i - j;
        for (int at = j; at < end; at += Long.BYTES) {
            long difference = word(bytes, at) ^ word(bytes, at + ahead);
            if (difference != 0) {
                return Math.min(at + (Long.numberOfTrailingZeros(difference) >>> 3), end) - j;
            }
        }
        return Math.max(end - j, 0);
    }

    /** The place of the next byte that is a quote, a backslash, a control character or not ASCII. */
    static int endOfPlainText(byte[] bytes, int from) {
        int at = from;
        // A loop whose bounds the compiler can see, so that it checks them once for all bytes.
        for (; at <= bytes.length - 4 * Long.BYTES; at += 4 * Long.BYTES) {
            long first = stops(word(bytes, at)) | stops(word(bytes, at + 8));
            long second = stops(word(bytes, at + 16)) | stops(word(bytes, at + 24));
            if (((first | second) & HIGH) != 0) {
                break;
            }
        }
        long stop = stops(word(bytes, at)) & HIGH;
        while (stop == 0) {
            at += Long.BYTES;
            stop = stops(word(bytes, at)) & HIGH;
        }
        return at + (Long.numberOfTrailingZeros(stop) >>> 3);
    }

    /** The lowest high bit that is set is that of the first such byte; a borrow can reach only bytes above it. */
    private static long stops(long word) {
        long belowSpaceOrQuote = (word ^ ONES * 2) - ONES * ('"' - 1);
        long backslash = (word ^ ONES * '\\') - ONES;
        return belowSpaceOrQuote | backslash | word;
    }

    /** Whether the bytes are 64 lower-case hexadecimal digits. */
    static boolean isHash(byte[] bytes, int from) {
        long bad = 0;
        for (int i = 0; i < HEX_WORDS; i++) {
            long word = word(bytes, from + i * Long.BYTES);
            long low = word & ~HIGH;
            long digit = low + ONES * (0x80 - '0') & ~(low + ONES * (0x7f - '9'));
            long letter = low + ONES * (0x80 - 'a') & ~(low + ONES * (0x7f - 'f'));
            bad |= word | ~(digit | letter);
        }
        return (bad & HIGH) == 0;
    }

    /** Whether the six bytes are decimal digits. */
    static boolean isSixDigits(byte[] bytes, int from) {
        long word = word(bytes, from);
        long sum = word + 0x0606_0606_0606L;
        return (word & 0xf0f0_f0f0_f0f0L) == 0x3030_3030_3030L && (sum & 0xf0f0_f0f0_f0f0L) == 0x3030_3030_3030L;
    }

    /** Whether the 64 bytes at {@code from} are the digits of the 32-byte hash at {@code hash}. */
    public static boolean isHexOf(byte[] bytes, int from, byte[] hashes, int hash) {
        long difference = 0;
        for (int i = 0; i < HEX_WORDS; i++) {
            long four = (int) INT.get(hashes, hash + i * 4) & 0xffff_ffffL;
            four = (four | four << 16) & 0x0000_ffff_0000_ffffL;
            four = (four | four << 8) & 0x00ff_00ff_00ff_00ffL;
            long nibbles = four >>> 4 & ONES * 0x0f & 0x00ff_00ff_00ff_00ffL | (four & 0x000f_000f_000f_000fL) << 8;
            long letters = nibbles + ONES * 6 >>> 4 & ONES;
            difference |= word(bytes, from + i * Long.BYTES) ^ nibbles + ONES * '0' + letters * ('a' - '0' - 10);
        }
        return difference == 0;
    }
}
