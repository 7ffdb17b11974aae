package dev.secureruntime.core.audit.format;

/**
 * Recognizes records as writers mostly write them, eight bytes at a time, and leaves all others to {@link RecordParser}.
 *
 * <p>What it accepts, RecordParser accepts, with the same result: the tests compare the two. It doesn't know escapes and
 * bytes beyond ASCII, objects of more than sixteen members, counts of more than 18 digits, and types that are reserved for
 * the log. Most records have the shape of one before them; bytes that are equal to such a record's need no second check.
 *
 * <p>Not thread-safe.
 */
public final class PlainRecordMatcher {

    /** How many zero bytes must follow the last line, so that no check runs out of the array. */
    public static final int SLACK = RecordParser.HASH_DIGITS + Swar.SLACK;

    private static final int MAX_DIGITS = 18;
    private static final int SECONDS = "2026-01-31T23:59:59.".length();
    private static final int MICROS = 6;
    private static final byte[] RESERVED = RecordParser.ascii(RecordParser.RESERVED);
    private static final byte[] BYTES = RecordParser.ascii(":{\"bytes\":");
    private static final long SEQ = Swar.word(RecordParser.ascii("{\"seq\":0"), 0);
    private static final int NONE = -1;

    private static final int SHAPES = 8;

    private final JsonCursor cursor = new JsonCursor();
    private final Names names = new Names();
    private final RecordShape[] shapes = new RecordShape[SHAPES];
    private byte[] line = new byte[0];
    private int secondFrom = NONE;
    private long seq;
    private int prevFrom;
    private int at;

    public PlainRecordMatcher() {
        java.util.Arrays.setAll(shapes, i -> new RecordShape());
    }

    /** Starts with other content of the buffer. */
    public void reset(byte[] buffer) {
        line = buffer;
        secondFrom = NONE;
        for (RecordShape shape : shapes) {
            shape.clear();
        }
    }

    /** The place of the line feed behind the record that starts at {@code from}, or -1 when it is not a plain record. */
    public int match(int from) {
        return body(from) && Swar.isHash(line, prevFrom) && tail(from) ? at : NONE;
    }

    /** The same, for a record that names the hash at {@code hash} as that of the record before. */
    public int matchAfter(byte[] hashes, int hash, int from) {
        return body(from) && Swar.isHexOf(line, prevFrom, hashes, hash) && tail(from) ? at : NONE;
    }

    /** All up to the hash of the record before. */
    private boolean body(int from) {
        at = from;
        if (!head()) {
            return false;
        }
        int type = at;
        RecordShape shape = shapes[slot(type)];
        if (!shape.isKnown() || !isLike(shape)) {
            at = type;
            shape.begin(type);
            if (!members(shape)) {
                return false;
            }
            shape.complete(at);
        }
        prevFrom = at;
        return true;
    }

    /** Records of different types mostly have different shapes. */
    private int slot(int type) {
        return (int) (Swar.word(line, type) * 0x9e37_79b9_7f4a_7c15L >>> 61);
    }

    private boolean isLike(RecordShape shape) {
        int place = shape.from();
        int value = 0;
        while (true) {
            int same = Swar.common(line, at, place, shape.to());
            value = shape.firstBehind(value, place + same);
            int next = shape.has(value) ? shape.start(value) : shape.to();
            if (next > place + same) {
                return false;
            }
            at += next - place;
            if (!shape.has(value)) {
                return true;
            }
            if (!value(shape.kind(value))) {
                return false;
            }
            place = shape.end(value);
            value++;
        }
    }

    private boolean value(RecordShape.Value kind) {
        switch (kind) {
            case TEXT:
                return skip('"') && text();
            case ATTRIBUTE:
                return value();
            case COUNT:
                return count() >= 0;
            default:
                return hash();
        }
    }

    private boolean members(RecordShape shape) {
        return type()
                && (!skip(RecordParser.COMPONENT) || component(shape))
                && (!skip(RecordParser.ATTRIBUTES) || attributes(shape))
                && (!skip(RecordParser.COMMITMENTS) || commitments(shape))
                && skip(RecordParser.PREV);
    }

    public long seq() {
        return seq;
    }

    public int prevFrom() {
        return prevFrom;
    }

    private boolean head() {
        // The first seven bytes, and whatever digit follows.
        if ((Swar.word(line, at) << 8) != (SEQ << 8)) {
            return false;
        }
        at += RecordParser.SEQ.length;
        seq = count();
        return seq >= 0 && skip(RecordParser.TIME) && time() && skip(RecordParser.TYPE);
    }

    private boolean tail(int from) {
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
        try {
            cursor.reset(line, at, Math.min(at + RecordParser.MAX_TYPE + 1, line.length));
            cursor.dottedName();
        } catch (MalformedRecordException e) {
            return false;
        }
        at = cursor.at();
        return !java.util.Arrays.equals(line, from, from + RESERVED.length, RESERVED, 0, RESERVED.length);
    }

    /** The rest of a string, with its closing quote. */
    private boolean text() {
        at = Swar.endOfPlainText(line, at) + 1;
        return line[at - 1] == '"';
    }

    private boolean component(RecordShape shape) {
        int quote = at - 1;
        boolean good = text();
        shape.add(RecordShape.Value.TEXT, quote, at);
        return good;
    }

    private boolean attributes(RecordShape shape) {
        if (skip('}')) {
            return true;
        }
        names.clear();
        do {
            if (!name() || !skip(':')) {
                return false;
            }
            int from = at;
            if (!value()) {
                return false;
            }
            shape.add(RecordShape.Value.ATTRIBUTE, from, at);
        } while (skip(','));
        return skip('}');
    }

    private boolean commitments(RecordShape shape) {
        if (skip('}')) {
            return true;
        }
        names.clear();
        do {
            if (!name() || !skip(BYTES)) {
                return false;
            }
            int from = at;
            if (count() < 0) {
                return false;
            }
            shape.add(RecordShape.Value.COUNT, from, at);
            if (!skip(RecordParser.SHA256) || !hash()) {
                return false;
            }
            shape.add(RecordShape.Value.HASH, at - RecordParser.HASH_DIGITS, at);
            if (!skip('"') || !skip('}')) {
                return false;
            }
        } while (skip(','));
        return skip('}');
    }

    private boolean hash() {
        at += RecordParser.HASH_DIGITS;
        return Swar.isHash(line, at - RecordParser.HASH_DIGITS);
    }

    /** A quoted name that is not one of those before it in the object. */
    private boolean name() {
        if (!skip('"')) {
            return false;
        }
        int from = at;
        return text() && names.add(line, from, at - from);
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

    /** The names of an object's members, with their closing quotes. */
    private static final class Names {
        private static final int MAX = 16;

        private final int[] from = new int[MAX];
        private final int[] length = new int[MAX];
        private int count;

        void clear() {
            count = 0;
        }

        /** Adds a name, unless it is one of them, or one too many. */
        boolean add(byte[] line, int at, int size) {
            if (count == MAX) {
                return false;
            }
            for (int i = 0; i < count; i++) {
                if (length[i] == size && Swar.sameText(line, at, from[i], size)) {
                    return false;
                }
            }
            from[count] = at;
            length[count++] = size;
            return true;
        }
    }
}
