package dev.secureruntime.core.egress;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * Finds names, and the suffixes of a name, among many: an open-addressed table over a hash that is computed from a
 * name's end to its beginning, so that one pass over a host yields the hash of each of its suffixes.
 *
 * <p>A host is scanned by its owner: {@code hash = step(hash, character)} from the right, and at each label boundary
 * {@link #find} with the {@link #mix mixed} hash so far. A hit is always compared character by character: the hash is fast, not strong.
 * Nothing is allocated. Names are ASCII. Immutable and thread-safe.
 *
 * <p>What a look-up needs of a name lies together, so that a cold hit costs two cache misses, one in the slots and one in
 * the records. What the owner keeps of its own beside the slots is waited for together with the record. Record: 4 bytes value,
 * 1 byte length, the characters. Slot: 32 bits of hash, 32 bits of the record's place plus one; half of them are filled, so that most names stand in their first one.
 */
final class NameIndex {

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long MIX = 0x9E3779B97F4A7C15L;
    private static final int HEAD = 5;

    private final byte[] records;
    private final long[] slots;

    /** Bit n is set when some name has n labels; bit 31 stands for 31 and more. */
    private final int labelCounts;

    /** Indexes names of at most 253 characters, each with a value. */
    NameIndex(Map<String, Integer> names) {
        long total = 0;
        for (String name : names.keySet()) {
            total += HEAD + name.length();
        }
        records = new byte[Math.toIntExact(total)];
        slots = new long[Math.toIntExact(Math.max(2, names.size() * 2L))];
        int at = 0;
        int counts = 0;
        for (Map.Entry<String, Integer> entry : names.entrySet()) {
            byte[] name = entry.getKey().getBytes(StandardCharsets.ISO_8859_1);
            INT.set(records, at, entry.getValue().intValue());
            records[at + 4] = (byte) name.length;
            System.arraycopy(name, 0, records, at + HEAD, name.length);
            int labels = 1;
            long hash = 0;
            for (int i = name.length - 1; i >= 0; i--) {
                hash = step(hash, (char) name[i]);
                labels += name[i] == '.' ? 1 : 0;
            }
            counts |= 1 << Math.min(31, labels);
            insert(hash, at);
            at += HEAD + name.length;
        }
        labelCounts = counts;
    }

    private void insert(long hash, int record) {
        long mixed = mix(hash);
        int slot = slot(mixed);
        while (slots[slot] != 0) {
            slot = slot + 1 == slots.length ? 0 : slot + 1;
        }
        slots[slot] = mixed << 32 | (record + 1);
    }

    /** The hash of a text that has one more character on its left; that of the empty text is 0. */
    static long step(long hash, char character) {
        return Long.rotateLeft(hash, 7) ^ character;
    }

    /** Whether any name has this many labels. */
    boolean hasNameOf(int labels) {
        return (labelCounts & 1 << Math.min(31, labels)) != 0;
    }

    /** A hash as {@link #find} wants it. */
    static long mix(long hash) {
        return hash * MIX;
    }

    /** What the first slot of a mixed hash holds: read early, since a cold one is waited for. */
    long first(long mixed) {
        return slots[slot(mixed)];
    }

    /** The slot of the name that equals {@code host} from {@code start} on, whose mixed hash is given; -1 without one. */
    int find(String host, int start, long mixed) {
        return find(host, start, mixed, first(mixed));
    }

    /** The same, where the {@link #first} slot was read before. */
    int find(String host, int start, long mixed, long first) {
        long entry = first;
        int slot = slot(mixed);
        while (entry != 0) {
            if ((int) (entry >>> 32) == (int) mixed && equals((int) entry - 1, host, start)) {
                return slot;
            }
            slot = slot + 1 == slots.length ? 0 : slot + 1;
            entry = slots[slot];
        }
        return -1;
    }

    /** The record that a slot found leads to. */
    int record(int slot) {
        return (int) slots[slot] - 1;
    }

    int value(int record) {
        return (int) INT.get(records, record);
    }

    String name(int record) {
        return new String(records, record + HEAD, records[record + 4] & 0xff, StandardCharsets.ISO_8859_1);
    }

    /** Visits the first records, in the order of the map. */
    void visit(int most, IntConsumer visitor) {
        int visited = 0;
        for (int at = 0; at < records.length && visited < most; at += HEAD + (records[at + 4] & 0xff)) {
            visitor.accept(at);
            visited++;
        }
    }

    /** The number of slots. */
    int slots() {
        return slots.length;
    }

    /** The bytes that the table takes. */
    long bytes() {
        return records.length + 8L * slots.length;
    }

    private boolean equals(int record, String host, int start) {
        // The host's own length ends the loop: it is known before the record has come from memory.
        int length = host.length() - start;
        if ((records[record + 4] & 0xff) != length) {
            return false;
        }
        int at = record + HEAD;
        int differences = 0;
        for (int i = 0; i < length; i++) {
            differences |= records[at + i] ^ host.charAt(start + i);
        }
        return differences == 0;
    }

    private int slot(long mixed) {
        return (int) ((mixed >>> 32) * slots.length >>> 32);
    }
}
