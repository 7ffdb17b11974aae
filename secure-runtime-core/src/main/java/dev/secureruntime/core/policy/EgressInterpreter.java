package dev.secureruntime.core.policy;

import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.EnforcementMode;
import dev.secureruntime.policy.OnManyNames;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Reads the egress rules of a component. */
final class EgressInterpreter {

    private static final List<String> EGRESS = List.of("allow", "deny", "onManyNames", "mode", "budgets");
    private static final List<String> BUDGET = List.of("host", "bytes", "window");
    private static final List<String> TARGETS = List.of("host", "category", "cidr");
    private static final List<String> RULE =
            List.of("host", "category", "cidr", "ports", "schemes", "methods", "paths");

    private static final Pattern DURATION =
            Pattern.compile("P(?=[0-9T])([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+S)?)?");

    private final Reading reading;

    EgressInterpreter(Reading reading) {
        this.reading = reading;
    }

    void rules(Node node, String path, ComponentPolicy.Builder component) {
        Map<String, Node> members = reading.known(node, path, EGRESS);
        String allow = path + ".allow";
        for (Node rule : reading.items(members.get("allow"), allow, "rules")) {
            component.allow(rule(rule, allow));
        }
        String deny = path + ".deny";
        for (Node rule : reading.items(members.get("deny"), deny, "rules")) {
            component.deny(rule(rule, deny));
        }
        Node onManyNames = members.get("onManyNames");
        if (onManyNames != null) {
            component.onManyNames(onManyNames(onManyNames, path + ".onManyNames"));
        }
        Node mode = members.get("mode");
        if (mode != null) {
            component.mode(mode(mode, path + ".mode"));
        }
        String budgets = path + ".budgets";
        for (Node budget : reading.items(members.get("budgets"), budgets, "budgets")) {
            component.budget(budget(budget, budgets));
        }
    }

    private OnManyNames onManyNames(Node node, String path) {
        return switch (reading.text(node, path)) {
            case "report" -> OnManyNames.REPORT;
            case "block" -> OnManyNames.BLOCK;
            default -> throw reading.expected(node, path, "\"report\" or \"block\"");
        };
    }

    private EnforcementMode mode(Node node, String path) {
        return switch (reading.text(node, path)) {
            case "enforce" -> EnforcementMode.ENFORCE;
            case "report" -> EnforcementMode.REPORT;
            default -> throw reading.expected(node, path, "\"enforce\" or \"report\"");
        };
    }

    private ByteBudget budget(Node node, String path) {
        Map<String, Node> members = reading.known(node, path, BUDGET);
        Node host = members.get("host");
        String pattern = host == null ? null : reading.text(host, path + ".host");
        Node bytes = reading.required(members, "bytes", node, path);
        if (!(bytes instanceof Node.Whole number) || number.value() < 1) {
            throw reading.expected(bytes, path + ".bytes", "a whole number of bytes from 1");
        }
        Node window = reading.required(members, "window", node, path);
        Duration duration = duration(window, path + ".window");
        return reading.checked(node, path, () -> new ByteBudget(pattern, number.value(), duration));
    }

    private Duration duration(Node node, String path) {
        String text = reading.text(node, path);
        if (DURATION.matcher(text).matches()) {
            try {
                return Duration.parse(text);
            } catch (DateTimeParseException | ArithmeticException e) {
                // More than there is: said below.
            }
        }
        throw reading.expected(node, path, "a duration such as \"PT1H\" or \"P1D\" (ISO 8601)");
    }

    private EgressRule rule(Node node, String path) {
        if (node instanceof Node.Text host) {
            return reading.checked(node, path, () -> EgressRule.host(host.value()));
        }
        if (!(node instanceof Node.Members)) {
            throw reading.expected(node, path, "a host or an object with one of host, category, cidr");
        }
        Map<String, Node> members = reading.known(node, path, RULE);
        List<String> targets = TARGETS.stream().filter(members::containsKey).toList();
        if (targets.size() != 1) {
            throw reading.errors()
                    .invalid(node.at(), "expected exactly one of host, category, cidr in a rule of " + path);
        }
        String kind = targets.get(0);
        Node target = members.get(kind);
        if (target == null) {
            throw new IllegalStateException("a member that was just seen is gone");
        }
        String value = reading.text(target, path + "." + kind);
        EgressRule.Scope scope = scope(node, members, path);
        return reading.checked(target, path, () -> switch (kind) {
            case "host" -> EgressRule.host(value, scope);
            case "category" -> EgressRule.category(value, scope);
            default -> EgressRule.cidr(value, scope);
        });
    }

    private EgressRule.Scope scope(Node rule, Map<String, Node> members, String path) {
        var ports = reading.setOf(
                members.get("ports"), path + ".ports", "port numbers", node -> reading.port(node, path + ".ports"));
        var schemes = reading.setOf(
                members.get("schemes"),
                path + ".schemes",
                "\"https\" and \"http\"",
                node -> reading.text(node, path + ".schemes"));
        var methods = reading.setOf(
                members.get("methods"), path + ".methods", "methods", node -> reading.text(node, path + ".methods"));
        var paths = reading.setOf(
                members.get("paths"), path + ".paths", "path patterns", node -> reading.text(node, path + ".paths"));
        return reading.checked(rule, path, () -> new EgressRule.Scope(ports, schemes, methods, paths));
    }
}
