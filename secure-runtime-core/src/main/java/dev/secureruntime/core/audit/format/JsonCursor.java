package dev.secureruntime.core.audit.format;

/**
 * Walks over the tokens of a record's line and refuses what is not strict JSON (RFC 8259) in UTF-8 (RFC 3629).
 *
 * <p>Not thread-safe.
 */
final class JsonCursor {

    private static final int[] DAYS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    private byte[] buffer = new byte[0];
    private int start;
    private int end;
    private int at;

    /** Starts at another line. */
    void reset(byte[] buffer, int from, int to) {
        this.buffer = buffer;
        this.start = from;
        this.end = to;
        this.at = from;
    }

    int at() {
        return at;
    }

    MalformedRecordException malformed(String expected) {
        return new MalformedRecordException("expected " + expected, at - start);
    }

    private int peek() {
        return at < end ? buffer[at] : -1000;
    }

    void expect(byte[] literal) throws MalformedRecordException {
        if (!skip(literal)) {
            throw malformed(new String(literal, java.nio.charset.StandardCharsets.US_ASCII));
        }
    }

    void expect(char literal) throws MalformedRecordException {
        if (!skip(literal)) {
            throw malformed("'" + literal + "'");
        }
    }

    boolean skip(byte[] literal) {
        if (end - at < literal.length) {
            return false;
        }
        for (int i = 0; i < literal.length; i++) {
            if (buffer[at + i] != literal[i]) {
                return false;
            }
        }
        at += literal.length;
        return true;
    }

    boolean skip(char literal) {
        if (peek() != literal) {
            return false;
        }
        at++;
        return true;
    }

    /** After a member or an element: true for a comma, false for {@code close}. */
    boolean more(char close) throws MalformedRecordException {
        if (skip(',')) {
            return true;
        }
        expect(close);
        return false;
    }

    void end() throws MalformedRecordException {
        if (at != end) {
            throw malformed("the end of the line");
        }
    }

    /** An integer from 0 to 2^63-1, without leading zeros. */
    long count() throws MalformedRecordException {
        int first = peek();
        if (first < '0' || first > '9') {
            throw malformed("a count");
        }
        at++;
        long value = first - '0';
        if (value == 0) {
            return 0;
        }
        while (peek() >= '0' && peek() <= '9') {
            int digit = buffer[at] - '0';
            if (value > (Long.MAX_VALUE - digit) / 10) {
                throw malformed("a count below 2^63");
            }
            value = value * 10 + digit;
            at++;
        }
        return value;
    }

    /** RFC 3339 in UTC with microseconds; consumes 27 characters, not the quote. */
    void timestamp() throws MalformedRecordException {
        int year = digits(4, '-');
        int month = digits(2, '-');
        int day = digits(2, 'T');
        int hour = digits(2, ':');
        int minute = digits(2, ':');
        int second = digits(2, '.');
        digits(6, 'Z');
        if (month < 1 || month > 12 || day < 1 || day > days(year, month) || hour > 23 || minute > 59 || second > 59) {
            throw malformed("a time that exists");
        }
    }

    private static int days(int year, int month) {
        boolean leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return month == 2 && leap ? 29 : DAYS[month - 1];
    }

    private int digits(int count, char after) throws MalformedRecordException {
        int value = 0;
        for (int i = 0; i < count; i++) {
            int c = peek();
            if (c < '0' || c > '9') {
                throw malformed("a time like 2026-01-31T23:59:59.000000Z");
            }
            value = value * 10 + c - '0';
            at++;
        }
        expect(after);
        return value;
    }

    /** Names of ASCII letters, digits, '_' and '-', separated by dots; consumes the closing quote. */
    void dottedName() throws MalformedRecordException {
        int from = at;
        int part = 0;
        while (true) {
            int c = peek();
            if (isNameCharacter(c)) {
                part++;
            } else if (part > 0 && c == '.') {
                part = 0;
            } else if (part > 0 && c == '"' && at - from <= RecordParser.MAX_TYPE) {
                at++;
                return;
            } else {
                throw malformed("a dotted name of letters, digits, '_' and '-'");
            }
            at++;
        }
    }

