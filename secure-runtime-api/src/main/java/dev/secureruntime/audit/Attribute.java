package dev.secureruntime.audit;

import java.util.List;
import java.util.Objects;

/** A value that an audit record's attribute can hold: what JSON can say without nesting. */
public sealed interface Attribute {

    /** Text; it must be well-formed Unicode (no unpaired surrogate). */
    record Text(String value) implements Attribute {
        public Text {
            Objects.requireNonNull(value, "an attribute has no value");
        }
    }

    /** A 64-bit integer. */
    record Whole(long value) implements Attribute {}

    /** A finite number with a fraction. */
    record Decimal(double value) implements Attribute {}

    /** True or false. */
    record Flag(boolean value) implements Attribute {}

    /** A list of texts. */
    record Texts(List<String> values) implements Attribute {
        public Texts {
            values = List.copyOf(values);
        }
    }
}
