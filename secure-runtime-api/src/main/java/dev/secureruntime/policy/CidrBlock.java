package dev.secureruntime.policy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;

/**
 * A block of addresses in CIDR notation (RFC 4632, RFC 4291), for example {@code 10.1.2.0/24} or {@code fd00::/8}. The
 * bits behind the prefix must be zero.
 */
public final class CidrBlock {

    private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private static final Pattern IPV4 = Pattern.compile(OCTET + "(\\." + OCTET + "){3}");
    /** The characters and the length of each part (RFC 4291, section 2.2); the number of parts is the parser's to check. */
    private static final Pattern IPV6 =
            Pattern.compile("(?=.*:)(::)?([0-9a-fA-F]{1,4}::?)*([0-9a-fA-F]{1,4}|" + IPV4.pattern() + ")?");

    private final byte[] network;
    private final int prefix;

    private CidrBlock(byte[] network, int prefix) {
        this.network = network;
        this.prefix = prefix;
    }

    /** Parses a block; a single address stands for itself. */
    public static CidrBlock parse(String text) {
        int slash = text.indexOf('/');
        String address = slash < 0 ? text : text.substring(0, slash);
        if (!IPV4.matcher(address).matches() && !IPV6.matcher(address).matches()) {
            throw invalid(text, "expected an IPv4 or IPv6 address before the slash");
        }
        byte[] network;
        try {
            // A literal by the check above: no name is looked up.
            network = InetAddress.getByName(address).getAddress();
        } catch (UnknownHostException e) {
            throw invalid(text, "expected an IPv4 or IPv6 address before the slash");
        }
        if (network.length == 4 && address.indexOf(':') >= 0) {
            throw invalid(text, "an IPv4-mapped block is written as the IPv4 block that it holds");
        }
        int bits = network.length * 8;
        int prefix = bits;
        if (slash >= 0) {
            String length = text.substring(slash + 1);
            if (!length.matches("0|[1-9][0-9]{0,2}") || Integer.parseInt(length) > bits) {
                throw invalid(text, "expected a prefix length of 0 to " + bits);
            }
            prefix = Integer.parseInt(length);
        }
        for (int bit = prefix; bit < bits; bit++) {
            if ((network[bit / 8] & (0x80 >> (bit % 8))) != 0) {
                throw invalid(text, "bits are set behind the prefix");
            }
        }
        return new CidrBlock(network, prefix);
    }

    /** Whether the address lies in the block. */
    public boolean contains(InetAddress address) {
        return contains(address.getAddress());
    }

    /** Whether the address of 4 or 16 bytes lies in the block. */
    public boolean contains(byte[] bytes) {
        if (bytes.length != network.length) {
            return false;
        }
        int whole = prefix / 8;
        for (int i = 0; i < whole; i++) {
            if (bytes[i] != network[i]) {
                return false;
            }
        }
        int rest = prefix % 8;
        return rest == 0 || ((bytes[whole] ^ network[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
    }

    /** Whether the block is one address. */
    public boolean isSingleAddress() {
        return prefix == network.length * 8;
    }

    /** The block in CIDR notation. */
    @Override
    public String toString() {
        try {
            return InetAddress.getByAddress(network).getHostAddress() + "/" + prefix;
        } catch (UnknownHostException e) {
            throw new IllegalStateException("a block has 4 or 16 bytes", e);
        }
    }

    private static IllegalArgumentException invalid(String text, String why) {
        return new IllegalArgumentException("\"" + text + "\" is no address block: " + why);
    }
}
