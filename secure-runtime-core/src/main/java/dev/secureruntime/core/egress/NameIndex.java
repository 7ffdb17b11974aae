package dev.secureruntime.core.egress;

import java.nio.charset.StandardCharsets;
import java.util.Collection;

/**
 * Finds names, and the suffixes of a name, among many: an open-addressed table over a hash that is computed from a
 * name's end to its beginning, so that one pass over a host yields the hash of each of its suffixes.
 *
 * <p>A host is scanned by its owner: {@code hash = step(hash, character)} from the right, and at each label boundary
 * {@link #find} with the hash so far. Nothing is allocated. Names are ASCII. Immutable and thread-safe.
 *
 * <p>Memory: the characters, 4 bytes of offset, and 8 bytes per slot at a load of 5/8.
 */
final class NameIndex {

    private static final int MULTIPLIER = 0x01000193;
    private static final int MIX = 0x9E3779B1;

    private final byte[] characters;
    private final int[] offsets;
    /** The hash of a name in the upper half, its number plus one in the lower; 0 is empty. */
    private final long[] slots;

    /** Bit n is set when some name has n labels; bit 31 stands for 31 and more. */
    private final int labelCounts;

    NameIndex(Collection<String> names) {
        int total = 0;
        for (String name : names) {
            total += name.length();
        }
        characters = new byte[total];
        offsets = new int[names.size() + 1];
        slots = new long[Math.max(2, (int) Math.min(Integer.MAX_VALUE - 8, names.size() * 8L / 5 + 1))];
        int number = 0;
        int counts = 0;
        for (String name : names) {
            byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
            System.arraycopy(bytes, 0, characters, offsets[number], bytes.length);
            offsets[number + 1] = offsets[number] + bytes.length;
            counts |= 1
                    << Math.min(31, 1 + (int) name.chars().filter(c -> c == '.').count());
            insert(name, number++);
        }
        labelCounts = counts;
    }

    private void insert(String name, int number) {
        int hash = 0;
        for (int i = name.length() - 1; i >= 0; i--) {
            hash = step(hash, name.charAt(i));
        }
        int slot = slot(hash);
        while (slots[slot] != 0) {
            slot = slot + 1 == slots.length ? 0 : slot + 1;
        }
        slots[slot] = (long) hash << 32 | (number + 1);
    }

    /** The hash of a text that has one more character on its left. */
    static int step(int hash, char character) {
        return hash * MULTIPLIER + character;
    }

    /** Whether any name has this many labels. */
    boolean hasNameOf(int labels) {
        return (labelCounts & 1 << Math.min(31, labels)) != 0;
    }

    /** The number of the name that equals {@code host} from {@code start} on, whose hash is given; -1 when there is none. */
    int find(String host, int start, int hash) {
        int slot = slot(hash);
        while (true) {
            long entry = slots[slot];
            if (entry == 0) {
                return -1;
            }
            if ((int) (entry >>> 32) == hash) {
                int number = (int) entry - 1;
                if (equals(number, host, start)) {
                    return number;
                }
            }
            slot = slot + 1 == slots.length ? 0 : slot + 1;
        }
    }

    /** A name by its number, which is its place in the collection that the index was built from. */
    String name(int number) {
        return new String(
                characters, offsets[number], offsets[number + 1] - offsets[number], StandardCharsets.ISO_8859_1);
    }

    int size() {
        return offsets.length - 1;
    }

    /** The bytes that the table takes. */
    long bytes() {
        return characters.length + 4L * offsets.length + 8L * slots.length;
    }

    private boolean equals(int number, String host, int start) {
        int offset = offsets[number];
        int length = offsets[number + 1] - offset;
        if (host.length() - start != length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if ((char) (characters[offset + i] & 0xff) != host.charAt(start + i)) {
                return false;
            }
        }
        return true;
    }

    private int slot(int hash) {
        int mixed = hash * MIX;
        mixed ^= mixed >>> 15;
        mixed *= MIX;
        return (int) ((mixed & 0xffff_ffffL) * slots.length >>> 32);
    }
}