    static boolean isNameCharacter(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-';
    }

    /** 64 lower-case hexadecimal digits. */
    void hash() throws MalformedRecordException {
        for (int i = 0; i < RecordParser.HASH_DIGITS; i++) {
            if (Hex.value(peek()) < 0) {
                throw malformed("64 lower-case hexadecimal digits");
            }
            at++;
        }
    }

    /** What an attribute can hold: text, a number, a truth value, or a list of texts. */
    void value() throws MalformedRecordException {
        int c = peek();
        if (c == '"') {
            at++;
            string();
        } else if (c == '-' || c >= '0' && c <= '9') {
            number();
        } else if (c == '[') {
            at++;
            texts();
        } else if (!skip(TRUE) && !skip(FALSE)) {
            throw malformed("a text, a number, true, false or a list of texts");
        }
    }

    private static final byte[] TRUE = RecordParser.ascii("true");
    private static final byte[] FALSE = RecordParser.ascii("false");

    private void texts() throws MalformedRecordException {
        if (skip(']')) {
            return;
        }
        do {
            expect('"');
            string();
        } while (more(']'));
    }

    private void number() throws MalformedRecordException {
        skip('-');
        if (!skip('0')) {
            digitRun();
        }
        if (skip('.')) {
            digitRun();
        }
        if (skip('e') || skip('E')) {
            if (!skip('+')) {
                skip('-');
            }
            digitRun();
        }
    }

    private void digitRun() throws MalformedRecordException {
        int from = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (at == from) {
            throw malformed("a digit");
        }
    }

    /** The rest of a string, with its closing quote; true when it holds an escape. */
    boolean string() throws MalformedRecordException {
        boolean escaped = false;
        while (true) {
            // Local names: this loop passes over most of the bytes of a log.
            byte[] bytes = buffer;
            int i = at;
            int stop = end;
            while (i < stop && bytes[i] >= ' ' && bytes[i] != '"' && bytes[i] != '\\') {
                i++;
            }
            at = i;
            if (i == stop) {
                break;
            }
            int c = bytes[i];
            if (c == '"') {
                at++;
                return escaped;
            } else if (c == '\\') {
                at++;
                escape();
                escaped = true;
            } else if (c < 0) {
                multibyte(c & 0xff);
            } else {
                throw malformed("no control character in a string");
            }
        }
        throw malformed("a closing quote");
    }

    private void escape() throws MalformedRecordException {
        int c = peek();
        at++;
        switch (c) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> {}
            case 'u' -> {
                int unit = unit();
                if (unit >= 0xd800 && unit < 0xe000) {
                    boolean paired = unit < 0xdc00 && skip('\\') && skip('u');
                    int low = paired ? unit() : 0;
                    if (low < 0xdc00 || low > 0xdfff) {
                        throw malformed("no unpaired surrogate");
                    }
                }
            }
            default -> throw malformed("an escape of JSON");
        }
    }

    private int unit() throws MalformedRecordException {
        int value = 0;
        for (int i = 0; i < 4; i++) {
            int c = peek();
            int digit = Hex.value(c >= 'A' && c <= 'F' ? c + 32 : c);
            if (digit < 0) {
                throw malformed("four hexadecimal digits");
            }
            value = value << 4 | digit;
            at++;
        }
        return value;
    }

    private void multibyte(int lead) throws MalformedRecordException {
        int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        // The first continuation byte's range excludes overlong forms, surrogates and what lies above U+10FFFF.
        int low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        int high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (lead < 0xc2 || lead > 0xf4 || end - at <= more) {
            throw malformed("valid UTF-8");
        }
        for (int i = 1; i <= more; i++) {
            int c = buffer[at + i] & 0xff;
            if (c < (i == 1 ? low : 0x80) || c > (i == 1 ? high : 0xbf)) {
                throw malformed("valid UTF-8");
            }
        }
        at += more + 1;
    }
}
