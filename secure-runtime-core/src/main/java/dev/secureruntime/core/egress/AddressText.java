package dev.secureruntime.core.egress;

import org.jspecify.annotations.Nullable;

/**
 * Text of addresses: IPv4 in dotted decimals without leading zeros, IPv6 as RFC 4291 writes it and RFC 5952 prints it,
 * without brackets and without a zone. Nothing is ever looked up.
 */
final class AddressText {

    private AddressText() {}

    /** The address, if the text is exactly how this class would print it; otherwise null. */
    static byte @Nullable [] parseCanonical(String text) {
        byte[] address = text.indexOf(':') >= 0 ? parseIpv6(text) : parseIpv4(text);
        return address != null && print(address).equals(text) ? address : null;
    }

    /** Four decimal numbers of 0 to 255 without leading zeros, otherwise null. */
    static byte @Nullable [] parseIpv4(String text) {
        byte[] address = new byte[4];
        return parseIpv4(text, 0, address, 0) ? address : null;
    }

    private static boolean parseIpv4(String text, int start, byte[] into, int at) {
        int position = start;
        for (int part = 0; part < 4; part++) {
            if (part > 0) {
                if (position >= text.length() || text.charAt(position) != '.') {
                    return false;
                }
                position++;
            }
            int first = position;
            int value = 0;
            while (position < text.length() && isDigit(text.charAt(position)) && position - first < 3) {
                value = value * 10 + (text.charAt(position) - '0');
                position++;
            }
            boolean leadingZero = position - first > 1 && text.charAt(first) == '0';
            if (position == first || leadingZero || value > 255) {
                return false;
            }
            into[at + part] = (byte) value;
        }
        return position == text.length();
    }

    /** Any IPv6 text of RFC 4291 section 2.2, otherwise null. */
    static byte @Nullable [] parseIpv6(String text) {
        byte[] address = new byte[16];
        int filled = 0;
        int gap = -1;
        int position = 0;
        if (text.startsWith("::")) {
            gap = 0;
            position = 2;
        }
        while (position < text.length()) {
            if (filled == 16) {
                return null;
            }
            int end = position;
            int value = 0;
            while (end < text.length() && Character.digit(text.charAt(end), 16) >= 0 && text.charAt(end) < 0x80) {
                value = value << 4 | Character.digit(text.charAt(end), 16);
                end++;
                if (end - position > 4) {
                    return null;
                }
            }
            if (end < text.length() && text.charAt(end) == '.') {
                if (filled > 12 || !parseIpv4(text, position, address, filled)) {
                    return null;
                }
                filled += 4;
                break;
            }
            if (end == position) {
                return null;
            }
            address[filled++] = (byte) (value >> 8);
            address[filled++] = (byte) value;
            if (end == text.length()) {
                break;
            }
            if (text.charAt(end) != ':' || end + 1 == text.length()) {
                return null;
            }
            position = end + 1;
            if (text.charAt(position) == ':') {
                if (gap >= 0) {
                    return null;
                }
                gap = filled;
                position++;
            }
        }
        if (gap < 0) {
            return filled == 16 ? address : null;
        }
        if (filled > 14) {
            return null;
        }
        byte[] spread = new byte[16];
        System.arraycopy(address, 0, spread, 0, gap);
        System.arraycopy(address, gap, spread, 16 - (filled - gap), filled - gap);
        return spread;
    }

    /** The canonical text; IPv6 in the form of RFC 5952 with hexadecimal groups only, as WHATWG URL prints it. */
    static String print(byte[] address) {
        if (address.length == 4) {
            return (address[0] & 0xff) + "." + (address[1] & 0xff) + "." + (address[2] & 0xff) + "."
                    + (address[3] & 0xff);
        }
        int[] groups = new int[8];
        for (int i = 0; i < 8; i++) {
            groups[i] = (address[2 * i] & 0xff) << 8 | (address[2 * i + 1] & 0xff);
        }
        int gap = -1;
        int gapLength = 1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && groups[end] == 0) {
                end++;
            }
            if (end - i > gapLength) {
                gap = i;
                gapLength = end - i;
            }
        }
        StringBuilder text = new StringBuilder(39);
        for (int i = 0; i < 8; i++) {
            if (i == gap) {
                text.append("::");
                i += gapLength - 1;
                continue;
            }
            if (i > 0 && text.charAt(text.length() - 1) != ':') {
                text.append(':');
            }
            text.append(Integer.toHexString(groups[i]));
        }
        return text.toString();
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
