package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.AddressBlocks.Block;
import dev.secureruntime.core.egress.PolicyExport.Effect;
import dev.secureruntime.core.egress.PolicyExport.Gap;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import dev.secureruntime.policy.Policy;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes one component's egress policy as access rules for the Squid proxy, version 5 and later: a file to include in a
 * {@code squid.conf} that serves this component alone.
 *
 * <p>What holds: a request that the proxy denies may be allowed by the policy only where the next paragraph says so, and
 * the other way round. Special addresses are judged by Squid on the addresses that it resolves itself.
 *
 * <p>What does not: within https a proxy sees host and port only, so that methods and paths of https rules are not
 * enforced there, and a rule in {@code deny} that names methods or paths is left out for https (the export says so in a
 * comment). Squid resolves the escapes of a path before it compares: in http rules that name paths, {@code /%61} passes for
 * {@code /a}, which the policy refuses, and a path with an escaped blank or dot segments in its query is refused, which the
 * policy may allow. Squid takes
 * a trailing dot off a host and turns it into lower case, where the policy refuses both; names that are malformed otherwise are refused by rules.
 * Methods that are no plain words, such as {@code M-SEARCH}, pass where a rule of http names no methods; a header that
 * overrides the method is refused by Squid even where it names the request's own.
 * An IPv4
 * address inside an IPv6 one is not decoded; the blocks that hold such addresses are closed as a whole, but for those of
 * ISATAP (RFC 5214), which lie in every network: they are judged as IPv6 addresses alone.
 */
public final class SquidExport {

    private static final int NAMES_PER_LINE = 40;

    /** What Squid takes an IPv4 address for: a block of IPv6 addresses around it says nothing of IPv4. */
    private static final List<Block> MAPPED = List.of(Block.parse("::ffff:0:0/96"));

    /** {@code ::} and {@code ::1}, which carry no IPv4 address: like other special ones, they are as open as rules say. */
    private static final List<Block> THEMSELVES = List.of(Block.parse("::/127"));

    private final ExportText text = new ExportText();
    private final String component;
    private final Categories categories;
    private int count;

    private SquidExport(String component, Categories categories) {
        this.component = component;
        this.categories = categories;
    }

    /**
     * The access rules.
     *
     * @throws IllegalArgumentException when the policy has no such component
     */
    public static PolicyExport of(Policy policy, String component) {
        ComponentPolicy rules = ComponentRules.of(policy, component);
        // The checks of the policy's categories are those of the compiler.
        EgressPolicy.compile(policy);
        SquidExport export = new SquidExport(component, Categories.of(policy));
        export.write(policy.source(), rules, UnexportedMembers.of(policy, component));
        return export.text.done();
    }

    private void write(String source, ComponentPolicy rules, List<Gap> besides) {
        text.comment(
                "",
                "Egress of component " + component + " by policy " + source + ", for Squid. Include it in squid.conf.");
        line(
                "# Within https the proxy sees host and port only: methods and paths of https rules are not enforced here.");
        text.comment("", UnexportedMembers.SECRETS);
        besides.forEach(gap -> text.gap("", gap));
        line("acl sr_connect method CONNECT");
        line("acl sr_http proto HTTP");
        line("acl sr_ipv4 dstdom_regex -n ^[0-9]{1,3}(\\.[0-9]{1,3}){3}$");
        line("acl sr_ipv6 dstdom_regex -n :");
        line("acl sr_literal any-of sr_ipv4 sr_ipv6");
        SquidRegex.REWRITTEN_PATHS.forEach(regex -> line("acl sr_rewritten urlpath_regex " + regex));
        line("acl sr_never method TRACE TRACK");
        List<String> overrides = Stream.concat(MethodForm.METHOD_OVERRIDES.stream(), MethodForm.PATH_OVERRIDES.stream())
                .toList();
        overrides.forEach(header -> line("acl sr_override_" + header + " req_header " + header + " ."));
        line("acl sr_unsent any-of sr_never "
                + overrides.stream().map(header -> "sr_override_" + header).collect(Collectors.joining(" ")));
        SquidRegex.MALFORMED_NAMES.forEach(regex -> line("acl sr_malformed dstdom_regex -n " + regex));
        List<String> denials = new ArrayList<>();
        for (EgressRule rule : rules.deny()) {
            deny(rule, denials);
        }
        List<String> allows = new ArrayList<>();
        List<String> named = new ArrayList<>();
        for (EgressRule rule : rules.allow()) {
            allow(rule, named, allows);
        }
        if (!named.isEmpty()) {
            line("acl sr_named any-of " + String.join(" ", named));
            line("# A name that no rule speaks of is never looked up.");
            line("http_access deny !sr_named");
            line("# Squid takes any text for a name; the policy refuses what is none.");
            line("http_access deny sr_malformed");
            line(
                    "# Whatever the rules: what asks for the request to be sent back, or for another method or path than its own.");
            line("http_access deny sr_unsent");
            denials.forEach(this::line);
            closeSpecialAddresses(rules);
            allows.forEach(this::line);
        }
        line("http_access deny all");
    }

