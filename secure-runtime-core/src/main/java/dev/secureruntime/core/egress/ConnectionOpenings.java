package dev.secureruntime.core.egress;

import dev.secureruntime.core.egress.AddressBlocks.Block;
import dev.secureruntime.core.egress.PolicyExport.Effect;
import dev.secureruntime.core.egress.PolicyExport.Gap;
import dev.secureruntime.core.egress.PolicyExport.Precision;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The addresses and ports that a component may connect to, for tools that know blocks with exceptions and nothing else. What
 * is opened here is opened to every request, whatever its method and path; a rule of which that does not hold is a gap.
 */
final class ConnectionOpenings {

    private static final int ISATAP_PREFIX = 64;

    /**
     * Blocks in which an IPv6 address carries an IPv4 one that the policy judges too. Not the mapped ones: they are IPv4
     * addresses to every system, and no packet has them.
     */
    static final List<Block> EMBEDDING = List.of(
            Block.parse("::/96"),
            Block.parse("::ffff:0:0:0/96"),
            Block.parse("64:ff9b::/32"),
            Block.parse("2002::/16"),
            Block.parse("2001::/32"));

    private static final ExportScope EITHER_SCHEME = ExportScope.ofDeny(EgressRule.Scope.DEFAULT);

    private static final List<Block> EVERYTHING = List.of(Block.parse("0.0.0.0/0"), Block.parse("::/0"));

    private final String component;
    private final ComponentPolicy rules;
    private final Precision precision;
    private final List<Opening> openings = new ArrayList<>();
    private final List<Gap> gaps = new ArrayList<>();

    private ConnectionOpenings(String component, ComponentPolicy rules, Precision precision) {
        this.component = component;
        this.rules = rules;
        this.precision = precision;
        Set<Integer> ofNames = new TreeSet<>();
        for (EgressRule rule : rules.allow()) {
            if (rule instanceof EgressRule.Cidr cidr) {
                open(cidr);
            } else if (isWorthIt(rule, "it is about names, and a network policy knows addresses alone")) {
                ofNames.addAll(ExportScope.ofAllow(rule.scope()).ports());
            }
        }
        openPublic(ofNames);
        if (!ofNames.isEmpty()) {
            rules.deny().stream()
                    .filter(rule -> !(rule instanceof EgressRule.Cidr))
                    .forEach(rule -> gaps.add(new Gap(
                            component,
                            "deny " + rule.describe(),
                            Effect.WIDER,
                            "it is about names, and all public addresses are open")));
        }
    }

    /**
     * A block, less the exceptions, on some ports.
     *
     * @param rule what opens it, in words
     * @param block the block
     * @param except blocks inside of it, none of them all of it
     * @param ports the TCP ports
     */
    record Opening(String rule, Block block, List<Block> except, Set<Integer> ports) {}

    static ConnectionOpenings of(String component, ComponentPolicy rules, Precision precision) {
        return new ConnectionOpenings(component, rules, precision);
    }

    List<Opening> openings() {
        return openings;
    }

    List<Gap> gaps() {
        return gaps;
    }

    private void open(EgressRule.Cidr rule) {
        Block block = Block.parse(rule.block());
        ExportScope scope = ExportScope.ofAllow(rule.scope());
        if (isInside(EMBEDDING, block) || isInside(isatap(block), block)) {
            leftOut(rule, "its addresses carry IPv4 addresses, which the policy judges one by one");
            return;
        }
        if (scope.inside()
                && !isWorthIt(rule, "it is limited to methods or paths, which a network policy does not see")) {
            return;
        }
        if (hasIsatapBeyondCounting(block)
                && !isWorthIt(rule, "ISATAP addresses in it carry IPv4 addresses, and can't all be excepted")) {
            return;
        }
        Map<List<Block>, Set<Integer>> byHoles = new LinkedHashMap<>();
        for (int port : scope.ports()) {
            if (!deniesLiterals(port, scope)
                    || isWorthIt(rule, "category raw-ip is denied: only names may lead there")) {
                byHoles.computeIfAbsent(holes(block, port, scope), same -> new TreeSet<>())
                        .add(port);
            }
        }
        byHoles.forEach((holes, ports) -> add("allow " + rule.describe(), block, holes, ports));
    }

