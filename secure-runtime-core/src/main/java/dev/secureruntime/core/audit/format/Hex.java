package dev.secureruntime.core.audit.format;

import java.nio.charset.StandardCharsets;

/** Lower-case hexadecimal in byte arrays, without strings in between: two of these stand in every record. */
public final class Hex {

    private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private Hex() {}

    public static void write(byte[] hash, byte[] target, int at) {
        for (int i = 0, t = at; i < hash.length; i++) {
            target[t++] = DIGITS[(hash[i] >> 4) & 0xf];
            target[t++] = DIGITS[hash[i] & 0xf];
        }
    }

    public static String text(byte[] hash) {
        byte[] target = new byte[hash.length * 2];
        write(hash, target, 0);
        return new String(target, StandardCharsets.US_ASCII);
    }

    /** The value of a lower-case digit, or -1. */
    static int value(int character) {
        if (character >= '0' && character <= '9') {
            return character - '0';
        }
        return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
    }

    /** Whether the digits at {@code at} are those of {@code hash}. */
    static boolean matches(byte[] digits, int at, byte[] hash) {
        for (int i = 0; i < hash.length; i++) {
            if (digits[at + 2 * i] != DIGITS[(hash[i] >> 4) & 0xf] || digits[at + 2 * i + 1] != DIGITS[hash[i] & 0xf]) {
                return false;
            }
        }
        return true;
    }
}
