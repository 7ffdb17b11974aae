package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.AddressBlocks.Block;
import dev.secureruntime.policy.EgressRule;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What is tried of one component to find how two policies differ: the targets of each rule of either, with each port, method and
 * path that a rule names, and with a method and paths that none does.
 */
final class DiffProbes {

    private static final int CATEGORY_SAMPLES = 3;

    /** No rule in allow that names paths covers it, and every rule in deny that does. */
    private static final String AMBIGUOUS_PATH = "/any/../other";

    private final Set<String> hosts = new LinkedHashSet<>();
    private final Set<String> addresses = new LinkedHashSet<>();
    private final Set<Integer> ports = new LinkedHashSet<>(List.of(443, 80));
    private final Set<String> methods = new LinkedHashSet<>(List.of("GET", "POST"));
    private final Set<String> paths = new LinkedHashSet<>(List.of("/"));

    /**
     * Collects what is tried.
     *
     * @param rules the rules of both policies
     * @param categories the categories of both
     * @param more hosts that are tried besides
     */
    DiffProbes(List<EgressRule> rules, List<Categories> categories, Set<String> more) {
        hosts.addAll(more);
        Set<String> patterns = new LinkedHashSet<>();
        for (EgressRule rule : rules) {
            List<String> tried = targets(rule, categories);
            hosts.addAll(tried);
            if (rule instanceof EgressRule.Cidr) {
                addresses.addAll(tried);
            }
            ports.addAll(rule.scope().ports());
            methods.addAll(rule.scope().methods());
            patterns.addAll(rule.scope().paths());
        }
        if (rules.stream().anyMatch(rule -> !rule.scope().methods().isEmpty())) {
            methods.add(beyond(methods, "OTHER"));
        }
        if (!patterns.isEmpty()) {
            String any = beyond(patterns, "any");
            patterns.forEach(
                    pattern -> paths.add(pattern.replace("**", any + "/" + any).replace("*", any)));
            paths.add("/" + any);
            paths.add(AMBIGUOUS_PATH);
        }
    }

    /** Hosts and addresses that are asked for as hosts. */
    Set<String> hosts() {
        return hosts;
    }

    /** Addresses that a host is supposed to have. */
    Set<String> addresses() {
        return addresses;
    }

    Set<Integer> ports() {
        return ports;
    }

    Set<String> methods() {
        return methods;
    }

    Set<String> paths() {
        return paths;
    }

    /** A host that a pattern covers. */
    static String hostOf(String pattern) {
        return pattern.startsWith("*.") ? "any-name" + pattern.substring(1) : pattern;
    }

    /** A word that is part of none of these. */
    private static String beyond(Set<String> named, String first) {
        StringBuilder word = new StringBuilder(first);
        while (named.stream().anyMatch(each -> each.contains(word))) {
            word.append('X');
        }
        return word.toString();
    }

    private static List<String> targets(EgressRule rule, List<Categories> categories) {
        if (rule instanceof EgressRule.Cidr cidr) {
            return edges(Block.parse(cidr.block()));
        }
        if (rule instanceof EgressRule.Category category) {
            List<String> samples = new ArrayList<>();
            for (Categories known : categories) {
                known.find(category.name())
                        .ifPresent(
                                named -> samples.addAll(known.lists(named.bit()).sample(CATEGORY_SAMPLES)));
            }
            return samples;
        }
        return List.of(hostOf(rule.describe()));
    }

    /** The first and the last address of a block, and those beside them: wherever an answer turns, a block begins or ends. */
    private static List<String> edges(Block block) {
        int bits = block.first().length * 8;
        BigInteger first = new BigInteger(1, block.first());
        BigInteger size = BigInteger.ONE.shiftLeft(bits - block.prefix());
        List<String> edges = new ArrayList<>();
        for (BigInteger edge : List.of(
                first, first.add(size).subtract(BigInteger.ONE), first.subtract(BigInteger.ONE), first.add(size))) {
            if (edge.signum() >= 0 && edge.bitLength() <= bits) {
                byte[] address = new byte[bits / 8];
                byte[] digits = edge.toByteArray();
                int length = Math.min(digits.length, address.length);
                System.arraycopy(digits, digits.length - length, address, address.length - length, length);
                edges.add(AddressText.print(address));
            }
        }
        return edges;
    }
}
