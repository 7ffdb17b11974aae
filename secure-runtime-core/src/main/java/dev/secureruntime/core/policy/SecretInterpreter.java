package dev.secureruntime.core.policy;

import dev.secureruntime.policy.HostPort;
import dev.secureruntime.policy.SecretPolicy;
import dev.secureruntime.policy.SecretPolicy.Attachment;
import dev.secureruntime.policy.SecretPolicy.Source;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads what a policy says of secrets. Nothing found here is ever quoted in a message: what stands in the wrong member
 * may be the secret itself.
 */
final class SecretInterpreter {

    private static final String NEVER_HOLDS = "a policy never holds a secret: name where it is read from,"
            + " as {\"source\": {\"env\": \"NAME\"}} or {\"source\": {\"file\": \"PATH\"}}";
    private static final List<String> SECRET = List.of("source", "attach", "sendTo", "canary");
    private static final List<String> SOURCE = List.of("env", "file");
    private static final List<String> ATTACH = List.of("hosts", "header", "prefix", "as");

    private final Reading reading;
    private final Path folder;

    SecretInterpreter(Reading reading, Path folder) {
        this.reading = reading;
        this.folder = folder;
    }

    /** A secret's name in a component's list. */
    String name(Node node, String path) {
        String name = reading.text(node, path);
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")) {
            throw reading.errors()
                    .invalid(node.at(), "expected the name of a secret at " + path + "; a policy never holds a secret");
        }
        return name;
    }

    SecretPolicy secret(Node node, String path) {
        Map<String, Node> members = object(node, path, SECRET);
        SecretPolicy secret = SecretPolicy.suppliedByCode();
        Node source = members.get("source");
        if (source != null) {
            secret = SecretPolicy.from(source(source, path + ".source"));
        }
        Node sendTo = members.get("sendTo");
        if (sendTo != null) {
            SecretPolicy sent = secret;
            String[] hosts =
                    reading.setOf(sendTo, path + ".sendTo", "hosts", host -> host(host, path + ".sendTo")).stream()
                            .map(HostPort::toString)
                            .toArray(String[]::new);
            secret = reading.checked(sendTo, path, () -> sent.sentTo(hosts));
        }
        Node attach = members.get("attach");
        if (attach != null) {
            SecretPolicy bound = secret;
            Attachment attachment = attachment(attach, path + ".attach");
            secret = reading.checked(attach, path, () -> bound.attachedAs(attachment));
        }
        Node canary = members.get("canary");
        if (canary == null) {
            return secret;
        }
        if (!(canary instanceof Node.Flag flag) || !flag.value()) {
            throw reading.errors()
                    .invalid(canary.at(), "expected true at " + path + ".canary, or leave the member out");
        }
        return reading.checked(canary, path, secret::asCanary);
    }

    private Source source(Node node, String path) {
        Map<String, Node> members = object(node, path, SOURCE);
        if (members.size() != 1) {
            throw reading.errors().invalid(node.at(), "expected exactly one of env, file in " + path);
        }
        Node env = members.get("env");
        if (env != null) {
            String variable = reading.text(env, path + ".env");
            if (!variable.matches("[A-Za-z_][A-Za-z0-9_]{0,255}")) {
                throw reading.errors()
                        .invalid(env.at(), "expected the name of an environment variable at " + path + ".env");
            }
            return new Source.Environment(variable);
        }
        Node file = members.get("file");
        if (file == null) {
            throw new IllegalStateException("a member that was just seen is gone");
        }
        String text = reading.text(file, path + ".file");
        if (text.isEmpty()
                || text.codePointCount(0, text.length()) > 4096
                || text.indexOf('\n') >= 0
                || text.indexOf('\0') >= 0) {
            throw reading.errors().invalid(file.at(), "expected a path at " + path + ".file");
        }
        try {
            return new Source.File(folder.resolve(text).normalize());
        } catch (InvalidPathException e) {
            throw reading.errors().invalid(file.at(), "expected a path at " + path + ".file");
        }
    }

    private Attachment attachment(Node node, String path) {
        Map<String, Node> members = object(node, path, ATTACH);
        Node hostsNode = members.get("hosts");
        if (hostsNode == null) {
            throw reading.errors().invalid(node.at(), "expected a member \"hosts\" in " + path);
        }
        Set<HostPort> hosts = reading.setOf(hostsNode, path + ".hosts", "hosts", host -> host(host, path + ".hosts"));
        Node as = members.get("as");
        Node header = members.get("header");
        Node prefix = members.get("prefix");
        if ((as == null) == (header == null) || (as != null && prefix != null)) {
            throw reading.errors()
                    .invalid(node.at(), "expected either \"as\" or \"header\" (with or without \"prefix\") in " + path);
        }
        if (as != null) {
            if (!reading.text(as, path + ".as").equals("bearer")) {
                throw reading.errors().invalid(as.at(), "expected \"bearer\" at " + path + ".as");
            }
            return new Attachment(hosts, "Authorization", "Bearer ");
        }
        if (header == null) {
            throw new IllegalStateException("a member that was just seen is gone");
        }
        String headerName = reading.text(header, path + ".header");
        if (!headerName.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")) {
            throw reading.errors().invalid(header.at(), "expected the name of a header at " + path + ".header");
        }
        String prefixText = prefix == null ? "" : reading.text(prefix, path + ".prefix");
        if (!prefixText.matches("[\\x20-\\x7e]{0,32}")) {
            throw reading.errors()
                    .invalid(
                            node.at(),
                            "expected at most 32 printable ASCII characters at " + path
                                    + ".prefix; a policy never holds a secret");
        }
        try {
            return new Attachment(hosts, headerName, prefixText);
        } catch (IllegalArgumentException e) {
            throw reading.errors().invalid(header.at(), "at " + path + ".header: " + e.getMessage());
        }
    }

    private HostPort host(Node node, String path) {
        String text = reading.text(node, path);
        try {
            return HostPort.parse(text);
        } catch (IllegalArgumentException e) {
            throw reading.errors()
                    .invalid(
                            node.at(),
                            "expected an exact host or host:port at " + path + "; no wildcard, no address, no URL");
        }
    }

    private Map<String, Node> object(Node node, String path, List<String> expected) {
        if (!(node instanceof Node.Members)) {
            throw reading.errors()
                    .invalid(
                            node.at(), "expected an object at " + path + ", found " + node.kind() + "; " + NEVER_HOLDS);
        }
        reading.named(node, path).forEach((name, member) -> {
            if (!expected.contains(name)
                    && List.of("value", "key", "token", "secret", "password").contains(name)) {
                throw reading.errors().unknownMember(member.at(), name, path, expected, "; " + NEVER_HOLDS);
            }
        });
        return reading.known(node, path, expected);
    }
}