    private void deny(EgressRule rule, List<String> denials) {
        // An address is denied to connections, whatever methods and paths they would carry.
        EgressRule.Scope connections = rule.ofAnyRequest().scope();
        if (rule instanceof EgressRule.Cidr) {
            deny(connections, target(rule), denials);
            return;
        }
        ExportScope said = ExportScope.ofDeny(rule.scope());
        if (said.https() && said.inside()) {
            unenforced("deny " + rule.describe());
        }
        if (said.http()) {
            unescaped("deny " + rule.describe(), rule.scope());
        }
        deny(rule.scope(), target(rule), denials);
        if (rule instanceof EgressRule.Category category) {
            deny(connections, addresses(category), denials);
        }
    }

    private void deny(EgressRule.Scope scope, String target, List<String> denials) {
        if (target.isEmpty()) {
            return;
        }
        ExportScope said = ExportScope.ofDeny(scope);
        String ports = scope.ports().isEmpty() ? "" : " " + ports(scope.ports());
        if (said.https() && !said.inside()) {
            denials.add("http_access deny sr_connect " + target + ports);
        }
        if (said.http()) {
            String methods = methods(scope);
            denials.add("http_access deny !sr_connect " + target + ports + methods + paths(scope, true));
            if (!scope.paths().isEmpty()) {
                denials.add("http_access deny !sr_connect " + target + ports + methods + " sr_rewritten");
            }
        }
    }

    private void allow(EgressRule rule, List<String> named, List<String> allows) {
        EgressRule.Scope scope = rule.scope();
        ExportScope said = ExportScope.ofAllow(scope);
        String target = target(rule);
        if (target.isEmpty()) {
            return;
        }
        if (rule instanceof EgressRule.Cidr) {
            String literals = next("literals");
            line("acl " + literals + " all-of sr_literal " + target);
            target = literals;
        }
        named.add(target);
        String except = "";
        if (rule instanceof EgressRule.Host host && host.pattern().startsWith("*.")) {
            except = " !" + categories(categories.labels(categories.deniedToWildcards()));
        }
        String rest = " " + target + except + " " + ports(said.ports());
        if (said.https() && said.inside()) {
            unenforced("allow " + rule.describe());
        }
        if (said.https()) {
            allows.add("http_access allow sr_connect" + rest);
        }
        if (said.http()) {
            unescaped("allow " + rule.describe(), scope);
            String paths = scope.paths().isEmpty() ? "" : " !sr_rewritten" + paths(scope, false);
            allows.add("http_access allow !sr_connect sr_http" + rest + methods(scope) + paths);
        }
    }

    private void unescaped(String rule, EgressRule.Scope scope) {
        if (!scope.paths().isEmpty()) {
            String why =
                    "the proxy compares paths with their escapes resolved, where the policy refuses escapes of plain"
                            + " characters and of slashes";
            text.gap("", new Gap(component, rule, Effect.WIDER, why));
        }
    }

    private void unenforced(String rule) {
        String why = "it names methods or paths, which the proxy does not see within https";
        text.gap("", new Gap(component, rule, Effect.WIDER, why));
    }

    /** Every special address that no rule opens on the port is closed; mixed answers are closed by any of them. */
    private void closeSpecialAddresses(ComponentPolicy rules) {
        Set<Integer> ports = new TreeSet<>();
        for (EgressRule rule : rules.allow()) {
            if (rule instanceof EgressRule.Cidr cidr) {
                ports.addAll(ExportScope.ofAllow(cidr.scope()).ports());
            }
        }
        List<String> portNames = new ArrayList<>();
        for (int port : ports) {
            String name = ports(Set.of(port));
            portNames.add("!" + name);
            close("sr_connect " + name, closed(rules, "https", port));
            close("!sr_connect " + name, closed(rules, "http", port));
        }
        line("http_access deny " + String.join(" ", portNames) + " " + blocks(SpecialAddresses.blocks()));
        line("# IPv4 addresses inside IPv6 ones are not judged: their blocks are closed, but for those of ISATAP.");
        line("http_access deny " + blocks(AddressBlocks.subtract(ConnectionOpenings.EMBEDDING, THEMSELVES)));
    }

    private void close(String requests, List<Block> addresses) {
        if (!addresses.isEmpty()) {
            line("http_access deny " + requests + " " + blocks(addresses));
        }
    }

    /** The special addresses that no rule opens on a port. */
    private static List<Block> closed(ComponentPolicy rules, String scheme, int port) {
        List<Block> holes = new ArrayList<>();
        for (EgressRule rule : rules.allow()) {
            Set<String> schemes = rule.scope().schemes();
            if (rule instanceof EgressRule.Cidr cidr
                    && ExportScope.ofAllow(cidr.scope()).coversPort(port)
                    && (schemes.isEmpty() || schemes.contains(scheme))) {
                holes.add(Block.parse(cidr.block()));
            }
        }
        List<Block> closed = new ArrayList<>(AddressBlocks.subtract(SpecialAddresses.blocks(), holes));
        for (byte[] address : AddressRules.metadataAddresses()) {
            Block metadata = new Block(address, address.length * 8);
            boolean opened =
                    holes.stream().anyMatch(hole -> hole.prefix() == address.length * 8 && hole.contains(metadata));
            if (!opened && closed.stream().noneMatch(block -> block.contains(metadata))) {
                closed.add(metadata);
            }
        }
        return closed;
    }

