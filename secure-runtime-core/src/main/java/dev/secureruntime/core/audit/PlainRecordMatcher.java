package dev.secureruntime.core.audit;

/**
 * Recognizes records as writers mostly write them, eight bytes at a time, and leaves all others to {@link RecordParser}.
 *
 * <p>What it accepts, RecordParser accepts, with the same result: the tests compare the two. It doesn't know escapes and
 * bytes beyond ASCII, objects of more than sixteen members, counts of more than 18 digits, and types that are reserved for
 * the log. Names, type and second are mostly those of the record before; equal bytes need no second check.
 *
 * <p>Not thread-safe.
 */
final class PlainRecordMatcher {

    /** How many zero bytes must follow the last line, so that no check runs out of the array. */
    static final int SLACK = RecordParser.HASH_DIGITS + Swar.SLACK;

    private static final int MAX_DIGITS = 18;
    private static final int SECONDS = "2026-01-31T23:59:59.".length();
    private static final int MICROS = 6;
    private static final byte[] RESERVED = RecordParser.ascii(LogRecords.RESERVED);
    private static final byte[] BYTES = RecordParser.ascii("\":{\"bytes\":");
    private static final int NONE = -1;

    private final JsonCursor cursor = new JsonCursor();
    private final Names attributes = new Names();
    private final Names commitments = new Names();
    private byte[] line = new byte[0];
    private int secondFrom = NONE;
    private int typeFrom = NONE;
    private int typeLength;
    private long seq;
    private int prevFrom;
    private int at;

    /** Starts with other content of the buffer. */
    void reset(byte[] buffer) {
        line = buffer;
        secondFrom = NONE;
        typeFrom = NONE;
        attributes.known = 0;
        commitments.known = 0;
    }

    /** The place of the line feed behind the record that starts at {@code from}, or -1 when it is not a plain record. */
    int match(int from) {
        at = from;
        if (head()
                && (!skip(RecordParser.COMPONENT) || text())
                && (!skip(RecordParser.ATTRIBUTES) || attributes())
                && (!skip(RecordParser.COMMITMENTS) || commitments())
                && skip(RecordParser.PREV)
                && tail(from)) {
            return at;
        }
        // What is known of the record before was partly overwritten.
        reset(line);
        return NONE;
    }

    long seq() {
        return seq;
    }

    int prevFrom() {
        return prevFrom;
    }

    private boolean head() {
        // The first seven bytes, and whatever digit follows.
        if ((Swar.word(line, at) << 8) != (SEQ << 8)) {
            return false;
        }
        at += RecordParser.SEQ.length;
        seq = count();
        return seq >= 0 && skip(RecordParser.TIME) && time() && skip(RecordParser.TYPE) && type();
    }

    private static final long SEQ = Swar.word(RecordParser.ascii("{\"seq\":0"), 0);

    private boolean tail(int from) {
        prevFrom = at;
        if (!Swar.isHash(line, at)) {
            return false;
        }
        at += RecordParser.HASH_DIGITS;
        if (line[at] != '"' || line[at + 1] != '}' || line[at + 2] != '\n') {
            return false;
        }
        at += 2;
        return at - from <= RecordParser.MAX_BYTES;
    }

    private boolean skip(byte[] literal) {
        if (!Swar.same(line, at, literal, 0, literal.length)) {
            return false;
        }
        at += literal.length;
        return true;
    }

    private boolean skip(char literal) {
        if (line[at] != literal) {
            return false;
        }
        at++;
        return true;
    }

    /** The count, or -1. */
    private long count() {
        int from = at;
        long value = 0;
        int digit = line[at] - '0';
        while (digit >= 0 && digit <= 9 && at - from < MAX_DIGITS) {
            value = value * 10 + digit;
            digit = line[++at] - '0';
        }
        return at == from || line[from] == '0' && at - from > 1 ? NONE : value;
    }

    private boolean time() {
        int from = at;
        if (secondFrom >= 0 && Swar.same(line, from, line, secondFrom, SECONDS)) {
            at += SECONDS + MICROS + 1;
            secondFrom = from;
            return Swar.isSixDigits(line, from + SECONDS) && line[at - 1] == 'Z';
        }
        try {
            cursor.reset(line, at, at + StoredRecord.TIME_CHARACTERS);
            cursor.timestamp();
        } catch (MalformedRecordException e) {
            return false;
        }
        at = cursor.at();
        secondFrom = from;
        return true;
    }