    /** Every public address on the ports of names, when wider is what was asked for. */
    private void openPublic(Set<Integer> ports) {
        for (int port : ports) {
            for (Block block : EVERYTHING) {
                List<Block> holes = new ArrayList<>(holes(block, port, EITHER_SCHEME));
                SpecialAddresses.blocks().stream()
                        .filter(special -> !EmbeddedIpv4.isOnlyIpv4(special.first()))
                        .forEach(holes::add);
                add("all public addresses, for the rules about names", block, holes, Set.of(port));
            }
        }
    }

    private void add(String rule, Block block, List<Block> holes, Set<Integer> ports) {
        if (holes.stream().anyMatch(hole -> hole.contains(block))) {
            return;
        }
        List<Block> inside = holes.stream().filter(block::contains).distinct().toList();
        List<Block> outermost = inside.stream()
                .filter(hole -> inside.stream().noneMatch(other -> !other.equals(hole) && other.contains(hole)))
                .toList();
        openings.add(new Opening(rule, block, outermost, ports));
    }

    /** What the policy refuses of a block on a port, to the schemes that are opened: denied blocks, metadata, and addresses that carry others. */
    private List<Block> holes(Block block, int port, ExportScope opened) {
        List<Block> holes = new ArrayList<>();
        boolean metadataDenied = false;
        for (EgressRule rule : rules.deny()) {
            if (ExportScope.ofDeny(rule.scope()).meets(port, opened)) {
                if (rule instanceof EgressRule.Cidr cidr) {
                    holes.add(Block.parse(cidr.block()));
                } else if (rule instanceof EgressRule.Category category) {
                    metadataDenied |= category.name().equals(Category.CLOUD_METADATA.label());
                    addAddresses(category, holes);
                }
            }
        }
        boolean single = block.prefix() == block.first().length * 8;
        if (metadataDenied || !single) {
            AddressRules.metadataAddresses().forEach(address -> holes.add(new Block(address, address.length * 8)));
        }
        if (!isPlainAddress(block)) {
            holes.addAll(EMBEDDING);
            holes.addAll(isatap(block));
        }
        return holes;
    }

    private static void addAddresses(EgressRule.Category category, List<Block> holes) {
        // A policy's own lists hold no addresses.
        Category.named(category.name()).ifPresent(known -> {
            for (String name : CategoryLists.of(Set.of(known)).sample(Integer.MAX_VALUE)) {
                byte[] address = AddressText.parseCanonical(name);
                if (address != null) {
                    holes.add(new Block(address, address.length * 8));
                }
            }
        });
    }

    private boolean deniesLiterals(int port, ExportScope opened) {
        return rules.deny().stream()
                .anyMatch(rule -> rule instanceof EgressRule.Category category
                        && category.name().equals(Category.RAW_IP.label())
                        && ExportScope.ofDeny(rule.scope()).meets(port, opened));
    }

    private static boolean isInside(List<Block> embedding, Block block) {
        return !isPlainAddress(block) && embedding.stream().anyMatch(each -> each.contains(block));
    }

    /** One address that is nothing but itself. */
    private static boolean isPlainAddress(Block block) {
        int bits = block.first().length * 8;
        return block.prefix() == bits
                && (bits == 32 || EmbeddedIpv4.in(block.first()).isEmpty());
    }

    private static boolean hasIsatapBeyondCounting(Block block) {
        return block.first().length == 16 && block.prefix() < ISATAP_PREFIX;
    }

    /** The four blocks of ISATAP addresses (RFC 5214) in a network of 64 bits. */
    private static List<Block> isatap(Block block) {
        List<Block> blocks = new ArrayList<>();
        if (block.first().length == 16 && block.prefix() >= ISATAP_PREFIX) {
            for (int flags = 0; flags < 4; flags++) {
                byte[] first = block.first().clone();
                Arrays.fill(first, 8, 16, (byte) 0);
                first[8] = (byte) flags;
                first[10] = 0x5e;
                first[11] = (byte) 0xfe;
                blocks.add(new Block(first, 96));
            }
        }
        return blocks;
    }

    /** Whether a rule that would come out wider goes in; a gap either way. */
    private boolean isWorthIt(EgressRule rule, String why) {
        if (precision == Precision.WIDER) {
            gaps.add(new Gap(component, "allow " + rule.describe(), Effect.WIDER, why));
            return true;
        }
        leftOut(rule, why);
        return false;
    }

    private void leftOut(EgressRule rule, String why) {
        gaps.add(new Gap(component, "allow " + rule.describe(), Effect.LEFT_OUT, why));
    }
}
