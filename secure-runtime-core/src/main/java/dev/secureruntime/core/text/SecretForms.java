package dev.secureruntime.core.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * The forms in which a secret leaks: as it is, escaped in JSON, in base64 at each of the three alignments, in hexadecimal,
 * percent-encoded.
 *
 * <p>Base64 is cut at both ends to the characters that the secret alone decides, so that it is found with anything in front
 * and behind. What is not a form: a mixture of escapes that no common encoder writes, compression, encryption, any other
 * transformation. Without state.
 */
final class SecretForms {

    private static final byte[] LOWER = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] UPPER = "0123456789ABCDEF".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] BASE32 = "abcdefghijklmnopqrstuvwxyz234567".getBytes(StandardCharsets.US_ASCII);
    private static final int[] UNKNOWN_IN_FRONT = {0, 2, 3};
    private static final String[] HTML_SAFE = {"<>&", "<>&='"};

    private SecretForms() {}

    /** All forms, each once. The arrays hold the secret: the caller overwrites them. */
    static List<byte[]> of(byte[] secret) {
        List<byte[]> all = new ArrayList<>();
        all.add(secret.clone());
        json(secret, all);
        for (int lead = 0; lead < UNKNOWN_IN_FRONT.length; lead++) {
            all.add(base64(secret, lead, Base64.getEncoder()));
            all.add(base64(secret, lead, Base64.getUrlEncoder()));
        }
        all.add(hex(secret, LOWER));
        all.add(hex(secret, UPPER));
        for (byte[] digits : List.of(UPPER, LOWER)) {
            all.add(percent(secret, digits, SecretForms::isUnreserved));
            all.add(percent(secret, digits, SecretForms::isPathOrQuery));
            all.add(percent(secret, digits, c -> isPathOrQuery(c) && c != '/' && c != '?'));
            all.add(percent(secret, digits, c -> isUnreserved(c) || "!*'()".indexOf(c) >= 0));
            all.add(percent(secret, digits, c -> false));
            all.add(percent(secret, digits, SecretForms::isFormSafe));
            all.add(form(secret, digits));
        }
        return distinct(all);
    }

    /**
     * The forms that fit into a host's name, which has no case and no other signs than letters, digits, {@code -} and
     * {@code _}: as it is, in hexadecimal, in base32 at each of the five alignments. What can't be found is left out.
     */
    static List<byte[]> inHosts(byte[] secret) {
        List<byte[]> all = new ArrayList<>();
        byte[] lower = new byte[secret.length];
        int length = 0;
        for (byte b : secret) {
            if (b != '.') {
                lower[length++] = (byte) (b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b);
            }
        }
        all.add(Arrays.copyOf(lower, length));
        Arrays.fill(lower, (byte) 0);
        all.add(hex(secret, LOWER));
        for (int lead = 0; lead < 5; lead++) {
            all.add(base32(secret, lead));
        }
        List<byte[]> kept = distinct(all);
        kept.removeIf(form -> form.length < PatternTable.WINDOW);
        return kept;
    }

    /** The characters that the secret alone decides, with {@code lead} unknown bytes in front (RFC 4648, section 6). */
    private static byte[] base32(byte[] secret, int lead) {
        int first = (lead * 8 + 4) / 5;
        int end = (lead + secret.length) * 8 / 5;
        byte[] form = new byte[end - first];
        for (int i = first; i < end; i++) {
            int value = 0;
            for (int bit = i * 5; bit < i * 5 + 5; bit++) {
                value = value << 1 | secret[bit / 8 - lead] >> 7 - bit % 8 & 1;
            }
            form[i - first] = BASE32[value];
        }
        return form;
    }

    private static List<byte[]> distinct(List<byte[]> all) {
        List<byte[]> kept = new ArrayList<>();
        for (byte[] form : all) {
            if (kept.stream().anyMatch(other -> Arrays.equals(other, form))) {
                Arrays.fill(form, (byte) 0);
            } else {
                kept.add(form);
            }
        }
        return kept;
    }

    private static void json(byte[] secret, List<byte[]> into) {
        List<byte[]> once = new ArrayList<>();
        once.add(json(secret, LOWER, false));
        once.add(json(secret, UPPER, false));
        once.add(json(secret, LOWER, true));
        for (String more : HTML_SAFE) {
            once.add(htmlSafe(once.get(0), more));
        }
        String text = new String(secret, StandardCharsets.UTF_8);
        if (Arrays.equals(text.getBytes(StandardCharsets.UTF_8), secret)) {
            once.add(jsonAscii(text, LOWER, false));
            once.add(jsonAscii(text, UPPER, false));
            once.add(jsonAscii(text, LOWER, true));
        }
        for (byte[] form : distinct(once)) {
            into.add(form);
            into.add(json(form, LOWER, false));
            into.add(json(form, LOWER, true));
        }
    }

    /** What an encoder escapes besides, so that JSON can stand in HTML; those in use write lower-case digits. */
    private static byte[] htmlSafe(byte[] json, String more) {
        Output out = new Output(2 * json.length);
        for (byte b : json) {
            if (more.indexOf(b) >= 0) {
                unicode(out, b, LOWER);
            } else {
                out.write(b);
            }
        }
        return out.take();
    }

    private static byte[] json(byte[] secret, byte[] digits, boolean slash) {
        Output out = new Output(2 * secret.length);
        for (byte b : secret) {
            jsonCharacter(out, b & 0xff, digits, slash);
        }
        return out.take();
    }

    private static byte[] jsonAscii(String text, byte[] digits, boolean slash) {
        Output out = new Output(2 * text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 0x7f) {
                jsonCharacter(out, c, digits, slash);
            } else {
                unicode(out, c, digits);
            }
        }
        return out.take();
    }

    private static void jsonCharacter(Output out, int c, byte[] digits, boolean slash) {
        int named = "\b\t\n\f\r\"\\".indexOf(c);
        if (named >= 0) {
            out.write('\\');
            out.write("btnfr\"\\".charAt(named));
        } else if (c < ' ') {
            unicode(out, c, digits);
        } else {
            if (slash && c == '/') {
                out.write('\\');
            }
            out.write(c);
        }
    }

    private static void unicode(Output out, int c, byte[] digits) {
        out.write('\\');
        out.write('u');
        for (int shift = 12; shift >= 0; shift -= 4) {
            out.write(digits[c >> shift & 0xf]);
        }
    }

    private static byte[] base64(byte[] secret, int lead, Base64.Encoder encoder) {
        byte[] padded = new byte[lead + secret.length];
        System.arraycopy(secret, 0, padded, lead, secret.length);
        byte[] text = encoder.encode(padded);
        byte[] form = Arrays.copyOfRange(text, UNKNOWN_IN_FRONT[lead], padded.length * 8 / 6);
        Arrays.fill(padded, (byte) 0);
        Arrays.fill(text, (byte) 0);
        return form;
    }

    private static byte[] hex(byte[] secret, byte[] digits) {
        byte[] form = new byte[2 * secret.length];
        for (int i = 0; i < secret.length; i++) {
            form[2 * i] = digits[secret[i] >> 4 & 0xf];
            form[2 * i + 1] = digits[secret[i] & 0xf];
        }
        return form;
    }

    private static byte[] percent(byte[] secret, byte[] digits, IntPredicate stays) {
        Output out = new Output(3 * secret.length);
        for (byte b : secret) {
            if (stays.test(b & 0xff)) {
                out.write(b);
            } else {
                out.percent(b, digits);
            }
        }
        return out.take();
    }

    /** {@code application/x-www-form-urlencoded}: a space is a plus sign. */
    private static byte[] form(byte[] secret, byte[] digits) {
        Output out = new Output(3 * secret.length);
        for (byte b : secret) {
            if (b == ' ') {
                out.write('+');
            } else if (isFormSafe(b & 0xff)) {
                out.write(b);
            } else {
                out.percent(b, digits);
            }
        }
        return out.take();
    }

    private static boolean isAlphanumeric(int c) {
        return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z';
    }

    /** What stands unescaped in a form; some encoders, OkHttp's for one, escape the space too. */
    private static boolean isFormSafe(int c) {
        return isAlphanumeric(c) || "*-._".indexOf(c) >= 0;
    }

    /** RFC 3986, section 2.3. */
    private static boolean isUnreserved(int c) {
        return isAlphanumeric(c) || "-._~".indexOf(c) >= 0;
    }

    /** What may stand unescaped in a path or query, and but for two signs in a segment: RFC 3986, sections 3.3 and 3.4. */
    private static boolean isPathOrQuery(int c) {
        return isUnreserved(c) || "!$&'()*+,;=:@/?".indexOf(c) >= 0;
    }

    /** Bytes that are wiped when they are taken. */
    private static final class Output extends ByteArrayOutputStream {

        Output(int size) {
            super(Math.max(16, size));
        }

        void percent(byte b, byte[] digits) {
            write('%');
            write(digits[b >> 4 & 0xf]);
            write(digits[b & 0xf]);
        }

        byte[] take() {
            byte[] bytes = toByteArray();
            Arrays.fill(buf, (byte) 0);
            return bytes;
        }
    }
}