    private boolean type() {
        int from = at;
        if (typeFrom >= 0 && Swar.sameText(line, from, typeFrom, typeLength)) {
            at += typeLength;
            typeFrom = from;
            return true;
        }
        try {
            cursor.reset(line, at, Math.min(at + RecordParser.MAX_TYPE + 1, line.length));
            cursor.dottedName();
        } catch (MalformedRecordException e) {
            return false;
        }
        at = cursor.at();
        typeLength = at - from;
        typeFrom = from;
        return !java.util.Arrays.equals(line, from, from + RESERVED.length, RESERVED, 0, RESERVED.length);
    }

    /** The rest of a string, with its closing quote. */
    private boolean text() {
        at = Swar.endOfPlainText(line, at) + 1;
        return line[at - 1] == '"';
    }

    private boolean attributes() {
        if (skip('}')) {
            return true;
        }
        attributes.begin();
        do {
            if (!skip('"') || !name(attributes) || !skip(':') || !value()) {
                return false;
            }
        } while (skip(','));
        attributes.known = attributes.count;
        return skip('}');
    }

    private boolean commitments() {
        if (skip('}')) {
            return true;
        }
        commitments.begin();
        do {
            if (!skip('"') || !name(commitments)) {
                return false;
            }
            at--;
            if (!skip(BYTES) || count() < 0 || !skip(RecordParser.SHA256) || !Swar.isHash(line, at)) {
                return false;
            }
            at += RecordParser.HASH_DIGITS;
            if (!skip('"') || !skip('}')) {
                return false;
            }
        } while (skip(','));
        commitments.known = commitments.count;
        return skip('}');
    }

    /** The rest of a name, with its closing quote, that is not one of those before it in the object. */
    private boolean name(Names names) {
        int from = at;
        if (names.count == Names.MAX) {
            return false;
        }
        int length = names.expected(line, from);
        if (length > 0) {
            at += length;
        } else {
            length = text() ? at - from : 0;
            if (length == 0 || names.holds(line, from, length)) {
                return false;
            }
        }
        names.add(from, length);
        return true;
    }

    private boolean value() {
        switch (line[at]) {
            case '"':
                at++;
                return text();
            case '[':
                at++;
                return texts();
            case 't':
                return skip('t') && skip('r') && skip('u') && skip('e');
            case 'f':
                return skip('f') && skip('a') && skip('l') && skip('s') && skip('e');
            default:
                return number();
        }
    }

    private boolean texts() {
        if (skip(']')) {
            return true;
        }
        do {
            if (!skip('"') || !text()) {
                return false;
            }
        } while (skip(','));
        return skip(']');
    }

    private boolean number() {
        skip('-');
        if (!skip('0') && !digits()) {
            return false;
        }
        if (skip('.') && !digits()) {
            return false;
        }
        if (skip('e') || skip('E')) {
            if (!skip('+')) {
                skip('-');
            }
            return digits();
        }
        return true;
    }

    private boolean digits() {
        int from = at;
        while (line[at] >= '0' && line[at] <= '9') {
            at++;
        }
        return at > from;
    }

    /** The names of an object's members, with their closing quotes, and behind them those of the object before. */
    private static final class Names {
        private static final int MAX = 16;

        private final int[] from = new int[MAX];
        private final int[] length = new int[MAX];
        private int count;
        private int known;
        /** Whether all names so far are those of the object before, and so distinct. */
        private boolean repeated;

        void begin() {
            count = 0;
            repeated = true;
        }

        /** The length of the name at {@code at} if it is the one that stood here in the object before, otherwise 0. */
        int expected(byte[] line, int at) {
            if (repeated && count < known) {
                int size = length[count];
                if (Swar.sameText(line, at, from[count], size)) {
                    return size;
                }
            }
            repeated = false;
            return 0;
        }

        boolean holds(byte[] line, int at, int size) {
            for (int i = 0; i < count; i++) {
                if (length[i] == size && Swar.sameText(line, at, from[i], size)) {
                    return true;
                }
            }
            return false;
        }

        void add(int at, int size) {
            from[count] = at;
            length[count++] = size;
        }
    }
}
