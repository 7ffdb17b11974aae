package dev.secureruntime.core.audit.format;

/**
 * Where in one plain record, of those in a buffer, the values stand: what lies between them is the same in most records that
 * follow, and so are many values. A record whose every other byte is that of the shape's has its form too, and the same names.
 *
 * <p>Not thread-safe.
 */
final class RecordShape {

    /** A component, 16 attributes, and size and hash of 16 commitments. */
    private static final int MAX_VALUES = 1 + 16 + 2 * 16;

    /** What may stand in a place. */
    enum Value {
        /** A quoted text. */
        TEXT,
        /** What an attribute can hold. */
        ATTRIBUTE,
        COUNT,
        /** 64 hexadecimal digits. */
        HASH
    }

    private final Value[] kinds = new Value[MAX_VALUES];
    private final int[] starts = new int[MAX_VALUES];
    private final int[] ends = new int[MAX_VALUES];
    private int count;
    private int from;
    private int to;

    /** Forgets what the buffer held before. */
    void clear() {
        to = 0;
    }

    boolean isKnown() {
        return to > 0;
    }

    /** Starts with another record, whose type stands at {@code place}. */
    void begin(int place) {
        to = 0;
        count = 0;
        from = place;
    }

    void add(Value kind, int start, int end) {
        kinds[count] = kind;
        starts[count] = start;
        ends[count++] = end;
    }

    /** The record is plain, up to the digits of the hash of the record before, which stand at {@code place}. */
    void complete(int place) {
        to = place;
    }

    int from() {
        return from;
    }

    int to() {
        return to;
    }

    /** The first value from {@code value} on that doesn't end, with the byte behind it, before {@code place}. */
    int firstBehind(int value, int place) {
        int next = value;
        while (next < count && ends[next] < place) {
            next++;
        }
        return next;
    }

    boolean has(int value) {
        return value < count;
    }

    Value kind(int value) {
        return kinds[value];
    }

    int start(int value) {
        return starts[value];
    }

    int end(int value) {
        return ends[value];
    }
}
