package dev.secureruntime.core.egress;

import dev.secureruntime.egress.EgressDecision.Allowed;
import dev.secureruntime.egress.EgressRequest;
import dev.secureruntime.policy.CidrBlock;
import dev.secureruntime.policy.ComponentPolicy;
import dev.secureruntime.policy.EgressRule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The {@code cidr} rules of a component. An IPv6 address is judged by itself and by every IPv4 address that it embeds:
 * each of them that is special must be opened by a rule, and none may be in a denied block.
 */
final class AddressRules {

    private static final List<byte[]> METADATA = metadata();

    private final List<Rule> allow = new ArrayList<>();
    private final List<Rule> deny = new ArrayList<>();

    AddressRules(ComponentPolicy component, String version) {
        for (EgressRule rule : component.allow()) {
            if (rule instanceof EgressRule.Cidr cidr) {
                allow.add(Rule.of(cidr, CompiledScope.ofAllow(cidr.scope()), version));
            }
        }
        for (EgressRule rule : component.deny()) {
            if (rule instanceof EgressRule.Cidr cidr) {
                deny.add(Rule.of(cidr, CompiledScope.ofDeny(cidr.scope()), version));
            }
        }
    }

    /** The rule that denies the address, or one that it embeds, among those whose scope counts; null when none does. */
    @Nullable
    Rule denying(byte[] address, Predicate<CompiledScope> counts) {
        for (Rule rule : deny) {
            if (counts.test(rule.scope) && denies(rule, address)) {
                return rule;
            }
        }
        return null;
    }

    private static boolean denies(Rule rule, byte[] address) {
        if (!EmbeddedIpv4.isMapped(address) && rule.block.contains(address)) {
            return true; // what is connected to, whatever a translator makes of it
        }
        for (byte[] face : faces(address)) {
            if (rule.block.contains(face)) {
                return true;
            }
        }
        return false;
    }

    /** The rules that allow the address as a host, whatever their scope. */
    List<Rule> allowing(byte[] address) {
        byte[] meant = EmbeddedIpv4.isOnlyIpv4(address) ? faces(address).get(0) : address;
        return allow.stream().filter(rule -> rule.block.contains(meant)).toList();
    }

    /** The first special address, of the address itself and those it embeds, that no rule opens; null when none is left. */
    @Nullable
    Closed closed(byte[] address, EgressRequest request) {
        for (byte[] face : faces(address)) {
            boolean metadata = isMetadata(face);
            String purpose = metadata ? "cloud metadata" : SpecialAddresses.purpose(face);
            if (purpose != null && !isOpened(face, metadata, request)) {
                return new Closed(face, purpose, metadata);
            }
        }
        return null;
    }

    static boolean isSpecial(byte[] address) {
        for (byte[] face : faces(address)) {
            if (isMetadata(face) || SpecialAddresses.purpose(face) != null) {
                return true;
            }
        }
        return false;
    }

    /** Metadata is opened by naming its very address: a block around it was most likely meant for something else. */
    private boolean isOpened(byte[] face, boolean metadata, EgressRequest request) {
        for (Rule rule : allow) {
            if (rule.block.contains(face)
                    && (!metadata || rule.block.isSingleAddress())
                    && rule.scope.opensAddressFor(request)) {
                return true;
            }
        }
        return false;
    }

    static boolean isMetadata(byte[] face) {
        for (byte[] known : METADATA) {
            if (Arrays.equals(known, face)) {
                return true;
            }
        }
        return false;
    }

    /** The addresses that an address stands for: itself, unless it is only a way to write an IPv4 one, and those inside. */
    static List<byte[]> faces(byte[] address) {
        if (address.length == 4) {
            return List.of(address);
        }
        List<byte[]> faces = EmbeddedIpv4.in(address);
        if (!EmbeddedIpv4.isOnlyIpv4(address)) {
            faces.add(0, address);
        }
        return faces;
    }

    /** The addresses of cloud metadata. */
    static List<byte[]> metadataAddresses() {
        return METADATA;
    }

    private static List<byte[]> metadata() {
        List<byte[]> addresses = new ArrayList<>();
        CategoryLists.resource("cloud-metadata.txt").lines().forEach(line -> {
            byte[] address = AddressText.parseCanonical(line.strip());
            if (address != null) {
                addresses.add(address);
            }
        });
        return addresses;
    }

    /** A special address that stays closed. */
    record Closed(byte[] address, String purpose, boolean metadata) {}

    /** A compiled rule, with the answer that it gives when it allows. */
    record Rule(CidrBlock block, CompiledScope scope, Allowed allowed) {
        static Rule of(EgressRule.Cidr cidr, CompiledScope scope, String version) {
            return new Rule(CidrBlock.parse(cidr.block()), scope, new Allowed(cidr.describe(), version));
        }
    }
}
