package dev.secureruntime.core.policy;

import dev.secureruntime.policy.BreakGlass;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Reads the break-glass grants of a policy. */
final class BreakGlassInterpreter {

    private static final List<String> GRANT =
            List.of("component", "host", "address", "port", "scheme", "person", "reason", "from", "until");
    private static final Pattern MOMENT =
            Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z");
    private static final int HTTPS = 443;

    private final Reading reading;

    BreakGlassInterpreter(Reading reading) {
        this.reading = reading;
    }

    BreakGlass grant(Node node, String path) {
        Map<String, Node> members = reading.known(node, path, GRANT);
        Node host = members.get("host");
        Node address = members.get("address");
        if (host == null == (address == null)) {
            throw reading.errors().invalid(node.at(), "expected exactly one of host, address in " + path);
        }
        Node port = members.get("port");
        int number = port == null ? HTTPS : reading.port(port, path + ".port");
        String component = text(members, "component", node, path);
        String person = text(members, "person", node, path);
        String reason = text(members, "reason", node, path);
        Instant from = moment(members, "from", node, path);
        Instant until = moment(members, "until", node, path);
        Node scheme = members.get("scheme");
        String by = scheme == null ? "https" : reading.text(scheme, path + ".scheme");
        String target = reading.text(host == null ? reading.required(members, "address", node, path) : host, path);
        return reading.checked(node, path, () -> {
            BreakGlass.Builder grant = BreakGlass.grant(component);
            return (host == null ? grant.address(target, number) : grant.host(target, number))
                    .scheme(by)
                    .person(person)
                    .reason(reason)
                    .from(from)
                    .until(until)
                    .build();
        });
    }

    private String text(Map<String, Node> members, String name, Node of, String path) {
        return reading.text(reading.required(members, name, of, path), path + "." + name);
    }

    private Instant moment(Map<String, Node> members, String name, Node of, String path) {
        Node node = reading.required(members, name, of, path);
        String text = reading.text(node, path + "." + name);
        if (MOMENT.matcher(text).matches()) {
            try {
                return Instant.parse(text);
            } catch (DateTimeParseException e) {
                // A day that there is not: said below.
            }
        }
        throw reading.expected(node, path + "." + name, "a moment such as \"2026-11-24T08:00:00Z\"");
    }
}
