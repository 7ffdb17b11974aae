package dev.secureruntime.core.audit.format;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.AuditEvent;
import dev.secureruntime.audit.Commitment;
import dev.secureruntime.error.ErrorCode;
import dev.secureruntime.error.SecureRuntimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes records as lines into a buffer that is used again and again; the counterpart of {@link RecordParser}, which
 * accepts every line that this writes.
 *
 * <p>The hash of the record before is left as a gap of 64 bytes: only the writer thread knows it. Not thread-safe.
 */
public final class RecordEncoder {

    /** The room that one line can take: a record and its line feed, and what is written behind it or before the limit is noticed. */
    public static final int ROOM = RecordParser.MAX_BYTES + 64;

    private static final byte[] HEX = RecordParser.ascii("0123456789abcdef");
    private static final byte[] UNICODE = RecordParser.ascii("\\u00");
    private static final int[] TIME_DIGITS = {9, 10, 11, 12, 14, 15, 17, 18, 20, 21, 23, 24, 26, 27};

    private static final KnownTexts.Form SEQ = KnownTexts.Form.of(RecordParser.SEQ);
    private static final KnownTexts.Form ATTRIBUTES = KnownTexts.Form.of(RecordParser.ATTRIBUTES);
    private static final KnownTexts.Form PREV = KnownTexts.Form.of(RecordParser.PREV);
    private static final KnownTexts.Form END = KnownTexts.Form.of(RecordParser.END);
    /** Without the quote, which comes with the text. */
    private static final byte[] COMPONENT = Arrays.copyOf(RecordParser.COMPONENT, RecordParser.COMPONENT.length - 1);

    private static final int[] POWERS = {
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000
    };
    private static final byte[] PAIRS = pairs();

    private final KnownTexts names = new KnownTexts();
    private final KnownTexts types = new KnownTexts();
    private final KnownTexts texts = new KnownTexts();
    private final byte[] time = RecordParser.ascii(",\"time\":\"0000-00-00T00:00:00.000000Z");
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
    public int encode(byte[] target, int from, long seq, Instant now, AuditEvent event) {
        buffer = target;
        at = from;
        // The line feed is not part of the record.
        limit = from + RecordParser.MAX_BYTES;
        write(SEQ);
        number(seq);
        time(now);
        type(event.type());
        String component = event.component().orElse(null);
        if (component != null) {
            raw(COMPONENT);
            quoted(component);
        }
        // What stands in braces is written with a comma in front of each, and the first comma then becomes the brace.
        if (!event.attributes().isEmpty()) {
            write(ATTRIBUTES);
            int brace = --at;
            // Not by entries: in a map that can't be changed, each is an object made for the purpose.
            event.attributes().forEach(this::attribute);
            buffer[brace] = '{';
            put('}');
        }
        if (!event.commitments().isEmpty()) {
            raw(RecordParser.COMMITMENTS);
            int brace = --at;
            commitments(event.commitments());
            buffer[brace] = '{';
            put('}');
        }
        write(PREV);
        room(RecordParser.HASH_DIGITS);
        at += RecordParser.HASH_DIGITS;
        write(END);
        buffer[at++] = '\n';
        return at;
    }

    private static byte[] pairs() {
        byte[] pairs = new byte[200];
        for (int i = 0; i < 100; i++) {
            pairs[2 * i] = (byte) ('0' + i / 10);
            pairs[2 * i + 1] = (byte) ('0' + i % 10);
        }
        return pairs;
    }

    /** The offset of the gap for the hash in the line that ends (behind its line feed) at {@code end}. */
    public static int prevOffset(int end) {
        return end - 1 - RecordParser.END.length - RecordParser.HASH_DIGITS;
    }

    /** The offset of 64 digits that are the value of the line's last attribute, in a line without commitments. */
    public static int lastAttributeHashOffset(int end) {
        return prevOffset(end) - RecordParser.PREV.length - RecordParser.END.length - RecordParser.HASH_DIGITS;
    }

