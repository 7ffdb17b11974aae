package dev.secureruntime.core.egress;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The addresses that are not plain public hosts: the IANA special-purpose registries, multicast, cloud metadata. Read
 * once from {@code special-addresses.csv}; where it comes from stands in {@code SOURCES.md} beside it.
 *
 * <p>A lookup is a scan of a few dozen ranges in two longs each; it runs once per resolved address, not per decision on
 * a name.
 */
final class SpecialAddresses {

    private static final String TABLE = "special-addresses.csv";
    private static final SpecialAddresses INSTANCE = load();

    private final List<Range> ranges;

    private SpecialAddresses(List<Range> ranges) {
        this.ranges = ranges;
    }

    /** The purpose of the narrowest special range that holds the address, or null when the address is public. */
    static @Nullable String purpose(byte[] address) {
        long high = address.length == 4 ? 0 : bits(address, 0, 8);
        long low = address.length == 4 ? bits(address, 0, 4) << 32 : bits(address, 8, 8);
        Range best = null;
        for (Range range : INSTANCE.ranges) {
            if (range.ipv4 == (address.length == 4)
                    && (high & range.highMask) == range.high
                    && (low & range.lowMask) == range.low
                    && (best == null || range.prefix > best.prefix)) {
                best = range;
            }
        }
        return best == null ? null : best.purpose;
    }

    /** The ranges as blocks. */
    static List<AddressBlocks.Block> blocks() {
        return INSTANCE.ranges.stream()
                .map(range -> AddressBlocks.Block.parse(range.cidr))
                .toList();
    }

    private static long bits(byte[] bytes, int from, int count) {
        long value = 0;
        for (int i = 0; i < count; i++) {
            value = value << 8 | (bytes[from + i] & 0xff);
        }
        return value;
    }

    private static SpecialAddresses load() {
        List<Range> ranges = new ArrayList<>();
        try (InputStream in = SpecialAddresses.class.getResourceAsStream(TABLE)) {
            if (in == null) {
                throw new IllegalStateException(TABLE + " is missing from the jar");
            }
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            text.lines().skip(1).filter(line -> !line.isBlank()).forEach(line -> {
                List<String> columns = columns(line);
                // DECODE rows are judged by the IPv4 address that they carry, and by nothing else.
                if (columns.get(5).equals("DENY")) {
                    ranges.add(Range.parse(columns.get(0), columns.get(2)));
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + TABLE, e);
        }
        return new SpecialAddresses(List.copyOf(ranges));
    }

    /** Comma-separated columns, of which some are in double quotes. */
    private static List<String> columns(String line) {
        List<String> columns = new ArrayList<>();
        StringBuilder column = new StringBuilder();
        boolean quoted = false;
        for (char c : line.toCharArray()) {
            if (c == '"') {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                columns.add(column.toString());
                column.setLength(0);
            } else {
                column.append(c);
            }
        }
        columns.add(column.toString());
        return columns;
    }

    private record Range(
            String cidr, boolean ipv4, int prefix, long high, long low, long highMask, long lowMask, String purpose) {

        static Range parse(String cidr, String purpose) {
            int slash = cidr.indexOf('/');
            String text = cidr.substring(0, slash);
            int prefix = Integer.parseInt(cidr.substring(slash + 1));
            byte[] address = text.indexOf(':') >= 0 ? AddressText.parseIpv6(text) : AddressText.parseIpv4(text);
            if (address == null) {
                throw new IllegalStateException(TABLE + " holds a range that is none: " + cidr);
            }
            if (address.length == 4) {
                return new Range(cidr, true, prefix, 0, bits(address, 0, 4) << 32, 0, mask(prefix), purpose);
            }
            return new Range(
                    cidr,
                    false,
                    prefix,
                    bits(address, 0, 8),
                    bits(address, 8, 8),
                    mask(Math.min(64, prefix)),
                    mask(Math.max(0, prefix - 64)),
                    purpose);
        }

        private static long mask(int bits) {
            return bits == 0 ? 0 : -1L << (64 - bits);
        }
    }
}
