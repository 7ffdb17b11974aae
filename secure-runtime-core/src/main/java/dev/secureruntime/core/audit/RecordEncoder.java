package dev.secureruntime.core.audit;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.Commitment;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;

/**
 * Writes records as lines into a buffer that is used again and again; the counterpart of {@link RecordParser}, which
 * accepts every line that this writes.
 *
 * <p>The hash of the record before is left as a gap of 64 bytes: only the writer thread knows it. Not thread-safe.
 */
final class RecordEncoder {

    /** The room that one line can take: a record and its line feed, and what is written before the limit is noticed. */
    static final int ROOM = RecordParser.MAX_BYTES + 64;

    private static final byte[] HEX = RecordParser.ascii("0123456789abcdef");
    private static final byte[] UNICODE = RecordParser.ascii("\\u00");
    private static final int[] TIME_DIGITS = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};

    private final byte[] time = RecordParser.ascii("0000-00-00T00:00:00.000000Z");
    private long timeSecond = Long.MIN_VALUE;

    private byte[] buffer = time;
    private int at;
    private int limit;

    /**
     * Writes the line with its line feed.
     *
     * @return the offset behind the line feed
     * @throws SecureRuntimeException {@code SR-AUDIT-003} when the event breaks the format's rules; what was written behind
     *     {@code from} is then void
     */
    int encode(byte[] target, int from, long seq, Instant now, AuditEvent event) {
        buffer = target;
        at = from;
        // The line feed is not part of the record.
        limit = from + RecordParser.MAX_BYTES;
        raw(RecordParser.SEQ);
        number(seq);
        raw(RecordParser.TIME);
        time(now);
        raw(RecordParser.TYPE);
        dottedName(event.type());
        put('"');
        if (event.component().isPresent()) {
            raw(RecordParser.COMPONENT);
            text(event.component().get());
            put('"');
        }
        if (!event.attributes().isEmpty()) {
            raw(RecordParser.ATTRIBUTES);
            attributes(event.attributes());
            put('}');
        }
        if (!event.commitments().isEmpty()) {
            raw(RecordParser.COMMITMENTS);
            commitments(event.commitments());
            put('}');
        }
        raw(RecordParser.PREV);
        room(RecordParser.HASH_DIGITS);
        at += RecordParser.HASH_DIGITS;
        raw(RecordParser.END);
        buffer[at++] = '\n';
        return at;
    }

    /** The offset of the gap for the hash in the line that ends (behind its line feed) at {@code end}. */
    static int prevOffset(int end) {
        return end - 1 - RecordParser.END.length - RecordParser.HASH_DIGITS;
    }

    /** The offset of 64 digits that are the value of the line's last attribute, in a line without commitments. */
    static int lastAttributeHashOffset(int end) {
        return prevOffset(end) - RecordParser.PREV.length - RecordParser.END.length - RecordParser.HASH_DIGITS;
    }

    private void attributes(Map<String, Attribute> attributes) {
        int start = at;
        // Not by entries: in a map that can't be changed, each is an object made for the purpose.
        attributes.forEach((name, value) -> {
            name(name, at == start);
            value(name, value);
        });
    }

    private void value(String name, Attribute value) {
        if (value instanceof Attribute.Text text) {
            quoted(text.value());
        } else if (value instanceof Attribute.Whole whole) {
            number(whole.value());
        } else if (value instanceof Attribute.Decimal decimal) {
            if (!Double.isFinite(decimal.value())) {
                throw rejected("attribute " + name + " is not a finite number");
            }
            raw(RecordParser.ascii(Double.toString(decimal.value())));
        } else if (value instanceof Attribute.Flag flag) {
            raw(RecordParser.ascii(Boolean.toString(flag.value())));
        } else if (value instanceof Attribute.Texts texts) {
            texts(texts.values());
        }
    }

    private void texts(List<String> values) {
        put('[');
        for (int i = 0; i < values.size(); i++) {
            if (i > 0) {
                put(',');
            }
            quoted(values.get(i));
        }
        put(']');
    }

    private void commitments(Map<String, Commitment> commitments) {
        boolean first = true;
        for (Map.Entry<String, Commitment> entry : commitments.entrySet()) {
            name(entry.getKey(), first);
            Commitment commitment = entry.getValue();
            byte[] hash = RecordParser.ascii(commitment.sha256());
            if (commitment.bytes() < 0 || hash.length != RecordParser.HASH_DIGITS || !Swar.isHash(hash, 0)) {
                throw rejected("commitment " + entry.getKey() + " needs a size and 64 lower-case hexadecimal digits");
            }
            raw(RecordParser.BYTES);
            number(commitment.bytes());
            raw(RecordParser.SHA256);
            raw(hash);
            raw(RecordParser.END);
            first = false;
        }
    }

    private void name(String name, boolean first) {
        if (!first) {
            put(',');
        }
        quoted(name);
        put(':');
    }

    private void quoted(String text) {
        put('"');
        text(text);
        put('"');
    }

    private void text(String text) {
        int length = text.length();
        room(length);
        for (int i = plain(text); i < length; i++) {
            char c = text.charAt(i);
            if (c >= ' ' && c < 0x80 && c != '"' && c != '\\') {
                put(c);
            } else if (c >= 0x80) {
                i += multibyte(text, i, c);
            } else {
                escape(c);
            }
        }
    }

    /** Writes the characters that stand for themselves, up to the first that doesn't; there is room for them. */
    private int plain(String text) {
        byte[] target = buffer;
        int to = at;
        int i = 0;
        for (; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c >= 0x80 || c == '"' || c == '\\') {
                break;
            }
            target[to++] = (byte) c;
        }
        at = to;
        return i;
    }

    /** Writes the code point that starts at {@code i}; returns how many more characters it took. */
    private int multibyte(String text, int i, char c) {
        if (c < 0x800) {
            put(0xc0 | c >> 6);
            put(0x80 | c & 0x3f);
            return 0;
        }
        if (!Character.isSurrogate(c)) {
            put(0xe0 | c >> 12);
            put(0x80 | c >> 6 & 0x3f);
            put(0x80 | c & 0x3f);
            return 0;
        }
        if (Character.isLowSurrogate(c) || i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1))) {
            throw rejected("a text holds an unpaired surrogate (U+" + Integer.toHexString(c) + ")");
        }
        int point = Character.toCodePoint(c, text.charAt(i + 1));
        put(0xf0 | point >> 18);
        put(0x80 | point >> 12 & 0x3f);
        put(0x80 | point >> 6 & 0x3f);
        put(0x80 | point & 0x3f);
        return 1;
    }

    private void escape(char c) {
        switch (c) {
            case '"', '\\' -> shortEscape(c);
            case '\b' -> shortEscape('b');
            case '\f' -> shortEscape('f');
            case '\n' -> shortEscape('n');
            case '\r' -> shortEscape('r');
            case '\t' -> shortEscape('t');
            default -> {
                raw(UNICODE);
                put(HEX[c >> 4]);
                put(HEX[c & 0xf]);
            }
        }
    }

    private void shortEscape(char c) {
        put('\\');
        put(c);
    }

    private void dottedName(String type) {
        int part = 0;
        for (int i = 0; i < type.length(); i++) {
            char c = type.charAt(i);
            boolean dot = c == '.' && part > 0;
            if (!dot && !JsonCursor.isNameCharacter(c)) {
                part = 0;
                break;
            }
            part = dot ? 0 : part + 1;
        }
        if (part == 0 || type.length() > RecordParser.MAX_TYPE) {
            throw rejected("the type is a dotted name of letters, digits, '_' and '-', at most 255 characters");
        }
        raw(RecordParser.ascii(type));
    }

    private void number(long value) {
        if (value < 0) {
            // Also right for the smallest long, whose negation is itself.
            raw(RecordParser.ascii(Long.toString(value)));
            return;
        }
        int digits = 1;
        for (long rest = value; rest >= 10; rest /= 10) {
            digits++;
        }
        room(digits);
        long rest = value;
        for (int i = at + digits - 1; i >= at; i--) {
            buffer[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        at += digits;
    }

    private void time(Instant now) {
        if (now.getEpochSecond() != timeSecond) {
            second(now);
        }
        int micros = now.getNano() / 1_000;
        for (int i = 25; i >= 20; i--) {
            time[i] = (byte) ('0' + micros % 10);
            micros /= 10;
        }
        raw(time);
    }

    private void second(Instant now) {
        LocalDateTime t = LocalDateTime.ofEpochSecond(now.getEpochSecond(), 0, ZoneOffset.UTC);
        if (t.getYear() < 0 || t.getYear() > 9_999) {
            throw rejected("the clock is outside the years 0 to 9999");
        }
        long digits = ((((t.getYear() * 100L + t.getMonthValue()) * 100 + t.getDayOfMonth()) * 100 + t.getHour()) * 100
                                + t.getMinute())
                        * 100
                + t.getSecond();
        for (int i = TIME_DIGITS.length - 1; i >= 0; i--) {
            time[TIME_DIGITS[i]] = (byte) ('0' + digits % 10);
            digits /= 10;
        }
        timeSecond = now.getEpochSecond();
    }

    private void raw(byte[] bytes) {
        room(bytes.length);
        System.arraycopy(bytes, 0, buffer, at, bytes.length);
        at += bytes.length;
    }

    private void put(int b) {
        room(1);
        buffer[at++] = (byte) b;
    }

    private void room(int bytes) {
        if (bytes > limit - at) {
            throw rejected("a record has at most 65,535 bytes");
        }
    }

    private static SecureRuntimeException rejected(String reason) {
        return new SecureRuntimeException(
                ErrorCode.AUDIT_RECORD_REJECTED, "Record rejected, nothing was written: " + reason);
    }
}
