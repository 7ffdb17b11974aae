package dev.secureruntime.core.audit.format;

import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.Commitment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A record as values, read from a line in strict form.
 *
 * @param seq the index, from 0
 * @param time when it was appended, by the writer's clock
 * @param type the dotted type
 * @param component the component that it concerns, where there is one
 * @param attributes in the order of the line
 * @param commitments in the order of the line
 * @param prev the leaf hash of the record before, lower-case hexadecimal
 */
public record StoredRecord(
        long seq,
        Instant time,
        String type,
        Optional<String> component,
        Map<String, Attribute> attributes,
        Map<String, Commitment> commitments,
        String prev) {

    static final int TIME_CHARACTERS = 27;

    static StoredRecord read(
            byte[] buffer,
            long seq,
            int timeFrom,
            int typeFrom,
            int typeTo,
            int componentFrom,
            int componentTo,
            int attributesFrom,
            int commitmentsFrom,
            int prevFrom) {
        return new StoredRecord(
                seq,
                Instant.parse(latin(buffer, timeFrom, timeFrom + TIME_CHARACTERS)),
                latin(buffer, typeFrom, typeTo),
                componentFrom < 0 ? Optional.empty() : Optional.of(JsonText.decode(buffer, componentFrom, componentTo)),
                new Reader(buffer, attributesFrom).attributes(),
                new Reader(buffer, commitmentsFrom).commitments(),
                latin(buffer, prevFrom, prevFrom + RecordParser.HASH_DIGITS));
    }

    private static String latin(byte[] buffer, int from, int to) {
        return new String(buffer, from, to - from, StandardCharsets.ISO_8859_1);
    }

    /** The text of an attribute, or null when there is none of that name or it is no text. */
    @Nullable
    public String text(String name) {
        return attributes.get(name) instanceof Attribute.Text text ? text.value() : null;
    }

    /** Reads without checking: the parser has accepted every byte. */
    private static final class Reader {
        private final byte[] buffer;
        private int at;

        Reader(byte[] buffer, int at) {
            this.buffer = buffer;
            this.at = at;
        }

        Map<String, Attribute> attributes() {
            if (at < 0 || buffer[at] == '}') {
                return Map.of();
            }
            Map<String, Attribute> attributes = new LinkedHashMap<>();
            do {
                String name = string();
                at++;
                attributes.put(name, value());
            } while (buffer[at++] == ',');
            return Collections.unmodifiableMap(attributes);
        }

        Map<String, Commitment> commitments() {
            if (at < 0 || buffer[at] == '}') {
                return Map.of();
            }
            Map<String, Commitment> commitments = new LinkedHashMap<>();
            do {
                String name = string();
                at += 1 + RecordParser.BYTES.length;
                long bytes = Long.parseLong(number());
                at += RecordParser.SHA256.length - 1;
                commitments.put(name, new Commitment(bytes, string()));
                at++;
            } while (buffer[at++] == ',');
            return Collections.unmodifiableMap(commitments);
        }

        private Attribute value() {
            switch (buffer[at]) {
                case '"':
                    return new Attribute.Text(string());
                case 't':
                    at += 4;
                    return new Attribute.Flag(true);
                case 'f':
                    at += 5;
                    return new Attribute.Flag(false);
                case '[':
                    return new Attribute.Texts(texts());
                default:
                    return number(number());
            }
        }

        private static Attribute number(String digits) {
            try {
                return new Attribute.Whole(Long.parseLong(digits));
            } catch (NumberFormatException e) {
                // A fraction, an exponent, or a whole number beyond 64 bits in a line that others wrote.
                return new Attribute.Decimal(Double.parseDouble(digits));
            }
        }

        private List<String> texts() {
            List<String> texts = new ArrayList<>();
            at++;
            while (buffer[at] != ']') {
                texts.add(string());
                if (buffer[at] == ',') {
                    at++;
                }
            }
            at++;
            return texts;
        }

        private String number() {
            int from = at;
            while (buffer[at] != ',' && buffer[at] != '}') {
                at++;
            }
            return latin(buffer, from, at);
        }

        /** From the opening quote to behind the closing one. */
        private String string() {
            int from = ++at;
            while (buffer[at] != '"') {
                at += buffer[at] == '\\' ? 2 : 1;
            }
            return JsonText.decode(buffer, from, at++);
        }
    }
}
