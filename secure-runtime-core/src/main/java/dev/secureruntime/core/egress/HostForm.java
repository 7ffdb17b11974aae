package dev.secureruntime.core.egress;

/** The form that a host is given in. Only clean names and canonical address literals are ever decided on. */
enum HostForm {
    /** Lower-case ASCII labels of letters, digits, {@code -} and {@code _}; the last one is no number. */
    NAME,
    /** May be an address literal; {@link AddressText} decides. */
    LITERAL,
    /** Anything that two parsers could take for two different hosts. */
    MALFORMED;

    static final int MAX_NAME = 253;
    static final int MAX_LABEL = 63;

    private static final byte[] FOREIGN = new byte[256];

    static {
        for (char c = 0; c < 256; c++) {
            boolean known = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
            FOREIGN[c] = (byte) (known ? 0 : 1);
        }
    }

    /** Not 0 for a character that no clean name has; without a branch. */
    static int foreign(char c) {
        return FOREIGN[c & 0xff] | c >>> 8;
    }

    /** Not 0 for a character that no label begins or ends with, though it is clean elsewhere. */
    static int edge(char c) {
        return c == '.' || c == '-' ? 1 : 0;
    }

    /**
     * Looks at each character once. A trailing dot, an empty label, an upper-case letter, a percent sign or anything
     * beyond ASCII makes a host malformed, and so does a last label that some parser takes for a number: decimal digits,
     * or {@code 0x} and hexadecimal digits.
     */
    static HostForm of(String host) {
        int length = host.length();
        if (length == 0 || length > MAX_NAME) {
            return MALFORMED;
        }
        int labelStart = 0;
        for (int i = 0; i < length; i++) {
            char c = host.charAt(i);
            if (c == '.') {
                if (!isLabel(host, labelStart, i)) {
                    return MALFORMED;
                }
                labelStart = i + 1;
            } else if (c == ':') {
                return LITERAL;
            } else if (foreign(c) != 0) {
                return MALFORMED;
            }
        }
        if (!isLabel(host, labelStart, length)) {
            return MALFORMED;
        }
        return isNumber(host, labelStart, length) ? LITERAL : NAME;
    }

    static boolean isLabel(String host, int start, int end) {
        int length = end - start;
        return length > 0 && length <= MAX_LABEL && host.charAt(start) != '-' && host.charAt(end - 1) != '-';
    }

    /** Whether some parser takes the text for a number: decimal digits, or {@code 0x} and hexadecimal digits. */
    static boolean isNumber(String host, int start, int end) {
        char first = host.charAt(start);
        if (first < '0' || first > '9') {
            return false;
        }
        boolean hex = first == '0' && end - start > 1 && host.charAt(start + 1) == 'x';
        for (int i = hex ? start + 2 : start; i < end; i++) {
            char c = host.charAt(i);
            if (!((c >= '0' && c <= '9') || (hex && c >= 'a' && c <= 'f'))) {
                return false;
            }
        }
        return true;
    }
}
