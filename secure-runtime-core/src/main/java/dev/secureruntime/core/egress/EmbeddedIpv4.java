package dev.secureruntime.core.egress;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds the IPv4 addresses that an IPv6 address carries, and that a gateway, a tunnel or the system itself may turn it
 * into: mapped, compatible and translated forms (RFC 4291, RFC 2765), NAT64 with its well-known and local-use prefixes
 * (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo's server and client (RFC 4380), ISATAP (RFC 5214).
 *
 * <p>A network's own NAT64 prefix can't be seen from an address; {@link #nat64} decodes one that is known.
 */
final class EmbeddedIpv4 {

    private EmbeddedIpv4() {}

    /** The addresses embedded in 16 bytes; more than one where the form alone does not tell which is meant. */
    static List<byte[]> in(byte[] ipv6) {
        List<byte[]> found = new ArrayList<>(2);
        if (isZero(ipv6, 0, 8)) {
            int middle = group(ipv6, 4) << 16 | group(ipv6, 5);
            // Of the deprecated compatible form, :: and ::1 are themselves and carry nothing.
            if ((middle == 0 && ipv6[12] != 0) || middle == 0x0000_ffff || middle == 0xffff_0000) {
                found.add(Arrays.copyOfRange(ipv6, 12, 16));
            }
        }
        int first = group(ipv6, 0);
        int second = group(ipv6, 1);
        if (first == 0x64 && second == 0xff9b) {
            addNat64(ipv6, found);
        }
        if (first == 0x2002) {
            found.add(Arrays.copyOfRange(ipv6, 2, 6));
        }
        if (first == 0x2001 && second == 0) {
            found.add(Arrays.copyOfRange(ipv6, 4, 8));
            byte[] client = Arrays.copyOfRange(ipv6, 12, 16);
            for (int i = 0; i < client.length; i++) {
                client[i] = (byte) ~client[i];
            }
            found.add(client);
        }
        if ((group(ipv6, 4) & 0xfcff) == 0 && group(ipv6, 5) == 0x5efe) {
            found.add(Arrays.copyOfRange(ipv6, 12, 16));
        }
        return found;
    }

    /** The form of RFC 4291 2.5.5.2, which Java turns into the IPv4 address before it connects. */
    static boolean isMapped(byte[] ipv6) {
        return isOnlyIpv4(ipv6) && group(ipv6, 5) == 0xffff;
    }

    private static void addNat64(byte[] ipv6, List<byte[]> found) {
        if (isZero(ipv6, 4, 12)) {
            found.add(nat64(ipv6, 96));
            return;
        }
        // Which length a network uses behind 64:ff9b:1::/48 or a neighbouring prefix can't be seen: all that fit count.
        for (int prefix : new int[] {32, 40, 48, 56, 64, 96}) {
            byte[] address = nat64(ipv6, prefix);
            if ((ipv6[8] == 0 || prefix == 96) && !isZero(address, 0, 1)) {
                found.add(address);
            }
        }
    }

    /** The form of RFC 4291 2.5.5.2 and RFC 2765, in which the IPv4 address is all that is meant. */
    static boolean isOnlyIpv4(byte[] ipv6) {
        if (ipv6.length != 16 || !isZero(ipv6, 0, 8)) {
            return false;
        }
        int middle = group(ipv6, 4) << 16 | group(ipv6, 5);
        return middle == 0x0000_ffff || middle == 0xffff_0000;
    }

    /**
     * The IPv4 address behind a NAT64 prefix of the given length, as RFC 6052 section 2.2 spreads it around bits 64 to
     * 71.
     *
     * @param prefix 32, 40, 48, 56, 64 or 96
     */
    static byte[] nat64(byte[] ipv6, int prefix) {
        byte[] address = new byte[4];
        int from = prefix / 8;
        for (int i = 0; i < 4; i++) {
            if (from == 8 && prefix != 96) {
                from++;
            }
            address[i] = ipv6[from++];
        }
        return address;
    }

    private static boolean isZero(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }

    private static int group(byte[] ipv6, int index) {
        return (ipv6[2 * index] & 0xff) << 8 | (ipv6[2 * index + 1] & 0xff);
    }
}
