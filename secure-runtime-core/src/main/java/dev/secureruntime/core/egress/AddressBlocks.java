package dev.secureruntime.core.egress;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Arithmetic on blocks of addresses, for exports to tools that know blocks and no exceptions. */
final class AddressBlocks {

    private AddressBlocks() {}

    /** A block: its first address, and the number of leading bits that are fixed. */
    record Block(byte[] first, int prefix) {

        static Block parse(String cidr) {
            int slash = cidr.indexOf('/');
            String text = slash < 0 ? cidr : cidr.substring(0, slash);
            byte[] first = text.indexOf(':') >= 0 ? AddressText.parseIpv6(text) : AddressText.parseIpv4(text);
            if (first == null) {
                throw new IllegalArgumentException("\"" + cidr + "\" is no address block");
            }
            return new Block(first, slash < 0 ? first.length * 8 : Integer.parseInt(cidr.substring(slash + 1)));
        }

        boolean contains(Block other) {
            if (first.length != other.first.length || prefix > other.prefix) {
                return false;
            }
            for (int bit = 0; bit < prefix; bit++) {
                int mask = 0x80 >> bit % 8;
                if (((first[bit / 8] ^ other.first[bit / 8]) & mask) != 0) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Block block && prefix == block.prefix && Arrays.equals(first, block.first);
        }

        @Override
        public int hashCode() {
            return 31 * prefix + Arrays.hashCode(first);
        }

        Block half(boolean upper) {
            byte[] start = first.clone();
            if (upper) {
                start[prefix / 8] |= (byte) (0x80 >> prefix % 8);
            }
            return new Block(start, prefix + 1);
        }

        @Override
        public String toString() {
            return AddressText.print(first) + "/" + prefix;
        }
    }

    /** The blocks without the holes, as blocks; none of which lies in another. */
    static List<Block> subtract(List<Block> blocks, List<Block> holes) {
        List<Block> rest = new ArrayList<>();
        for (Block block : blocks) {
            if (blocks.stream().noneMatch(other -> other != block && other.contains(block) && !block.contains(other))) {
                subtract(block, holes, rest);
            }
        }
        return List.copyOf(rest);
    }

    private static void subtract(Block block, List<Block> holes, List<Block> rest) {
        if (holes.stream().anyMatch(hole -> hole.contains(block))) {
            return;
        }
        if (holes.stream().noneMatch(block::contains)) {
            rest.add(block);
            return;
        }
        subtract(block.half(false), holes, rest);
        subtract(block.half(true), holes, rest);
    }
}