    private void attribute(String name, Attribute value) {
        int start = at;
        KnownTexts.Form named = names.form(name);
        if (named == null || !(value instanceof Attribute.Text text)) {
            name(name, named);
            value(name, value);
            return;
        }
        KnownTexts.Form both = named.with(text.value());
        if (both != null) {
            write(both);
            return;
        }
        write(named);
        quoted(text.value());
        named.keepWith(text.value(), buffer, start, at);
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
        for (Map.Entry<String, Commitment> entry : commitments.entrySet()) {
            name(entry.getKey(), names.form(entry.getKey()));
            Commitment commitment = entry.getValue();
            byte[] hash = RecordParser.ascii(commitment.sha256());
            if (commitment.bytes() < 0 || hash.length != RecordParser.HASH_DIGITS || !Swar.isHash(hash, 0)) {
                throw rejected("commitment " + entry.getKey() + " needs a size and 64 lower-case hexadecimal digits");
            }
            raw(RecordParser.BYTES);
            number(commitment.bytes());
            raw(RecordParser.SHA256);
            raw(hash);
            write(END);
        }
    }

    private void name(String name, KnownTexts.@Nullable Form known) {
        if (known != null) {
            write(known);
            return;
        }
        int start = at;
        put(',');
        spellOut(name);
        put(':');
        names.keep(name, buffer, start, at);
    }

    private void quoted(String text) {
        if (!KnownTexts.mayKnow(text)) {
            spellOut(text);
            return;
        }
        KnownTexts.Form form = texts.form(text);
        if (form != null) {
            write(form);
            return;
        }
        int start = at;
        spellOut(text);
        texts.keep(text, buffer, start, at);
    }

    private void spellOut(String text) {
        int length = text.length();
        room(length + 2);
        byte[] target = buffer;
        int to = at;
        target[to++] = '"';
        int i = 0;
        for (; i < length; i++) {
            char c = text.charAt(i);
            if (!isPlain(c)) {
                break;
            }
            target[to++] = (byte) c;
        }
        at = to;
        if (i < length) {
            rest(text, i);
        }
        put('"');
    }

    /** Whether the character stands for itself, as one byte. */
    private static boolean isPlain(char c) {
        return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
    }

    private void rest(String text, int from) {
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            if (isPlain(c)) {
                put(c);
            } else if (c >= 0x80) {
                i += multibyte(text, i, c);
            } else {
                escape(c);
            }
        }
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

    private void type(String type) {
        KnownTexts.Form form = types.form(type);
        if (form != null) {
            write(form);
            return;
        }
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
        int start = at;
        raw(RecordParser.TYPE);
        raw(RecordParser.ascii(type));
        put('"');
        types.keep(type, buffer, start, at);
    }

    private void number(long value) {
        if (value < 0 || value > Integer.MAX_VALUE) {
            raw(RecordParser.ascii(Long.toString(value)));
            return;
        }
        int rest = (int) value;
        int digits = 1;
        while (digits < POWERS.length && rest >= POWERS[digits]) {
            digits++;
        }
        room(digits);
        digits(buffer, at, digits, rest);
        at += digits;
    }

    /** Writes the last {@code count} decimal digits of {@code value}. */
    private static void digits(byte[] target, int from, int count, int value) {
        int rest = value;
        int i = from + count;
        for (; i - from >= 2; i -= 2) {
            int pair = 2 * (rest % 100);
            rest /= 100;
            target[i - 2] = PAIRS[pair];
            target[i - 1] = PAIRS[pair + 1];
        }
        if (i > from) {
            target[from] = (byte) ('0' + rest % 10);
        }
    }

    private void time(Instant now) {
        if (now.getEpochSecond() != timeSecond) {
            second(now);
        }
        digits(time, 29, 6, now.getNano() / 1_000);
        room(time.length);
        System.arraycopy(time, 0, buffer, at, time.length);
        at += time.length;
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

    private void write(KnownTexts.Form form) {
        room(form.length);
        at = form.write(buffer, at);
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
