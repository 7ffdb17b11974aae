package dev.secureruntime.core.audit.format;

import java.nio.charset.StandardCharsets;

/**
 * Reads one line of a segment and accepts exactly what the format allows:
 *
 * <pre>
 *   {"seq":N,"time":"YYYY-MM-DDTHH:MM:SS.ffffffZ","type":"dotted.name"
 *     [,"component":"text"]
 *     [,"attributes":{"name":text | number | true | false | ["text",...], ...}]
 *     [,"commitments":{"name":{"bytes":N,"sha256":"64 hex"}, ...}]
 *     ,"prev":"64 hex"}
 * </pre>
 *
 * <p>in one line without white space outside strings, at most {@value #MAX_BYTES} bytes, valid UTF-8, no duplicate names,
 * no unpaired surrogate, JSON's number grammar (RFC 8259). It remembers where the parts stand in the buffer; nothing is
 * copied. Not thread-safe.
 */
public final class RecordParser {

    public static final int MAX_BYTES = 65_535;
    /** What the types of the log's own records begin with; no one else may use it. */
    public static final String RESERVED = "log.";

    static final byte[] SEQ = ascii("{\"seq\":");
    static final byte[] TIME = ascii(",\"time\":\"");
    static final byte[] TYPE = ascii("\",\"type\":\"");
    static final byte[] COMPONENT = ascii(",\"component\":\"");
    static final byte[] ATTRIBUTES = ascii(",\"attributes\":{");
    static final byte[] COMMITMENTS = ascii(",\"commitments\":{");
    static final byte[] BYTES = ascii("{\"bytes\":");
    static final byte[] SHA256 = ascii(",\"sha256\":\"");
    static final byte[] PREV = ascii(",\"prev\":\"");
    static final byte[] END = ascii("\"}");
    public static final int HASH_DIGITS = 2 * TreeHasher.BYTES;
    static final int MAX_TYPE = 255;

    private final NameSet names = new NameSet();
    private byte[] buffer = new byte[0];
    private final JsonCursor cursor = new JsonCursor();

    private long seq;
    private int timeFrom;
    private int typeFrom;
    private int typeTo;
    private int componentFrom;
    private int componentTo;
    private int attributesFrom;
    private int commitmentsFrom;
    private int prevFrom;

    public static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Reads the line, given without its line feed. What was read is valid until the buffer changes. */
    public void parse(byte[] line, int from, int length) throws MalformedRecordException {
        if (length > MAX_BYTES) {
            throw new MalformedRecordException("a record has at most 65,535 bytes, not " + length, MAX_BYTES);
        }
        buffer = line;
        cursor.reset(line, from, from + length);
        cursor.expect(SEQ);
        seq = cursor.count();
        cursor.expect(TIME);
        timeFrom = cursor.at();
        cursor.timestamp();
        cursor.expect(TYPE);
        typeFrom = cursor.at();
        cursor.dottedName();
        typeTo = cursor.at() - 1;
        componentFrom = -1;
        if (cursor.skip(COMPONENT)) {
            componentFrom = cursor.at();
            cursor.string();
            componentTo = cursor.at() - 1;
        }
        attributesFrom = -1;
        if (cursor.skip(ATTRIBUTES)) {
            attributesFrom = cursor.at();
            attributes();
        }
        commitmentsFrom = -1;
        if (cursor.skip(COMMITMENTS)) {
            commitmentsFrom = cursor.at();
            commitments();
        }
        cursor.expect(PREV);
        prevFrom = cursor.at();
        cursor.hash();
        cursor.expect(END);
        cursor.end();
    }

    private void attributes() throws MalformedRecordException {
        names.clear();
        if (cursor.skip('}')) {
            return;
        }
        do {
            name();
            cursor.value();
        } while (cursor.more('}'));
    }

    private void commitments() throws MalformedRecordException {
        names.clear();
        if (cursor.skip('}')) {
            return;
        }
        do {
            name();
            cursor.expect(BYTES);
            cursor.count();
            cursor.expect(SHA256);
            cursor.hash();
            cursor.expect(END);
        } while (cursor.more('}'));
    }

    private void name() throws MalformedRecordException {
        cursor.expect('"');
        int from = cursor.at();
        boolean escaped = cursor.string();
        if (!names.add(buffer, from, cursor.at() - 1, escaped)) {
            throw cursor.malformed("no member name twice, but the one before");
        }
        cursor.expect(':');
    }

    public long seq() {
        return seq;
    }

    /** Whether the record's type is {@code name}, in ASCII. */
    public boolean isType(byte[] name) {
        return java.util.Arrays.equals(buffer, typeFrom, typeTo, name, 0, name.length);
    }

    /** Whether the record is one that only the log itself writes. */
    public boolean isReserved() {
        return typeTo - typeFrom >= 4
                && buffer[typeFrom] == 'l'
                && buffer[typeFrom + 1] == 'o'
                && buffer[typeFrom + 2] == 'g'
                && buffer[typeFrom + 3] == '.';
    }

    /** Whether the record names {@code hash} as that of the record before. */
    public boolean follows(byte[] hash) {
        return Hex.matches(buffer, prevFrom, hash);
    }

    /** Where the digits of the hash of the record before stand. */
    public int prevFrom() {
        return prevFrom;
    }

    /** The parsed record as values, copied out of the buffer. */
    public StoredRecord record() {
        return StoredRecord.read(
                buffer,
                seq,
                timeFrom,
                typeFrom,
                typeTo,
                componentFrom,
                componentTo,
                attributesFrom,
                commitmentsFrom,
                prevFrom);
    }
}
