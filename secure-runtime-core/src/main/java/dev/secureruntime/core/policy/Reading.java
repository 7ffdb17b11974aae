package dev.secureruntime.core.policy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What the interpreters share: taking a node as the kind of value that is expected, or saying what was expected. */
final class Reading {

    private final PolicyErrors errors;

    Reading(PolicyErrors errors) {
        this.errors = errors;
    }

    PolicyErrors errors() {
        return errors;
    }

    /** The members of an object, each of which must be known; the user's own members are left out. */
    Map<String, Node> known(Node node, String path, List<String> expected) {
        Map<String, Node> members = new LinkedHashMap<>();
        named(node, path).forEach((name, member) -> {
            if (!expected.contains(name)) {
                throw errors.unknownMember(member.at(), name, path, expected);
            }
            members.put(name, member.value());
        });
        return members;
    }

    /** The members of an object whose names the user chooses; the user's own members are left out. */
    Map<String, Node.Member> named(Node node, String path) {
        if (!(node instanceof Node.Members object)) {
            throw expected(node, path, "an object");
        }
        Map<String, Node.Member> members = new LinkedHashMap<>(object.members());
        members.keySet().removeIf(name -> name.startsWith("x-"));
        return members;
    }

    List<Node> items(@Nullable Node node, String path, String what) {
        if (node == null) {
            return List.of();
        }
        if (!(node instanceof Node.Items list)) {
            throw expected(node, path, "a list of " + what);
        }
        return list.items();
    }

    /** A list that says nothing when it is absent, and so must not be empty when it is there. */
    <T> Set<T> setOf(@Nullable Node node, String path, String what, Function<Node, T> item) {
        Set<T> set = new LinkedHashSet<>();
        for (Node each : items(node, path, what)) {
            if (!set.add(item.apply(each))) {
                throw errors.invalid(each.at(), path + " names the same value twice");
            }
        }
        if (node != null && set.isEmpty()) {
            throw errors.invalid(node.at(), path + " is empty; expected at least one, or leave the member out");
        }
        return set;
    }

    <T> List<T> listOf(@Nullable Node node, String path, String what, Function<Node, T> item) {
        List<T> list = new ArrayList<>();
        for (Node each : items(node, path, what)) {
            list.add(item.apply(each));
        }
        return list;
    }

    String text(Node node, String path) {
        if (!(node instanceof Node.Text text)) {
            throw expected(node, path, "a string");
        }
        return text.value();
    }

    /** A member that must be there. */
    Node required(Map<String, Node> members, String name, Node of, String path) {
        Node member = members.get(name);
        if (member == null) {
            throw errors.invalid(of.at(), "expected a member \"" + name + "\" in " + path);
        }
        return member;
    }

    int port(Node node, String path) {
        if (!(node instanceof Node.Whole number) || number.value() < 1 || number.value() > 65_535) {
            throw expected(node, path, "a port from 1 to 65535");
        }
        return (int) number.value();
    }

    /** Builds a value of the model, whose own checks become errors with a place. */
    <T> T checked(Node node, String path, Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            throw errors.invalid(node.at(), path + ": " + PolicyErrors.shownMessage(e));
        }
    }

    RuntimeException expected(Node node, String path, String what) {
        return errors.invalid(node.at(), "expected " + what + " at " + path + ", found " + node.kind());
    }
}
