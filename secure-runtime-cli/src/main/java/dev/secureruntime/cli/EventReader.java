package dev.secureruntime.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.secureruntime.audit.Attribute;
import dev.secureruntime.audit.AuditEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads one line of an import: {@code {"type":"...","component":"...","attributes":{...}}}, strictly. Messages of its errors
 * name the place and what was expected there, not the content.
 */
final class EventReader {

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            // A table of names would refuse lines whose names were chosen to collide in it. What limits a name is the
            // record.
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNameLength(AuditAppendCommand.MAX_LINE)
                    .build())
            .build();

    private static final Pattern REMARK =
            Pattern.compile("(?s): enable `.*| \\(start marker at .*| \\(not recognized as one .*|, from `.*|\n.*");

    /** What a message repeats of the line: it may be a secret. */
    private static final Pattern CONTENT = Pattern.compile(
            "(?s)(?<=^Unrecognized token) '[^']*'|(?<=^Numeric value) \\([^)]*\\)|(?<=^Duplicate field) .*");

    private EventReader() {}

    /** The line's event; {@link IllegalArgumentException} says what is wrong with it. */
    static AuditEvent read(byte[] line, int length) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(line, 0, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("not valid UTF-8", e);
        }
        try (JsonParser json = JSON.createParser(text)) {
            AuditEvent event = event(json);
            if (json.nextToken() != null) {
                throw expected(json, "nothing after the object");
            }
            return event;
        } catch (com.fasterxml.jackson.core.JacksonException e) {
            throw new IllegalArgumentException("not strict JSON" + place(e) + ": " + reason(e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new IllegalArgumentException("unreadable: " + e, e);
        }
    }

    /** Limits on the length of a number or a name are checked without a place. */
    private static String place(com.fasterxml.jackson.core.JacksonException e) {
        return e.getLocation() == null ? "" : " at column " + e.getLocation().getColumnNr();
    }

    /** What the parser found, without what it says to people who configure it, and without the line's content. */
    private static String reason(@Nullable String message) {
        return message == null
                ? ""
                : CONTENT.matcher(REMARK.matcher(message).replaceFirst("")).replaceFirst("");
    }

    private static AuditEvent event(JsonParser json) throws IOException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw expected(json, "an object with type, component and attributes");
        }
        String type = null;
        String component = null;
        List<Named> attributes = List.of();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String member = json.currentName();
            json.nextToken();
            switch (member) {
                case "type" -> type = text(json);
                case "component" -> component = text(json);
                case "attributes" -> attributes = attributes(json);
                default -> throw expected(json, "the members type, component and attributes only");
            }
        }
        if (type == null) {
            throw new IllegalArgumentException("expected the member type");
        }
        AuditEvent.Builder event = AuditEvent.of(type);
        if (component != null) {
            event.component(component);
        }
        attributes.forEach(named -> event.attribute(named.name(), named.value()));
        return event.build();
    }

    private record Named(String name, Attribute value) {}

    private static List<Named> attributes(JsonParser json) throws IOException {
        if (json.currentToken() != JsonToken.START_OBJECT) {
            throw expected(json, "an object of attributes");
        }
        List<Named> attributes = new ArrayList<>();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            json.nextToken();
            attributes.add(new Named(name, value(json)));
        }
        return attributes;
    }

    private static Attribute value(JsonParser json) throws IOException {
        switch (json.currentToken()) {
            case VALUE_STRING:
                return new Attribute.Text(json.getText());
            case VALUE_TRUE:
                return new Attribute.Flag(true);
            case VALUE_FALSE:
                return new Attribute.Flag(false);
            case VALUE_NUMBER_INT:
                return new Attribute.Whole(json.getLongValue());
            case VALUE_NUMBER_FLOAT:
                return new Attribute.Decimal(json.getDoubleValue());
            case START_ARRAY:
                return new Attribute.Texts(texts(json));
            default:
                throw expected(json, "a text, a number, true, false or a list of texts");
        }
    }

    private static List<String> texts(JsonParser json) throws IOException {
        List<String> texts = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
            texts.add(text(json));
        }
        return texts;
    }

    private static String text(JsonParser json) throws IOException {
        if (json.currentToken() != JsonToken.VALUE_STRING) {
            throw expected(json, "a text");
        }
        return json.getText();
    }

    private static IllegalArgumentException expected(JsonParser json, String what) {
        return new IllegalArgumentException(
                "expected " + what + " at column " + json.currentTokenLocation().getColumnNr());
    }
}
