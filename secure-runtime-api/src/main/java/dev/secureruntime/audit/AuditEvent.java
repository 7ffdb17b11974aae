package dev.secureruntime.audit;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened, as it is handed to the log: a type, the component it concerns, attributes, and commitments to
 * content. The log adds the index, the time and the hash of the record before.
 *
 * <p>Model and tool metadata use the OpenTelemetry GenAI names ({@code gen_ai.*}, {@code server.address}, {@code
 * error.type}); this project's own begin with {@code secure_runtime.}.
 *
 * <p>Security: never put content or a secret into an attribute; that is what {@link Commitment} is for. Immutable and
 * thread-safe.
 */
public final class AuditEvent {

    private final String type;
    private final @Nullable String component;
    private final Map<String, Attribute> attributes;
    private final Map<String, Commitment> commitments;
    private final Map<String, Opening> openings;

    private AuditEvent(Builder builder) {
        this.type = builder.type;
        this.component = builder.component;
        this.attributes = builder.attributes.finished();
        this.commitments = copy(builder.commitments);
        this.openings = copy(builder.openings);
    }

    private static <V> Map<String, V> copy(Map<String, V> fields) {
        return fields.isEmpty() ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /** Starts an event of a dotted type, for example {@code tool.call}. */
    public static Builder of(String type) {
        return new Builder(type);
    }

    /** The dotted type. */
    public String type() {
        return type;
    }

    /** The component's name, where the event concerns one. */
    public Optional<String> component() {
        return Optional.ofNullable(component);
    }

    /** The attributes in the order in which they were given. */
    public Map<String, Attribute> attributes() {
        return attributes;
    }

    /** The commitments in the order in which they were given. */
    public Map<String, Commitment> commitments() {
        return commitments;
    }

    /** What opens the commitments to content that came with the event; it goes to the content store, never into the record. */
    public Map<String, Opening> openings() {
        return openings;
    }

    /** The same event, said of {@code component}. */
    public AuditEvent withComponent(String component) {
        return toBuilder().component(component).build();
    }

    /** A builder that holds everything that this event does. */
    public Builder toBuilder() {
        Builder copy = new Builder(type);
        copy.component = component;
        attributes.forEach(copy::attribute);
        commitments.forEach(copy::commitment);
        openings.values().forEach(copy::content);
        return copy;
    }

    @Override
    public String toString() {
        return type + (component == null ? "" : " of " + component) + " " + attributes.keySet();
    }

    /** Collects an event. Not thread-safe. */
    public static final class Builder {

        private final String type;
        private @Nullable String component;
        private final Fields.Draft attributes = new Fields.Draft();
        private Map<String, Commitment> commitments = Map.of();
        private Map<String, Opening> openings = Map.of();

        private Builder(String type) {
            this.type = type;
        }

        /** Says which component the event concerns. */
        public Builder component(String name) {
            this.component = name;
            return this;
        }

        /** Adds a text. */
        public Builder attribute(String name, String value) {
            return attribute(name, new Attribute.Text(value));
        }

        /** Adds an integer. */
        public Builder attribute(String name, long value) {
            return attribute(name, new Attribute.Whole(value));
        }

        /** Adds a truth value. */
        public Builder attribute(String name, boolean value) {
            return attribute(name, new Attribute.Flag(value));
        }

        /** Adds a list of texts. */
        public Builder attribute(String name, List<String> values) {
            return attribute(name, new Attribute.Texts(values));
        }

        /**
         * Adds a value; a name that was given before gets the new value.
         *
         * @throws NullPointerException for a name or a value that is null
         */
        public Builder attribute(String name, Attribute value) {
            Objects.requireNonNull(name, "an attribute has no name");
            attributes.put(name, Objects.requireNonNull(value, () -> "attribute " + name + " has no value"));
            return this;
        }

        /** Adds the commitment to a content field. */
        public Builder commitment(String name, Commitment commitment) {
            if (commitments.isEmpty()) {
                commitments = new LinkedHashMap<>();
                openings = new LinkedHashMap<>();
            }
            commitments.put(name, commitment);
            openings.remove(name);
            return this;
        }

        /**
         * Commits to a content field, and offers its value to the log's content store, as the component's own: its subject
         * is {@code component/NAME}. Where the log has no store, the commitment is all that stays.
         */
        public Builder content(String name, byte[] value) {
            return content(Opening.of(name, null, value));
        }

        /**
         * The same, for content of {@code subject}: a user, a tenant, a session, whatever is to be erased as one. The subject
         * is not part of the record. It has 1 to 1,024 characters; a log that keeps content rejects the event otherwise.
         */
        public Builder content(String subject, String name, byte[] value) {
            return content(Opening.of(name, subject, value));
        }

        /** The same, for content that was committed to while it passed by. */
        public Builder content(Opening opening) {
            commitment(opening.name(), opening.commitment());
            openings.put(opening.name(), opening);
            return this;
        }

        /** The finished event. */
        public AuditEvent build() {
            return new AuditEvent(this);
        }
    }
}
