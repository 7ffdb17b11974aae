package dev.secureruntime.core.policy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import dev.secureruntime.core.policy.Node.Place;
import dev.secureruntime.error.SecureRuntimeException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Builds the tree of nodes from a stream of tokens: one document, no member twice, bounded in depth and number.
 *
 * <p>Bounds: nesting {@value #MAX_DEPTH}, {@value #MAX_NODES} values, names of {@value #MAX_NAME} characters.
 */
final class NodeReader {

    static final int MAX_DEPTH = 64;
    static final int MAX_NODES = 4_000_000;
    static final int MAX_NAME = 1024;

    static final StreamReadConstraints CONSTRAINTS = StreamReadConstraints.builder()
            .maxNestingDepth(MAX_DEPTH)
            .maxNameLength(MAX_NAME)
            .maxStringLength(PolicyReader.MAX_BYTES)
            .build();

    private static final JsonFactory JSON =
            JsonFactory.builder().streamReadConstraints(CONSTRAINTS).build();

    private final JsonParser parser;
    private final BooleanSupplier atAlias;
    private final PolicyErrors errors;
    private final String syntax;
    private int nodes;

    private NodeReader(JsonParser parser, BooleanSupplier atAlias, PolicyErrors errors, String syntax) {
        this.parser = parser;
        this.atAlias = atAlias;
        this.errors = errors;
        this.syntax = syntax;
    }

    static Node readJson(String text, PolicyErrors errors) throws IOException {
        try (JsonParser parser = JSON.createParser(text)) {
            return read(parser, () -> false, errors, "JSON");
        }
    }

    /** Reads the one document that the parser holds; {@code atAlias} says whether it stands at a reference to another value. */
    static Node read(JsonParser parser, BooleanSupplier atAlias, PolicyErrors errors, String syntax)
            throws IOException {
        return new NodeReader(parser, atAlias, errors, syntax).document();
    }

    private Node document() throws IOException {
        try {
            if (parser.nextToken() == null) {
                throw errors.malformed(Place.START, "the file is empty; expected an object");
            }
            Node root = value("the policy");
            if (parser.nextToken() != null) {
                throw errors.malformed(here(), "expected the end of the file after the policy");
            }
            return root;
        } catch (JsonEOFException e) {
            throw errors.malformed(place(e.getLocation()), "the file ends in the middle of a value" + where());
        } catch (StreamConstraintsException e) {
            throw errors.malformed(
                    here(), "nested deeper than " + MAX_DEPTH + " levels, or a name, number or string is too long");
        } catch (JsonProcessingException e) {
            // YAML takes a bare star for an alias: the likeliest slip in a file that is full of wildcards.
            String hint = String.valueOf(e.getOriginalMessage()).contains("scanning an alias")
                    ? "; a value that begins with * stands in quotes"
                    : "";
            throw errors.malformed(place(e.getLocation()), "not well-formed " + syntax + where() + hint);
        }
    }

    private Node value(String path) throws IOException {
        Place at = here();
        if (++nodes > MAX_NODES) {
            throw errors.malformed(at, "more than " + MAX_NODES + " values");
        }
        JsonToken token = parser.currentToken();
        if (atAlias.getAsBoolean()
                || parser.getObjectId() != null
                || !(token.isScalarValue() || token.isStructStart())) {
            throw anchored(at, path);
        }
        switch (token) {
            case START_OBJECT:
                return members(at, path);
            case START_ARRAY:
                return items(at, path);
            case VALUE_STRING:
                return new Node.Text(at, parser.getText());
            case VALUE_NUMBER_INT:
                // YAML takes 0443 for 291, and reads 0x1bb and 4_43 too.
                return parser.getText().matches("-?(0|[1-9][0-9]*)")
                        ? whole(at)
                        : new Node.Other(at, "a number not in plain decimals");
            case VALUE_NUMBER_FLOAT:
                return new Node.Other(at, "a fraction");
            case VALUE_TRUE:
            case VALUE_FALSE:
                return new Node.Flag(at, token == JsonToken.VALUE_TRUE);
            case VALUE_NULL:
                return new Node.Other(at, "null");
            default:
                return new Node.Other(at, "a value of another type");
        }
    }

    private SecureRuntimeException anchored(Place at, String path) {
        return errors.malformed(at, "anchors and aliases are not allowed in a policy" + in(path));
    }

    private Node whole(Place at) throws IOException {
        JsonParser.NumberType type = parser.getNumberType();
        return type == JsonParser.NumberType.INT || type == JsonParser.NumberType.LONG
                ? new Node.Whole(at, parser.getLongValue())
                : new Node.Other(at, "a number out of range");
    }

    private Node members(Place at, String path) throws IOException {
        Map<String, Node.Member> members = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            Place nameAt = here();
            String name = parser.currentName();
            if (parser.getObjectId() != null) {
                throw anchored(nameAt, path);
            }
            Node.Member before = members.get(name);
            if (before != null) {
                throw errors.malformed(
                        nameAt,
                        "member \"" + PolicyErrors.shown(name) + "\" appears twice" + in(path) + "; first at line "
                                + before.at().line());
            }
            parser.nextToken();
            members.put(name, new Node.Member(nameAt, value(name)));
        }
        return new Node.Members(at, members);
    }

    private Node items(Place at, String path) throws IOException {
        List<Node> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.add(value(path));
        }
        return new Node.Items(at, items);
    }

    /** Where the parser stands, in words; names of members only, never values. */
    private String where() {
        String name = parser.getParsingContext().getCurrentName();
        if (parser.getParsingContext().inArray() && parser.getParsingContext().getParent() != null) {
            name = parser.getParsingContext().getParent().getCurrentName();
        }
        return name == null ? "" : ", in or after member \"" + PolicyErrors.shown(name) + "\"";
    }

    private static String in(String path) {
        return " in \"" + PolicyErrors.shown(path) + "\"";
    }

    private Place here() {
        return place(parser.currentTokenLocation());
    }

    private static Place place(@Nullable JsonLocation location) {
        return location == null
                ? Place.START
                : new Place(Math.max(1, location.getLineNr()), Math.max(1, location.getColumnNr()));
    }
}