    /** Declares what a rule is about; the name of the declaration, or nothing where it matches no request. */
    private String target(EgressRule rule) {
        if (rule instanceof EgressRule.Category category) {
            boolean literals = category.name().equals(Category.RAW_IP.label());
            return literals ? "sr_literal" : categories(List.of(category.name()));
        }
        if (rule instanceof EgressRule.Cidr cidr) {
            return blocks(List.of(Block.parse(cidr.block())));
        }
        String pattern = rule.describe();
        if (pattern.startsWith("*.")) {
            String name = next("below");
            line("acl " + name + " dstdom_regex -n ." + pattern.substring(1).replace(".", "\\.") + "$");
            return name;
        }
        String name = next("host");
        line("acl " + name + " dstdomain -n " + pattern);
        return name;
    }

    /** Declares the addresses that a category lists; nothing where it lists none. */
    private String addresses(EgressRule.Category category) {
        List<Block> addresses = new ArrayList<>();
        categories.forEachPattern(category.name(), pattern -> {
            byte[] address = AddressText.parseCanonical(pattern);
            if (address != null) {
                addresses.add(new Block(address, address.length * 8));
            }
        });
        return addresses.isEmpty() ? "" : blocks(addresses);
    }

    /** Declares the hosts of categories: a leading dot stands for a name and all below it. */
    private String categories(List<String> labels) {
        Set<String> exact = new LinkedHashSet<>();
        Set<String> below = new LinkedHashSet<>();
        for (String label : labels) {
            categories.forEachPattern(label, pattern -> {
                if (pattern.startsWith("*.")) {
                    below.add(pattern.substring(2));
                } else if (AddressText.parseCanonical(pattern) == null) {
                    exact.add(pattern);
                }
            });
        }
        List<String> entries = new ArrayList<>();
        // Squid refuses a list in which one entry lies below another.
        exact.stream()
                .filter(name -> !hasParent(name, exact, below))
                .map(name -> below.contains(name) ? "." + name : name)
                .forEach(entries::add);
        String names = next("category");
        for (int i = 0; i < entries.size(); i += NAMES_PER_LINE) {
            List<String> some = entries.subList(i, Math.min(entries.size(), i + NAMES_PER_LINE));
            line("acl " + names + " dstdomain -n " + String.join(" ", some));
        }
        List<String> onlyBelow =
                below.stream().filter(name -> !exact.contains(name)).toList();
        if (onlyBelow.isEmpty()) {
            return entries.isEmpty() ? "" : names;
        }
        String regexes = next("below");
        onlyBelow.forEach(name -> line("acl " + regexes + " dstdom_regex -n [.]" + name.replace(".", "[.]") + "$"));
        if (entries.isEmpty()) {
            return regexes;
        }
        String both = next("category");
        line("acl " + both + " any-of " + names + " " + regexes);
        return both;
    }

    /** Whether a name lies below one that stands in the list with all below it. */
    private static boolean hasParent(String name, Set<String> exact, Set<String> below) {
        for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
            String parent = name.substring(dot + 1);
            if (exact.contains(parent) && below.contains(parent)) {
                return true;
            }
        }
        return false;
    }

    private String blocks(List<Block> blocks) {
        String name = next("addresses");
        for (Block block : AddressBlocks.subtract(blocks, MAPPED)) {
            if (block.prefix() == 0) {
                // Squid takes 0.0.0.0/0 for "all", IPv6 included.
                line("acl " + name + " dst " + block.half(false) + " " + block.half(true));
            } else {
                line("acl " + name + " dst " + block);
            }
        }
        return name;
    }

    private String ports(Set<Integer> ports) {
        String name = next("ports");
        line("acl " + name + " port "
                + ports.stream().sorted().map(String::valueOf).collect(Collectors.joining(" ")));
        return name;
    }

    /** Methods, which a proxy sees in http only. */
    private String methods(EgressRule.Scope scope) {
        if (scope.methods().isEmpty()) {
            return "";
        }
        String name = next("methods");
        line("acl " + name + " method " + scope.methods().stream().sorted().collect(Collectors.joining(" ")));
        return " " + name;
    }

    /** Paths, likewise. */
    private String paths(EgressRule.Scope scope, boolean denied) {
        if (scope.paths().isEmpty()) {
            return "";
        }
        String name = next("paths");
        for (String path : new TreeSet<>(scope.paths())) {
            line("acl " + name + " urlpath_regex ^" + SquidRegex.path(path, denied) + "(\\?|$)");
        }
        return " " + name;
    }

    private String next(String kind) {
        return "sr_" + kind + "_" + ++count;
    }

    private void line(String line) {
        text.line(line);
    }
}
