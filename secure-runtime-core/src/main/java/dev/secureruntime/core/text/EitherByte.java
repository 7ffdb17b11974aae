package dev.secureruntime.core.text;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Finds the first of two byte values, eight bytes at a time. Thread-safe. */
public final class EitherByte {

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGH = ONES << 7;

    private final byte one;
    private final byte other;
    private final long ones;
    private final long others;

    /** A search for two characters of ASCII. */
    public EitherByte(char one, char other) {
        this.one = (byte) one;
        this.other = (byte) other;
        this.ones = ONES * one;
        this.others = ONES * other;
    }

    /** The first place from {@code from} on where one of the two stands; {@code to} when none does before. */
    public int find(byte[] bytes, int from, int to) {
        int at = from;
        while (at <= to - Long.BYTES) {
            long word = (long) LONG.get(bytes, at);
            long found = (zeros(word ^ ones) | zeros(word ^ others)) & HIGH;
            if (found != 0) {
                return at + (Long.numberOfTrailingZeros(found) >>> 3);
            }
            at += Long.BYTES;
        }
        while (at < to && bytes[at] != one && bytes[at] != other) {
            at++;
        }
        return at;
    }

    /** The lowest high bit that is set is that of the first byte that is zero; a borrow can reach only bytes above it. */
    private static long zeros(long word) {
        return word - ONES & ~word;
    }
}
