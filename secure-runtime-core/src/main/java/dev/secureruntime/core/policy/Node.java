package dev.secureruntime.core.policy;

import java.util.List;
import java.util.Map;

/** A value of a policy file together with its place, whatever the file's syntax. */
sealed interface Node {

    Place at();

    /** What the value is, in words for a message; never the value itself. */
    String kind();

    /** A place in the file; lines and columns start at 1. */
    record Place(int line, int column) {
        static final Place START = new Place(1, 1);
    }

    /** An object; members in the order of the file. */
    record Members(Place at, Map<String, Member> members) implements Node {
        @Override
        public String kind() {
            return "an object";
        }
    }

    /** A member of an object: the place of its name, and its value. */
    record Member(Place at, Node value) {}

    record Items(Place at, List<Node> items) implements Node {
        @Override
        public String kind() {
            return "a list";
        }
    }

    record Text(Place at, String value) implements Node {
        @Override
        public String kind() {
            return "a string";
        }
    }

    /** A whole number; one beyond the range of {@code long} is an {@link Other}. */
    record Whole(Place at, long value) implements Node {
        @Override
        public String kind() {
            return "a number";
        }
    }

    record Flag(Place at, boolean value) implements Node {
        @Override
        public String kind() {
            return "true or false";
        }
    }

    /** A value of a kind that no member of a policy takes. */
    record Other(Place at, String kind) implements Node {}
}
