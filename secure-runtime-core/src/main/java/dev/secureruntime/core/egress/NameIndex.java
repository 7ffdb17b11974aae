package dev.secureruntime.core.egress;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Finds names, and the suffixes of a name, among many: an open-addressed table over a hash that is computed from a
 * name's end to its beginning, so that one pass over a host yields the hash of each of its suffixes.
 *
 * <p>A host is scanned by its owner: {@code hash = step(hash, character)} from the right, and at each label boundary
 * {@link #find} with the {@link #mix mixed} hash so far. A hit is always compared character by character: the hash is fast, not strong.
 * Nothing is allocated. Names are ASCII. Immutable and thread-safe.
 *
 * <p>Each slot has a tag, a byte of its name's hash, and a record of 32 bytes. Eight tags are looked at together, and lie so close
 * that they mostly are in a cache; of what doesn't fit there, a hit costs one miss, and a name that isn't there hardly ever one. Three quarters of
 * the slots are filled. Record: 4 bytes value, 1 byte length, up to 27 characters; or, of a longer name, the place of its characters elsewhere.
 */
final class NameIndex {

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long MIX = 0x9E3779B97F4A7C15L;
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGH = ONES << 7;
    private static final int GROUP = Long.BYTES;
    private static final int RECORD = 32;
    private static final int HEAD = 5;
    private static final int INLINE = RECORD - HEAD;
    /** Where the first record begins: behind an array's own 16 bytes, so that records don't lie across cache lines. */
    private static final int MARGIN = 16;

    private static final int IN_ORDER = 4_096;

    /** The tags of the slots, 0 where a slot is empty, and those of the first slots once more. */
    private final byte[] tags;

    private final byte[] records;
    private final byte[] longNames;
    private final int names;
    private final int slots;
    /** The slots of the names that came first. */
    private final int[] firsts;

    /** Bit n is set when some name has n labels; bit 31 stands for 31 and more. */
    private final int labelCounts;

    /** Indexes names of at most 253 characters, each with a value. */
    NameIndex(Map<String, Integer> names) {
        long wanted = names.size() * 4L / 3 + 1;
        int most = (Integer.MAX_VALUE - 2 * MARGIN) / RECORD;
        if (wanted > most) {
            throw new IllegalArgumentException("more than " + most / 4 * 3 + " names");
        }
        this.names = names.size();
        slots = (int) wanted;
        tags = new byte[slots + GROUP - 1];
        records = new byte[MARGIN + slots * RECORD];
        longNames = new byte
                [Math.toIntExact(names.keySet().stream()
                        .mapToLong(String::length)
                        .filter(length -> length > INLINE)
                        .sum())];
        firsts = new int[Math.min(names.size(), IN_ORDER)];
        int number = 0;
        int longs = 0;
        int counts = 0;
        for (Map.Entry<String, Integer> entry : names.entrySet()) {
            byte[] name = entry.getKey().getBytes(StandardCharsets.ISO_8859_1);
            int labels = 1;
            long hash = 0;
            for (int i = name.length - 1; i >= 0; i--) {
                hash = step(hash, (char) name[i]);
                labels += name[i] == '.' ? 1 : 0;
            }
            counts |= 1 << Math.min(31, labels);
            int slot = take(mix(hash));
            int record = record(slot);
            INT.set(records, record, entry.getValue().intValue());
            records[record + 4] = (byte) name.length;
            if (name.length > INLINE) {
                INT.set(records, record + HEAD, longs);
                System.arraycopy(name, 0, longNames, longs, name.length);
                longs += name.length;
            } else {
                System.arraycopy(name, 0, records, record + HEAD, name.length);
            }
            if (number < firsts.length) {
                firsts[number++] = slot;
            }
        }
        System.arraycopy(tags, 0, tags, slots, Math.min(slots, GROUP - 1));
        labelCounts = counts;
    }

    /** Gives the name of a mixed hash the first empty slot from its own on. */
    private int take(long mixed) {
        int slot = slot(mixed);
        while (tags[slot] != 0) {
            slot = slot + 1 == slots ? 0 : slot + 1;
        }
        tags[slot] = tag(mixed);
        return slot;
    }

    /**
     * The hash of a text that has one more character on its left; that of the empty text is 0. Each character is spread over all
     * bits, lest those of two places cancel each other out.
     */
    static long step(long hash, char character) {
        return Long.rotateLeft(hash, 7) ^ character * MIX;
    }

    /** Whether any name has this many labels. */
    boolean hasNameOf(int labels) {
        return (labelCounts & 1 << Math.min(31, labels)) != 0;
    }

    /** A hash as {@link #find} wants it. */
    static long mix(long hash) {
        return hash * MIX;
    }

    /** The tags of a mixed hash's slot and the seven behind it: read early, since cold ones are waited for. */
    long first(long mixed) {
        return (long) LONG.get(tags, slot(mixed));
    }

    /** The slot of the name that equals {@code host} from {@code start} on, whose mixed hash is given; -1 without one. */
    int find(String host, int start, long mixed) {
        return find(host, start, mixed, first(mixed));
    }

    /** The same, where the {@link #first} tags were read before. */
    int find(String host, int start, long mixed, long first) {
        int slot = slot(mixed);
        byte own = (byte) first;
        if (own == 0) {
            return -1;
        }
        if (own == tag(mixed) && equals(record(slot), host, start)) {
            return slot;
        }
        return findFurther(host, start, mixed, first, slot);
    }

    /** The same, looking at eight slots at a time. */
    private int findFurther(String host, int start, long mixed, long first, int home) {
        int slot = home;
        long wanted = (tag(mixed) & 0xff) * ONES;
        long group = first;
        while (true) {
            // The lowest high bit that is set is that of the first zero; a borrow can reach only bytes above it.
            long empty = group - ONES & ~group & HIGH;
            long difference = group ^ wanted;
            long equal = difference - ONES & ~difference & HIGH & empty - 1;
            while (equal != 0) {
                int found = slot + (Long.numberOfTrailingZeros(equal) >>> 3);
                found = found < slots ? found : found - slots;
                if (equals(record(found), host, start)) {
                    return found;
                }
                equal &= equal - 1;
            }
            if (empty != 0) {
                return -1;
            }
            slot = slot + GROUP < slots ? slot + GROUP : slot + GROUP - slots;
            group = (long) LONG.get(tags, slot);
        }
    }

    int value(int slot) {
        return (int) INT.get(records, record(slot));
    }

    String name(int slot) {
        int record = record(slot);
        int length = records[record + 4] & 0xff;
        return length > INLINE
                ? new String(longNames, (int) INT.get(records, record + HEAD), length, StandardCharsets.ISO_8859_1)
                : new String(records, record + HEAD, length, StandardCharsets.ISO_8859_1);
    }

    /**
     * Visits the slots of so many names: the first ones, in the order of the map, unless more than {@value #IN_ORDER} are asked
     * for and there.
     */
    void visit(int most, IntConsumer visitor) {
        if (most <= IN_ORDER || names <= IN_ORDER) {
            Arrays.stream(firsts).limit(most).forEach(visitor);
        } else {
            IntStream.range(0, slots)
                    .filter(slot -> tags[slot] != 0)
                    .limit(most)
                    .forEach(visitor);
        }
    }

    /** The number of slots. */
    int slots() {
        return slots;
    }

    /** The bytes that the table takes. */
    long bytes() {
        return tags.length + records.length + longNames.length + (long) firsts.length * Integer.BYTES;
    }

    private boolean equals(int record, String host, int start) {
        // The host's own length ends the loop: it is known before the record has come from memory.
        int length = host.length() - start;
        if ((records[record + 4] & 0xff) != length) {
            return false;
        }
        byte[] characters = records;
        int at = record + HEAD;
        if (length > INLINE) {
            characters = longNames;
            at = (int) INT.get(records, at);
        }
        int differences = 0;
        for (int i = 0; i < length; i++) {
            differences |= characters[at + i] ^ host.charAt(start + i);
        }
        return differences == 0;
    }

    private static int record(int slot) {
        return MARGIN + slot * RECORD;
    }

    /** Of the bits beside those that choose the slot; never 0. */
    private static byte tag(long mixed) {
        int bits = (int) (mixed >>> 24) & 0xff;
        return (byte) (bits == 0 ? 1 : bits);
    }

    private int slot(long mixed) {
        return (int) ((mixed >>> 32) * slots >>> 32);
    }
}
